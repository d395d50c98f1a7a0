//! What classes of Claude models take, as data. A model is classed by its name, on whatever host it runs.
//!
//! Sources: Anthropic's migration guides for 4.6, 4.7 and 4.8, its pages on thinking, effort and structured outputs, the
//! catalogues of models.dev and LiteLLM (output limits, efforts, prefill), and recorded refusals.

use std::borrow::Cow;

use tollgate_ir::Effort;

use crate::effort::nearest;

/// How a class of models is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThinkingForm {
    /// It cannot.
    None,
    /// By a budget of tokens (`enabled`).
    Budget,
    /// By budget, or as it sees fit (`adaptive`) guided by an effort.
    Both,
    /// As it sees fit only; a budget is refused.
    Adaptive,
    /// It always does; `disabled` is refused too.
    Always,
}

/// What a class of models takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelClass {
    /// Of the name in [`canonical`] form.
    prefix: &'static str,
    /// Most output tokens.
    pub max_output: u64,
    /// See [`ThinkingForm`].
    pub thinking: ThinkingForm,
    /// The efforts of `output_config.effort`; empty: none.
    pub efforts: &'static [Effort],
    /// `temperature`, `top_p` and `top_k` are taken.
    pub sampling: bool,
    /// `temperature` and `top_p` together are taken.
    pub both_samplings: bool,
    /// A last turn of the assistant is gone on with.
    pub prefill: bool,
    /// `output_config.format` and `strict` tools are taken.
    pub structured: bool,
    /// A `system` message may stand among the turns.
    pub late_system: bool,
}

const SIX: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::Max];
const SEVEN: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::XHigh, Effort::Max];

const OLD: ModelClass = ModelClass {
    prefix: "claude-3",
    max_output: 4096,
    thinking: ThinkingForm::None,
    efforts: &[],
    sampling: true,
    both_samplings: true,
    prefill: true,
    structured: false,
    late_system: false,
};
const FOUR: ModelClass =
    ModelClass { prefix: "claude-opus-4", max_output: 32_000, thinking: ThinkingForm::Budget, ..OLD };
const FOUR_FIVE: ModelClass =
    ModelClass { prefix: "claude-sonnet-4-5", max_output: 64_000, both_samplings: false, structured: true, ..FOUR };
const FOUR_SIX: ModelClass =
    ModelClass { prefix: "claude-sonnet-4-6", thinking: ThinkingForm::Both, efforts: SIX, prefill: false, ..FOUR_FIVE };
const NEWEST: ModelClass = ModelClass {
    prefix: "claude",
    max_output: 128_000,
    thinking: ThinkingForm::Adaptive,
    efforts: SEVEN,
    sampling: false,
    late_system: true,
    ..FOUR_SIX
};

/// The first whose prefix fits is the model's class.
const CLASSES: &[ModelClass] = &[
    ModelClass { prefix: "claude-3-7", max_output: 64_000, thinking: ThinkingForm::Budget, ..OLD },
    ModelClass { prefix: "claude-3-5", max_output: 8192, ..OLD },
    OLD,
    ModelClass { prefix: "claude-2", ..OLD },
    ModelClass { prefix: "claude-instant", ..OLD },
    FOUR_FIVE,
    ModelClass { prefix: "claude-haiku-4-5", ..FOUR_FIVE },
    ModelClass { prefix: "claude-opus-4-5", ..FOUR_FIVE },
    FOUR_SIX,
    ModelClass { prefix: "claude-opus-4-6", max_output: 128_000, ..FOUR_SIX },
    ModelClass { prefix: "claude-opus-4-7", late_system: false, ..NEWEST },
    ModelClass { prefix: "claude-opus-4-8", ..NEWEST },
    ModelClass { prefix: "claude-opus-4-1", both_samplings: false, ..FOUR },
    FOUR,
    ModelClass { prefix: "claude-sonnet-4", max_output: 64_000, ..FOUR },
    // LiteLLM's catalogue says of these `thinking_always_on`.
    ModelClass { prefix: "claude-opus-5-5", thinking: ThinkingForm::Always, ..NEWEST },
    ModelClass { prefix: "claude-sonnet-5-5", thinking: ThinkingForm::Always, ..NEWEST },
    ModelClass { prefix: "claude-sonnet-5", late_system: false, ..NEWEST },
    ModelClass { prefix: "claude-fable", thinking: ThinkingForm::Always, ..NEWEST },
    ModelClass { prefix: "claude-mythos", thinking: ThinkingForm::Always, ..NEWEST },
    NEWEST,
    // Other makers' models behind this protocol: what the first thinking Claude took, and nothing newer.
    ModelClass { prefix: "", max_output: 8192, thinking: ThinkingForm::Budget, ..OLD },
];

impl ModelClass {
    /// By the model's name at its host.
    pub fn of(model: &str) -> &'static Self {
        let name = canonical(model);
        CLASSES.iter().find(|class| name.starts_with(class.prefix)).unwrap_or(&NEWEST)
    }

    /// The hardest effort that it takes and that is no harder than the one asked for.
    pub fn effort(&self, asked: Effort) -> Option<Effort> {
        nearest(self.efforts, asked)
    }
}

/// `us.anthropic.claude-opus-4-6-v1`, `anthropic/claude-opus-4.6` and `claude-4.6-opus` → `claude-opus-4-6…`.
fn canonical(model: &str) -> Cow<'_, str> {
    if is_canonical(model) {
        return model.into();
    }
    let lower = model.to_ascii_lowercase();
    let begins = |(at, _): &(usize, &str)| lower[*at..].starts_with("claude");
    let Some((start, _)) = lower.match_indices('c').find(begins) else { return lower.into() };
    let name = lower[start..].replace(['.', '@', '_'], "-");
    let parts: Vec<&str> = name.split('-').collect();
    // From 4 on the family comes before the version; some hosts still write it the old way round.
    let numbers = parts[1..].iter().take_while(|p| p.bytes().all(|b| b.is_ascii_digit()) && p.len() < 3).count();
    match parts.get(1 + numbers) {
        Some(family) if numbers > 0 && parts[1].parse().is_ok_and(|major: u32| major >= 4) => {
            let rest = parts[2 + numbers..].iter();
            let order = ["claude", family].into_iter().chain(parts[1..=numbers].iter().copied());
            order.chain(rest.copied()).collect::<Vec<_>>().join("-").into()
        }
        _ => name.into(),
    }
}

/// Most names are: the family at the beginning, and nothing to be spelled otherwise.
fn is_canonical(model: &str) -> bool {
    let plain = |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let family = model.strip_prefix("claude-");
    family.is_some_and(|family| family.starts_with(|c: char| c.is_ascii_lowercase()) && family.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Node;

    #[test]
    fn a_name_is_spelled_in_one_way() {
        for (name, canonical_name) in [
            ("claude-opus-4-6", "claude-opus-4-6"),
            ("Claude-Opus-4.6", "claude-opus-4-6"),
            ("us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6-v1:0"),
            ("acme/claude-4.6-opus", "claude-opus-4-6"),
            ("claude-3-5-haiku@1", "claude-3-5-haiku-1"),
            ("claude-", "claude-"),
            ("ccclaude", "claude"),
            ("Cla-1", "cla-1"),
        ] {
            assert_eq!(canonical(name), canonical_name, "{name}");
        }
    }

    #[test]
    fn names_of_all_hosts_find_their_class() {
        use ThinkingForm as T;
        // name, most output, thinking, sampling, both samplings, prefill, structured, late system
        let table = [
            ("claude-3-haiku-20240307", 4096, T::None, true, true, true, false, false),
            ("claude-3-5-sonnet-20241022", 8192, T::None, true, true, true, false, false),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", 64_000, T::Budget, true, true, true, false, false),
            ("claude-sonnet-4-20250514", 64_000, T::Budget, true, true, true, false, false),
            ("claude-opus-4@20250514", 32_000, T::Budget, true, true, true, false, false),
            ("claude-opus-4-1-20250805", 32_000, T::Budget, true, false, true, false, false),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000, T::Budget, true, false, true, true, false),
            ("anthropic/claude-haiku-4.5", 64_000, T::Budget, true, false, true, true, false),
            ("claude-sonnet-4-6", 64_000, T::Both, true, false, false, true, false),
            ("claude-4.6-opus-20260205", 128_000, T::Both, true, false, false, true, false),
            ("claude-opus-4-7", 128_000, T::Adaptive, false, false, false, true, false),
            ("claude-opus-4-8", 128_000, T::Adaptive, false, false, false, true, true),
            ("claude-sonnet-5", 128_000, T::Adaptive, false, false, false, true, false),
            ("anthropic.claude-fable-5-1", 128_000, T::Always, false, false, false, true, true),
            ("global.anthropic.claude-opus-5-5", 128_000, T::Always, false, false, false, true, true),
            ("github_copilot/claude-sonnet-5.5", 128_000, T::Always, false, false, false, true, true),
            ("claude-opus-7", 128_000, T::Adaptive, false, false, false, true, true),
            ("kimi-k3", 8192, T::Budget, true, true, true, false, false),
        ];
        for (name, max, thinking, sampling, both, prefill, structured, late) in table {
            let c = ModelClass::of(name);
            let got = (c.max_output, c.thinking, c.sampling, c.both_samplings, c.prefill, c.structured, c.late_system);
            assert_eq!(got, (max, thinking, sampling, both, prefill, structured, late), "{name} as {}", c.prefix);
        }
    }

    /// Claude models of the catalogue of which it says whether they always think.
    fn always_thinking<'n>(node: &'n Node<'n>, found: &mut Vec<(&'n str, bool)>) {
        for (key, value) in node.entries() {
            if key.contains("claude") && !value.entries().is_empty() {
                found.push((key, value.get("thinking_always_on").and_then(Node::as_bool) == Some(true)));
            }
            always_thinking(value, found);
        }
    }

    #[test]
    fn which_models_always_think_is_what_the_catalogue_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/catalog/litellm-prices.json");
        let Ok(catalogue) = std::fs::read(file) else { return println!("skipped: no {file}") };
        let catalogue = Node::read(&catalogue).unwrap();
        let mut models = Vec::new();
        always_thinking(&catalogue, &mut models);
        let always: Vec<_> = models.iter().filter(|(_, always)| *always).collect();
        assert!(always.len() > 50, "{always:?}");
        for (model, _) in always {
            assert_eq!(ModelClass::of(model).thinking, ThinkingForm::Always, "{model}");
        }
        // Hosts that resell a model leave the flag out; its maker's own entry counts.
        let own = |model: &str| !model.contains('/') && !model.contains("fable");
        for (model, _) in models.iter().filter(|(model, always)| !always && own(model)) {
            assert_ne!(ModelClass::of(model).thinking, ThinkingForm::Always, "{model}");
        }
    }
}
