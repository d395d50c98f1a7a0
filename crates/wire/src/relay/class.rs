//! Parameters by the class of the target's model and host, in a relayed body: the one legal spelling, and nothing that is
//! known to be refused. What is left out or changed is reported; of hosts and models that nobody knows nothing is.

use tollgate_ir::{Effort, Losses, Reason};

use super::RelayRequest;
use crate::effort::nearest;
use crate::json::{Node, Patch, inside, object};
use crate::openai_chat::{Off, Rules, Sampling, Says};
use crate::openai_models::OpenAiModel;

/// What sampling is said by, and the value that is no wish: the default of all who have one.
const SAMPLING: &[(&str, f64)] = &[
    ("temperature", 1.0),
    ("top_p", 1.0),
    ("presence_penalty", 0.0),
    ("frequency_penalty", 0.0),
    ("top_logprobs", f64::NAN),
];

/// Collects patches of top-level members and reports what they take away.
struct Editor<'e> {
    request: &'e RelayRequest<'e>,
    losses: &'e mut Losses,
    patches: Vec<Patch>,
}

/// For Chat Completions.
pub(super) fn chat(request: &RelayRequest<'_>, rules: &Rules, losses: &mut Losses) -> Vec<Patch> {
    let mut editor = Editor { request, losses, patches: Vec::new() };
    editor.one_limit(rules);
    if rules.seed != "seed" || rules.known_host {
        let other = if rules.seed == "seed" { "random_seed" } else { "seed" };
        editor.rename(other, rules.seed);
    }
    for member in request.envelope.members().iter().filter(|m| !rules.takes(&m.key)) {
        editor.drop(&member.key);
    }
    // What is neither OpenAI's nor at a known host may take anything.
    if rules.openai || rules.known_host || rules.sampling != Sampling::Free {
        editor.sampling(rules);
        if !rules.stop {
            editor.drop("stop");
        }
    }
    if rules.openai && !rules.verbosity {
        editor.drop("verbosity");
    }
    if rules.openai || rules.known_host {
        editor.effort(rules);
    }
    editor.demanded_call(rules);
    editor.patches
}

/// For Responses: what OpenAI's classes take.
pub(super) fn responses(request: &RelayRequest<'_>, losses: &mut Losses) -> Vec<Patch> {
    let mut editor = Editor { request, losses, patches: Vec::new() };
    editor.rename("max_completion_tokens", "max_output_tokens");
    editor.rename("max_tokens", "max_output_tokens");
    let Some(class) = OpenAiModel::of(request.model) else { return editor.patches };
    if !class.reasons() {
        editor.drop("reasoning");
        return editor.patches;
    }
    let asked = request.envelope.node(request.body, "reasoning");
    let word = asked.as_ref().and_then(|reasoning| reasoning.text("effort"));
    if word.map_or(class.unasked, |word| word != "none") {
        editor.without_sampling();
    }
    let given = word.and_then(|word| legal(word, class.efforts, if class.off { "none" } else { "" }));
    if let (Some(given), Some(at)) = (given, editor.span("reasoning", "effort")) {
        editor.losses.path("reasoning.effort", Reason::Adjusted);
        editor.patches.push(Patch::Replace { span: at, with: format!("\"{given}\"").into_bytes() });
    }
    editor.patches
}

/// The word that stands for one that the class does not know; `None`: it stays.
fn legal(word: &str, efforts: &[Effort], off: &'static str) -> Option<&'static str> {
    let least = || efforts.first().map(|least| least.as_str());
    let given = match Effort::parse(word) {
        Some(asked) => nearest(efforts, asked)?.as_str(),
        None if word == "none" && off.is_empty() => least()?,
        None => return None,
    };
    (given != word).then_some(given)
}

impl<'e> Editor<'e> {
    fn has(&self, key: &str) -> bool {
        self.request.envelope.member(key).is_some()
    }

    fn node(&self, key: &str) -> Option<Node<'e>> {
        self.request.envelope.node(self.request.body, key)
    }

    fn span(&self, key: &str, inner: &str) -> Option<std::ops::Range<usize>> {
        let object = self.request.envelope.member(key)?.value_at.clone();
        inside::members(self.request.body, object).into_iter().find(|m| m.key == inner).map(|m| m.value_at)
    }

    /// Takes a member out, and says so unless it says nothing.
    fn drop(&mut self, key: &str) {
        let Some(value) = self.node(key) else { return };
        let says_nothing = matches!(value, Node::Null | Node::Bool(false));
        if !says_nothing {
            self.losses.path(key, Reason::Dropped);
        }
        self.patches.push(Patch::delete(key.to_owned()));
    }

    /// Gives a member the name that is taken; if both are there, the right one counts.
    fn rename(&mut self, from: &'static str, to: &'static str) {
        match (self.has(from), self.has(to)) {
            (true, false) => self.patches.push(Patch::Rename { key: from.into(), to: to.into() }),
            (true, true) => self.patches.push(Patch::delete(from)),
            (false, _) => {}
        }
    }

    fn one_limit(&mut self, rules: &Rules) {
        match rules.max_tokens {
            _ if !rules.one_limit => {}
            "max_tokens" => self.rename("max_completion_tokens", "max_tokens"),
            name => self.rename("max_tokens", name),
        }
    }

    fn sampling(&mut self, rules: &Rules) {
        let word = self.node("reasoning_effort").and_then(|node| node.as_str().map(|word| word != "none"));
        let taken = match rules.sampling {
            Sampling::Free => true,
            Sampling::Never => false,
            Sampling::WithoutEffort => word != Some(true),
            Sampling::OnlyOff => word == Some(false),
        };
        if !taken {
            self.without_sampling();
        }
    }

    fn without_sampling(&mut self) {
        for (key, default) in SAMPLING {
            let said = self.node(key).and_then(|node| node.as_f64());
            if said.is_none_or(|value| (value - default).abs() > f64::EPSILON || default.is_nan()) {
                self.drop(key);
            }
        }
        if self.node("logprobs").is_some_and(|node| node.as_bool() == Some(true)) {
            self.drop("logprobs");
        }
    }

    /// `reasoning_effort` in the way and within the words of the class.
    fn effort(&mut self, rules: &Rules) {
        let Some(word) = self.node("reasoning_effort").and_then(|node| node.as_str().map(str::to_owned)) else {
            return;
        };
        let on = word != "none";
        match rules.says {
            Says::Routed => {}
            // The one word that it knows.
            Says::Nothing if matches!(rules.off, Off::Word(off) if off == word) => {}
            // Words that are no efforts are the host's own (Groq's `default`).
            Says::Nothing if matches!(rules.off, Off::Word(_)) && Effort::parse(&word).is_none() => {}
            Says::Nothing => self.drop("reasoning_effort"),
            Says::Enable => {
                self.patches.push(Patch::delete("reasoning_effort"));
                self.losses.path("reasoning_effort", Reason::Adjusted);
                if !self.has("enable_thinking") {
                    self.patches.push(Patch::set("enable_thinking", if on { "true" } else { "false" }));
                }
            }
            // It can be switched and no more: what hosts that know no efforts do not read.
            Says::Type if on && rules.efforts.is_empty() => {}
            Says::Type => self.typed(&word, on, rules),
            Says::Effort => {
                let off = if matches!(rules.off, Off::Word(_)) { "none" } else { "" };
                if let Some(given) = legal(&word, rules.efforts, off) {
                    self.losses.path("reasoning_effort", Reason::Adjusted);
                    self.patches.push(Patch::set_text("reasoning_effort", given));
                }
            }
        }
    }

    fn typed(&mut self, word: &str, on: bool, rules: &Rules) {
        if !self.has("thinking") {
            self.switch(if on { "enabled" } else { "disabled" });
        }
        match legal(word, rules.efforts, "none") {
            _ if !on => self.patches.push(Patch::delete("reasoning_effort")),
            Some(given) => self.patches.push(Patch::set_text("reasoning_effort", given)),
            None => return,
        }
        self.losses.path("reasoning_effort", Reason::Adjusted);
    }

    /// A call is demanded, which the model does only without reasoning.
    fn demanded_call(&mut self, rules: &Rules) {
        if rules.forced_calls_think || rules.off != Off::Type {
            return;
        }
        let demanded = match self.node("tool_choice") {
            Some(Node::Text(word)) => word == "required",
            Some(Node::Object(_)) => true,
            _ => false,
        };
        let off = self.node("thinking").is_some_and(|node| node.text("type") == Some("disabled"));
        if demanded && !off {
            self.losses.path("thinking", Reason::Adjusted);
            self.switch("disabled");
        }
    }

    fn switch(&mut self, to: &str) {
        let mut value = Vec::new();
        object(&mut value, |o| o.text("type", to));
        self.patches.push(Patch::set("thinking", value));
    }
}
