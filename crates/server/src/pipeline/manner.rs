//! How a call wants its attempts made: how often, until when, how urgently, and whether two may be under way at once.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::time::Instant;
use tollgate_core::config::{Config, MOST_RETRIES, Provider, Terms, Timeouts, tag_of};
use tollgate_core::route::RetryTerms;
use tollgate_ir::{Fault, FaultKind};
use tollgate_wire::json::Node;

use super::identify::client_credentials;
use super::receive::Call;
use crate::app::hash;
use crate::turns::Priority;

const PRIORITY: HeaderName = HeaderName::from_static("x-tollgate-priority");

/// How a call wants its attempts made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Further attempts on each target, if the call says.
    pub retries: Option<u32>,
    /// The end of everything, as the client set it.
    pub client_end: Option<Instant>,
    /// The end of everything, as the operator set it.
    pub end: Option<Instant>,
    /// Who goes first where calls wait.
    pub priority: Priority,
    /// Two attempts may be under way at once.
    pub may_hedge: bool,
    /// It wants a stream: its first token is what is waited for.
    pub stream: bool,
    /// The tag of the client's own credential.
    pub client: Option<u64>,
    /// Whether the client reads how its targets were chosen.
    pub explains: Explains,
}

/// Whether a client reads how its targets were chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explains {
    /// It did not ask.
    #[default]
    No,
    /// It asked, and its key may.
    Yes,
    /// It asked, and its key may not.
    Refused,
}

impl Manner {
    /// Of a call that began so long ago.
    pub fn of(call: &Call, elapsed: Duration) -> Self {
        let now = Instant::now();
        let left = |limit: Duration| now + limit.saturating_sub(elapsed);
        let total = call.resolved.virtual_model().and_then(|model| model.total);
        let config = &call.state.config;
        Self {
            retries: call.wishes.retries.or_else(|| num_retries(call)),
            client_end: call.wishes.timeout.map(left),
            end: Some(left(total.unwrap_or(config.providers.longest().max(Timeouts::default().total)))),
            priority: priority(call),
            may_hedge: !call.wishes.no_hedge && hedges(call),
            stream: call.stream,
            client: client(call),
            explains: match (call.wishes.explain, call.caller.explains) {
                (false, _) => Explains::No,
                (true, true) => Explains::Yes,
                (true, false) => Explains::Refused,
            },
        }
    }

    /// What is said of attempts on a target: by the call, else by the policy, else by the provider, else for all.
    pub fn terms<'a>(&self, terms: &'a Terms, provider: Option<&Provider>, config: &Config) -> RetryTerms<'a> {
        let said = self.retries.or(terms.retries).or_else(|| provider?.retries);
        RetryTerms {
            retries: said.unwrap_or(config.retries.default),
            on: terms.on.as_deref(),
            base: config.retries.base,
            most: config.retries.most,
        }
    }

    /// The time that is left of the call.
    pub fn left(&self) -> Duration {
        let end = [self.client_end, self.end].into_iter().flatten().min();
        end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// LiteLLM's field of the body.
fn num_retries(call: &Call) -> Option<u32> {
    let given = call.envelope.node(&call.body, "num_retries")?.as_u64()?;
    Some(u32::try_from(given).unwrap_or(MOST_RETRIES).min(MOST_RETRIES))
}

/// `x-tollgate-retries: 2`, also as LiteLLM spells it.
pub fn retries(headers: &HeaderMap) -> Result<Option<u32>, Fault> {
    let given = ["x-tollgate-retries", "x-litellm-num-retries"]
        .iter()
        .find_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?.trim())));
    let Some((name, value)) = given else { return Ok(None) };
    value.parse().ok().filter(|n| *n <= MOST_RETRIES).map(Some).ok_or_else(|| {
        let why =
            format!("`{name}: {value}` is no number of further attempts. Send a number from 0 to {MOST_RETRIES}.");
        Fault::new(FaultKind::InvalidField, why)
    })
}

/// Batch calls say so: by our header, or by a service tier that waits.
fn priority(call: &Call) -> Priority {
    let tier = || call.envelope.text(&call.body, "service_tier");
    let batch = |word: &str| matches!(word, "batch" | "flex");
    let said = call.head.headers.get(PRIORITY).and_then(|v| v.to_str().ok()).map(str::trim);
    let is_batch = match said {
        Some(word) => batch(word),
        None => tier().is_some_and(|tier| batch(&tier)),
    };
    if is_batch { Priority::Batch } else { Priority::Interactive }
}

/// Whether a call that a policy may hedge can be made twice without harm: its tools are looked at only where one does.
fn hedges(call: &Call) -> bool {
    let policy = call.resolved.virtual_model().is_some_and(|model| model.policy.hedges());
    policy
        && call.envelope.raw(&call.body, "background").is_none_or(|raw| raw != b"true")
        && !["tools", "toolConfig"]
            .iter()
            .any(|key| call.envelope.node(&call.body, key).as_ref().is_some_and(has_effects))
}

/// A tool that the provider itself runs and that may change something (`mcp`, `code_interpreter`, `computer…`, `shell`),
/// or one that declares it by MCP's annotations. Functions run at the client, after one answer has been chosen.
fn has_effects(node: &Node<'_>) -> bool {
    const AT_PROVIDER: &[&str] =
        &["mcp", "code_interpreter", "code_execution", "computer", "shell", "bash", "local_shell"];
    let kind = node.text("type").unwrap_or_default();
    let declared = node.get("annotations").is_some_and(|hints| {
        let hint = |name| hints.get(name).and_then(Node::as_bool);
        hint("destructiveHint") == Some(true) || hint("readOnlyHint") == Some(false)
    });
    declared
        || AT_PROVIDER.iter().any(|tool| kind == *tool || kind.strip_prefix(tool).is_some_and(|r| r.starts_with('_')))
        || node.items().iter().any(has_effects)
        || node.entries().iter().filter(|(key, _)| is_part(key)).any(|(_, inner)| has_effects(inner))
}

/// Where tools stand inside tools; words of their schemas are data.
fn is_part(key: &str) -> bool {
    matches!(key, "tools" | "function" | "toolSpec")
}

/// The tag of the client's own credential, where there may be one that goes upstream.
fn client(call: &Call) -> Option<u64> {
    if !call.state.config.providers.pass_through() {
        return None;
    }
    let ours = |key: &str| call.state.directory.find(&hash(key)).is_some();
    client_credentials(&call.head).find(|key| !ours(key)).map(|key| tag_of(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_with_effects_are_not_run_twice() {
        for (tools, effects) in [
            (r#"[{"type":"function","function":{"name":"f","parameters":{"type":"bash"}}}]"#, false),
            (r#"[{"name":"f","input_schema":{"properties":{"type":{"const":"mcp"}}}}]"#, false),
            (r#"[{"type":"web_search"}]"#, false),
            (r#"[{"type":"mcp","server_url":"https://example.com"}]"#, true),
            (r#"[{"type":"bash_20250124","name":"bash"}]"#, true),
            (r#"[{"type":"function","function":{"name":"f","annotations":{"destructiveHint":true}}}]"#, true),
            (r#"[{"type":"function","name":"f","annotations":{"readOnlyHint":true}}]"#, false),
            (r#"{"tools":[{"toolSpec":{"name":"f","annotations":{"readOnlyHint":false}}}]}"#, true),
        ] {
            assert_eq!(has_effects(&Node::read(tools.as_bytes()).unwrap()), effects, "{tools}");
        }
    }

    #[test]
    fn a_number_of_retries_is_a_small_number() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-litellm-num-retries", value.parse().unwrap());
            retries(&headers)
        };
        assert_eq!(read("3").unwrap(), Some(3));
        assert_eq!(retries(&HeaderMap::new()).unwrap(), None);
        for bad in ["-1", "21", "many", ""] {
            assert_eq!(read(bad).unwrap_err().kind, FaultKind::InvalidField, "{bad}");
        }
    }
}
