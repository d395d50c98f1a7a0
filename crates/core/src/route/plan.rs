//! A meaning → the targets in the order in which they are tried, each at most once, and those that are not, with reasons.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use tollgate_ir::Fault;

use super::cached::cost_at;
use super::walk::Walk;
use super::{Ground, LastResort, Meaning, Quote, RequestFacts, Resolved, RouteWishes, Targets};
use crate::Now;
use crate::config::{ApiKey, Config, Terms};

/// What one attempt is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The provider's id in the configuration.
    pub provider: Arc<str>,
    /// The model's name there.
    pub model: Arc<str>,
    /// Which of the provider's keys; `None` where it has none, or the client's own goes upstream.
    pub key: Option<usize>,
}

impl Target {
    /// `provider/model`, as in `x-tollgate-model`.
    pub fn name(&self) -> String {
        name_of(&self.provider, &self.model)
    }

    /// Where state that this target made lives.
    pub fn pin(&self, config: &Config) -> Pin {
        let key = self.key.and_then(|i| config.provider(&self.provider)?.keys.get(i));
        Pin { provider: Arc::clone(&self.provider), key: key.map(ApiKey::tag) }
    }
}

/// `provider/model`.
pub(super) fn name_of(provider: &str, model: &str) -> String {
    let mut name = String::with_capacity(provider.len() + 1 + model.len());
    name.push_str(provider);
    name.push('/');
    name.push_str(model);
    name
}

/// The provider and key that hold a piece of state (a response, encrypted reasoning): only they can read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The provider's id in the configuration.
    pub provider: Arc<str>,
    /// The key's tag ([`ApiKey::tag`]), which outlives a reload where an index does not.
    pub key: Option<u64>,
}

impl Pin {
    /// Whether a target is where the state is.
    pub fn holds(&self, target: &Target, config: &Config) -> bool {
        target.provider == self.provider && (self.key.is_none() || target.pin(config).key == self.key)
    }
}

/// Says why a target cannot serve a call, if it cannot.
pub type Unfit<'a> = &'a (dyn Fn(&Target) -> Option<String> + Sync);

/// The facts of a request, looked up once and only if a decision asks for them: to estimate tokens costs time.
pub struct Lookup<'a> {
    found: OnceCell<RequestFacts>,
    look: &'a dyn Fn() -> RequestFacts,
}

impl<'a> Lookup<'a> {
    /// Looks up by this when it is asked.
    pub const fn new(look: &'a dyn Fn() -> RequestFacts) -> Self {
        Self { found: OnceCell::new(), look }
    }

    /// The facts.
    pub fn get(&self) -> &RequestFacts {
        self.found.get_or_init(self.look)
    }

    /// The facts, if a decision asked for them.
    pub fn known(&self) -> Option<&RequestFacts> {
        self.found.get()
    }
}

/// What a plan depends on beside the policy.
pub struct Facts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Who knows targets.
    pub targets: &'a dyn Targets,
    /// The request.
    pub request: &'a Lookup<'a>,
    /// Bytes of the request's body: it has no more tokens.
    pub body_bytes: u64,
    /// It may hold something else than text.
    pub may_have_media: bool,
    /// The time.
    pub now: Now,
    /// The call continues state that only this pin can read: no other target is tried.
    pub only: Option<&'a Pin>,
    /// The call carries state that this pin can read and others must do without: its targets come first.
    pub first: Option<&'a Pin>,
    /// Why a target cannot serve this call at all (it speaks no embeddings); `None`: it can.
    pub unfit: Option<Unfit<'a>>,
    /// What the request asks of routing.
    pub wishes: &'a RouteWishes,
    /// Somebody wants to read why: what each target costs is looked up too, which decides nothing.
    pub explain: bool,
}

impl Facts<'_> {
    /// The request's facts.
    pub(super) fn request(&self) -> &RequestFacts {
        self.request.get()
    }
}

/// A target's turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which.
    pub target: Target,
    /// What the policy says of attempts on it.
    pub terms: Arc<Terms>,
    /// What gave it its place, the innermost choice first.
    pub grounds: Vec<Ground>,
    /// It fared badly of late, and is asked only after all others.
    pub last_resort: Option<LastResort>,
    /// What it costs, where an explanation is wanted.
    pub quote: Option<Quote>,
}

/// The targets in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In order; no two have equal targets.
    pub steps: Vec<Step>,
    /// Those left out, and why.
    pub skipped: Vec<Skipped>,
    /// Those that serve instead if a prompt turns out too long for the ones before.
    pub if_too_long: Vec<Step>,
    /// Those that serve instead if a content policy refuses.
    pub if_refused: Vec<Step>,
    /// When the first of those that are cooling down is back, and what it said; told if no step is left.
    pub back: Option<(Now, Arc<Fault>)>,
    /// Those that are cooling down: who is back by the time all others have failed is asked after all.
    pub cooling: Vec<(Now, Step)>,
    /// The conditions that held, in the order of the tree; `else` where none of a list did.
    pub rules: Vec<Arc<str>>,
    /// The conversation, where its prompt cache counted: whoever serves it holds that from then on.
    pub conversation: Option<u64>,
    /// The estimate that decisions rest on, where one asked for it.
    pub prompt_tokens: Option<u64>,
}

impl Plan {
    /// The targets in order.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.steps.iter().map(|step| &step.target)
    }

    /// There was nothing to choose: one target, and it was tried.
    pub fn is_plain(&self) -> bool {
        self.steps.len() == 1 && self.skipped.is_empty() && self.rules.is_empty()
    }
}

/// A target that is not tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub target: Target,
    /// Why, for logs and explanations.
    pub reason: String,
}

/// The terms of a target that no policy names.
static PLAIN: LazyLock<Arc<Terms>> = LazyLock::new(Arc::default);

/// Orders the targets of a name. `draw` gives numbers in [0, 1), one for each weighted choice; a plan without steps means
/// that every target was skipped.
pub fn plan(resolved: &Resolved, facts: &Facts<'_>, draw: &mut dyn FnMut() -> f64) -> Plan {
    plan_chain(std::slice::from_ref(resolved), facts, draw)
}

/// The same for several names, those of each before those of the next: a client's own list of fallbacks. The caller
/// must have the right to each name that is given here.
pub fn plan_chain(names: &[Resolved], facts: &Facts<'_>, draw: &mut dyn FnMut() -> f64) -> Plan {
    let mut walk = Walk::new(facts, draw);
    let mut steps = Vec::new();
    for resolved in names {
        let mut list = match &resolved.meaning {
            Meaning::Virtual(model) => walk.policy(&model.policy),
            Meaning::Direct { provider, model } => walk.target(provider, model, &PLAIN),
        };
        if steps.is_empty() {
            steps = list;
        } else {
            steps.append(&mut list);
        }
    }
    let virtuals = || names.iter().filter_map(Resolved::virtual_model);
    let if_too_long: Vec<Step> =
        virtuals().filter_map(|model| model.context_fallback.as_ref()).flat_map(|other| walk.policy(other)).collect();
    let if_refused = virtuals()
        .filter_map(|model| model.content_policy_fallback.as_ref())
        .flat_map(|other| walk.policy(other))
        .collect();
    if steps.is_empty() && walk.too_long {
        steps.clone_from(&if_too_long);
    }
    let Walk { skipped, back, mut cooling, rules, conversation, .. } = walk;
    let mut seen = HashSet::new();
    cooling.retain(|(_, step)| !facts.wishes.no_fallbacks && seen.insert(step.target.clone()));
    let mut plan =
        Plan { steps, skipped, if_too_long, if_refused, back, cooling, rules, conversation, prompt_tokens: None };
    order(&mut plan.steps, facts);
    if facts.explain {
        quote(&mut plan.steps, facts);
    }
    plan.prompt_tokens = facts.request.known().map(|request| request.prompt_tokens);
    plan
}

/// What each target costs.
fn quote(steps: &mut [Step], facts: &Facts<'_>) {
    for step in steps {
        let price = facts.config.model(&step.target.provider, &step.target.model).price();
        step.quote = price.map(|price| Quote {
            input: price.rates.input,
            output: price.rates.output,
            call: cost_at(&price, &step.target, facts),
        });
    }
}

/// The last touches: each target once, the request's own order, where state is first, those that fare badly last.
fn order(steps: &mut Vec<Step>, facts: &Facts<'_>) {
    if steps.len() > 1 {
        let mut seen = HashSet::new();
        steps.retain(|step| seen.insert(step.target.clone()));
    }
    let wishes = facts.wishes;
    if let Some(by) = wishes.sort {
        super::walk::sort_by_measure(steps, by, facts);
    }
    if !wishes.order.is_empty() {
        steps.sort_by_key(|step| wishes.place(&super::walk::ids(&step.target, facts.config)));
    }
    if let Some(pin) = facts.first {
        steps.sort_by_key(|step| !pin.holds(&step.target, facts.config));
    }
    steps.sort_by_key(|step| step.last_resort.is_some());
    if wishes.no_fallbacks {
        steps.truncate(1);
    }
}
