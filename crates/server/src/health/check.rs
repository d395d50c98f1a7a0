//! Requests of the gateway's own that tell whether a provider answers: off unless configured, and free. They ask for the
//! list of models or a path that the operator names, never for an answer of a model.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::Instant;
use tollgate_core::config::HealthCheck;
use tollgate_ir::{Dialect, Fault, FaultKind};

use super::asked::tell;
use crate::app::{Gateway, State};
use crate::credentials::Outbound;
use crate::provider::Provider;
use crate::upstream::{Deadlines, Payload};

/// How often a configuration without any is looked at again: a reload may bring some.
const IDLE: Duration = Duration::from_secs(5);

/// When which provider is asked next.
#[derive(Debug, Default)]
pub struct Checks {
    due: HashMap<Arc<str>, Instant>,
}

impl Checks {
    /// Begins the checks that are due; how long until the next one.
    pub fn begin(&mut self, gateway: &Gateway) -> Duration {
        let state = gateway.state();
        let now = Instant::now();
        let mut next = now + IDLE;
        for provider in &state.config.providers {
            let Some(check) = &provider.breaker.health_check else {
                self.due.remove(&provider.id);
                continue;
            };
            let due = self.due.entry(provider.id.clone()).or_insert(now);
            if *due <= now {
                *due = now + check.every;
                let (gateway, state, id, check) =
                    (gateway.clone(), Arc::clone(&state), provider.id.clone(), check.clone());
                let tasks = gateway.tasks().clone();
                tasks.background("health-check", async move { one(&gateway, &state, &id, &check).await });
            }
            next = next.min(*due);
        }
        next.saturating_duration_since(now)
    }
}

/// Asks one provider once, and takes note.
async fn one(gateway: &Gateway, state: &State, id: &str, check: &HealthCheck) {
    let Some(provider) = state.providers.get(id).filter(|provider| !provider.simulated) else { return };
    let answer = ask(gateway, provider, check).await;
    if let Err(fault) = &answer {
        tracing::info!(target: "tollgate::health", provider = id, %fault, "the health check failed");
    }
    let changes = gateway.health().records().checked(id, answer.is_ok(), gateway.clock().now());
    for (key, change) in changes {
        tell(gateway, &key, change, "health_check");
    }
}

async fn ask(gateway: &Gateway, provider: &Provider, check: &HealthCheck) -> Result<(), Fault> {
    let misconfigured = |why: &str| Fault::new(FaultKind::ProviderMisconfigured, why.to_owned());
    let way = provider.main_way();
    let uri = match (&check.path, models_path(way.dialect)) {
        (Some(path), _) => format!("{}{path}", origin(&way.base_url)),
        (None, Some(path)) => format!("{}{path}", way.base_url),
        (None, None) => return Err(misconfigured("It has no list of models: set `health_check.path`.")),
    };
    let mut request = Request::get(uri).body(()).map_err(|_| misconfigured("The address to check is not valid."))?;
    if way.dialect == Dialect::Anthropic {
        request.headers_mut().insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
    }
    request.headers_mut().extend(provider.headers.iter().cloned());
    let (head, ()) = request.into_parts();
    let credential = provider.credentials.first().cloned().unwrap_or_default();
    let deadlines = Deadlines {
        connect: provider.timeouts.connect.min(check.timeout),
        first_token: None,
        idle: None,
        end: Some(Instant::now() + check.timeout),
        client_end: None,
    };
    let transport = gateway.transport(&provider.egress);
    let reply =
        Outbound { head: Box::new(head), payload: Payload::Empty, credential }.send(transport, &deadlines).await?;
    match reply.status().as_u16() {
        // Whoever refuses is there.
        status if status < 500 => Ok(()),
        status => Err(Fault::new(FaultKind::ProviderFailed, format!("The health check was answered with {status}."))),
    }
}

/// Where a host lists its models, behind its base URL.
const fn models_path(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Anthropic | Dialect::Gemini => Some("/models"),
        Dialect::Cohere => Some("/v1/models"),
        Dialect::Ollama => Some("/api/tags"),
        Dialect::Bedrock => None,
    }
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_operators_stands_on_the_host() {
        for (url, expected) in [
            ("http://10.0.0.5:8000/v1", "http://10.0.0.5:8000"),
            ("https://api.x", "https://api.x"),
            ("https://api.x/a/b", "https://api.x"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
