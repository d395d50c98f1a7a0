//! What a request asks of routing, in the fields and headers that users of other gateways know: OpenRouter's `models`,
//! `provider`, `:floor` and `:nitro`; `fallbacks` as LiteLLM and Bifrost write them. Retries and times are in `manner.rs`.
//!
//! It never widens what a caller may use: a name that the caller's key does not list is left out of the chain. Where the
//! call goes to OpenRouter itself, its own fields are meant for it and stay in the body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::catalogue::Capability;
use tollgate_core::config::{BareNames, Config, MaxPrice, Measure};
use tollgate_core::money::Nanos;
use tollgate_core::route::{Meaning, Resolved, RouteWishes, further_hosts, resolve};
use tollgate_ir::{Fault, FaultKind};
use tollgate_wire::json::{Envelope, Node};
use tollgate_wire::relay::ControlFields;

use crate::app::State;
use crate::catalogue::BuiltIn;

const MAX_COST: HeaderName = HeaderName::from_static("x-tollgate-max-cost");

/// Names that a request may add to its model.
const MOST_NAMES: usize = 16;

/// What a request asks of routing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asks {
    /// Models that serve if the one asked for does not, in order.
    pub also: Vec<Resolved>,
    /// What it demands of targets.
    pub wishes: RouteWishes,
}

/// What a name means, and the order that its ending asks for.
pub type Found = (Resolved, Option<Measure>);

/// What a name means to this caller, and the order that its ending asks for: `:floor` is the cheapest first, `:nitro` the
/// fastest. A model that has the name verbatim is meant by it.
pub fn check(name: &str, caller: &Caller, state: &State) -> Result<Found, Fault> {
    let endings = [(":floor", Measure::Price), (":nitro", Measure::Total)];
    let ending = endings.into_iter().find_map(|(ending, by)| Some((name.strip_suffix(ending)?, by)));
    if let Some((short, by)) = ending.filter(|_| !is_verbatim(name, &state.config))
        && let Ok(resolved) = resolve(short, &state.config, &BuiltIn)
        && !for_open_router(&resolved, state)
    {
        authorize(caller, &resolved)?;
        return Ok((resolved, Some(by)));
    }
    let resolved = resolve(name, &state.config, &BuiltIn)?;
    authorize(caller, &resolved)?;
    Ok((resolved, None))
}

/// Whether a model is known by exactly this name. A host that is not known may have any.
fn is_verbatim(name: &str, config: &Config) -> bool {
    if config.models.contains_key(name) {
        return true;
    }
    let Some((provider, model)) = name.split_once('/') else { return false };
    config.provider(provider).is_some_and(|provider| {
        provider.known.is_none()
            || provider.models.contains_key(model)
            || provider.catalogued.is_some_and(|id| config.catalogue.offer_of(id, model).is_some())
    })
}

/// What a received request asks, beside its model; `None` where it asks nothing.
pub fn of(
    headers: &HeaderMap,
    body: &Bytes,
    envelope: &Envelope,
    resolved: &Resolved,
    sort: Option<Measure>,
    caller: &Caller,
    state: &State,
) -> Result<Option<Box<Asks>>, Fault> {
    let says = ["models", "provider", "fallbacks"].iter().any(|key| envelope.member(key).is_some());
    let most = headers.get(MAX_COST);
    if !says && sort.is_none() && most.is_none() && state.config.bare_names != BareNames::All {
        return Ok(None);
    }
    let mut asks = Asks::default();
    asks.wishes.sort = sort;
    let node = |key: &str| envelope.node(body, key);
    let mut names = Vec::new();
    let models = node("models");
    if for_open_router(resolved, state) {
        // It would serve them: the caller must have the right to each.
        for name in models.iter().flat_map(|list| list.items()).filter_map(Node::as_str) {
            let Meaning::Direct { provider, .. } = &resolved.meaning else { continue };
            authorize(caller, &resolve(&format!("{provider}/{name}"), &state.config, &BuiltIn)?)?;
        }
    } else {
        names.extend(models.iter().flat_map(|list| list.items()).filter_map(name_of));
        if let Some(provider) = node("provider").filter(|_| !is_kept(resolved, state)) {
            read_provider(&mut asks.wishes, &provider, envelope, body)?;
        }
    }
    names.extend(node("fallbacks").iter().flat_map(|list| list.items()).flat_map(names_of));
    if let Some(most) = most {
        let text = most.to_str().unwrap_or_default().trim();
        let most = text.parse::<Nanos>().ok().filter(|most| *most > Nanos(0));
        asks.wishes.terms.max_price.call =
            Some(most.ok_or_else(|| wrong("x-tollgate-max-cost", "is dollars for the call, such as `0.05`"))?);
    }
    if names.len() > MOST_NAMES {
        return Err(wrong("models", "and `fallbacks` name at most 16 models"));
    }
    if state.config.bare_names == BareNames::All {
        let others = further_hosts(resolved, &state.config, &BuiltIn).into_iter();
        asks.also.extend(others.filter(|other| authorize(caller, other).is_ok()));
    }
    // A name that is unknown or not allowed is no reason to refuse what the others could serve.
    let chain = names.iter().filter_map(|name| check(name, caller, state).ok()).map(|(also, _)| also);
    asks.also.extend(chain.filter(|also| also.meaning != resolved.meaning));
    Ok((asks != Asks::default()).then(|| Box::new(asks)))
}

fn for_open_router(resolved: &Resolved, state: &State) -> bool {
    control(resolved, state) == Some(ControlFields::OpenRouter)
}

/// Whether the one provider of this name gets such fields as they are: a gateway itself, which reads its own.
fn is_kept(resolved: &Resolved, state: &State) -> bool {
    control(resolved, state) == Some(ControlFields::Keep)
}

fn control(resolved: &Resolved, state: &State) -> Option<ControlFields> {
    let Meaning::Direct { provider, .. } = &resolved.meaning else { return None };
    state.providers.get(provider).map(|provider| provider.control)
}

/// A name, alone or as `{model}` or `{provider, model}`.
fn name_of(node: &Node<'_>) -> Option<String> {
    if let Some(name) = node.as_str() {
        return Some(name.to_owned());
    }
    let model = node.text("model")?;
    Some(node.text("provider").map_or_else(|| model.to_owned(), |provider| format!("{provider}/{model}")))
}

/// LiteLLM also takes `{"the model": ["its", "fallbacks"]}`.
fn names_of(node: &Node<'_>) -> Vec<String> {
    let lists = node.entries().iter().flat_map(|(_, list)| list.items());
    name_of(node).map_or_else(|| lists.filter_map(name_of).collect(), |name| vec![name])
}

/// OpenRouter's `provider` object.
fn read_provider(wishes: &mut RouteWishes, said: &Node<'_>, envelope: &Envelope, body: &Bytes) -> Result<(), Fault> {
    let list = |key: &str| -> Vec<String> {
        let items = said.get(key).into_iter().flat_map(Node::items);
        items.filter_map(Node::as_str).map(str::to_owned).collect()
    };
    let is = |key: &str, wanted: bool| said.get(key).and_then(Node::as_bool) == Some(wanted);
    (wishes.order, wishes.only, wishes.ignore) = (list("order"), list("only"), list("ignore"));
    wishes.no_fallbacks = is("allow_fallbacks", false);
    if let Some(sort) = said.get("sort") {
        let by = sort.as_str().or_else(|| sort.text("by"));
        wishes.sort = match by {
            Some("price") => Some(Measure::Price),
            Some("throughput") => Some(Measure::Total),
            Some("latency") => Some(Measure::FirstToken),
            None => wishes.sort,
            Some(_) => return Err(wrong("provider.sort", "is `price`, `throughput` or `latency`")),
        };
    }
    let require = &mut wishes.terms.require;
    require.zero_retention = is("zdr", true);
    require.no_training = said.text("data_collection") == Some("deny");
    if is("require_parameters", true) {
        let wants = [
            (Capability::Tools, envelope.has_items(body, "tools")),
            (Capability::StructuredOutput, envelope.member("response_format").is_some()),
            (Capability::Reasoning, ["reasoning", "reasoning_effort"].iter().any(|k| envelope.member(k).is_some())),
        ];
        require.capabilities.extend(wants.into_iter().filter(|(_, wanted)| *wanted).map(|(capability, _)| capability));
    }
    if let Some(most) = said.get("max_price") {
        wishes.terms.max_price =
            MaxPrice { input: dollars(most, "prompt")?, output: dollars(most, "completion")?, call: None };
    }
    Ok(())
}

/// Dollars, as a number or in quotes.
fn dollars(most: &Node<'_>, key: &str) -> Result<Option<Nanos>, Fault> {
    let Some(said) = most.get(key).filter(|said| **said != Node::Null) else { return Ok(None) };
    let text = said.as_str().map_or_else(|| said.to_text(), str::to_owned);
    let price = text.parse::<Nanos>().ok();
    price.map(Some).ok_or_else(|| wrong("provider.max_price", "has dollars per million tokens, such as `0.5`"))
}

fn wrong(param: &str, what: &str) -> Fault {
    let mut fault = Fault::new(FaultKind::InvalidField, format!("`{param}` {what}."));
    fault.param = Some(param.to_owned());
    fault
}
