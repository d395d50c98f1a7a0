//! `POST /api/v1/decide`: how the targets of a call would be chosen now, without calling anybody.
//!
//! The body is a call's, in any dialect, and goes the same way as one up to the plan: received, authorised, recalled,
//! planned. What the path of a real call says stands in the query: `path` (`/v1beta/models/m:generateContent`), or only
//! `model`; without a path the body's own words tell the dialect. `key` is the name of a declared key to decide for.

use std::sync::Arc;

use http::{Method, request};
use hyper::body::Incoming;
use serde::Serialize;
use tollgate_core::caller::Caller;
use tollgate_core::route::{Explanation, FactsTold, dearest};
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};

use super::memory::{self, Known};
use super::plan::{self, Reader};
use super::receive::{self, Asked, Call, Task};
use super::{facts, guess};
use crate::app::{Gateway, State};
use crate::routes::{self, Endpoint, FaceCarriage};

/// A decision that nobody acts on.
#[derive(Serialize)]
struct Decided<'a> {
    asked: &'a str,
    model: String,
    face: &'static str,
    operation: &'static str,
    stream: bool,
    facts: FactsTold<'a>,
    decision: Explanation<'a>,
}

/// The decision, as JSON.
pub async fn decide(gateway: &Gateway, head: request::Parts, body: Incoming) -> Result<String, Fault> {
    let state = gateway.state();
    let query = Query::of(&head);
    let caller = Arc::new(query.caller(&state)?);
    let asked = query.asked(&head)?;
    let told = asked.is_some();
    let asked = asked.unwrap_or_else(|| usual(Dialect::OpenAiChat, Operation::Chat, query.model.clone()));
    let mut call = receive::receive(gateway, state, caller, asked, head, body).await?;
    if !told {
        call.face = guess::dialect(&call.body, &call.envelope);
        call.stream = receive::streams_by(call.face, &call.body, &call.envelope);
    }
    let known = if call.task == Task::Chat && call.operation == Operation::Chat && call.legacy.is_none() {
        memory::recall(gateway, &call).await?.understand(gateway, &call).await?
    } else {
        Known::nothing()
    };
    Ok(decided(gateway, &call, &known))
}

fn decided(gateway: &Gateway, call: &Call, known: &Known) -> String {
    let now = gateway.clock().now();
    let plan = plan::plan(gateway, call, known, Reader { client: None, explain: true }, now);
    let mut facts = facts::of(call, known, now);
    facts.estimated_cost = dearest(&call.resolved, &call.state.config, &facts);
    let decided = Decided {
        asked: &call.resolved.asked,
        model: call.resolved.canonical().to_string(),
        face: call.face.as_str(),
        operation: call.operation.as_str(),
        stream: call.stream,
        facts: FactsTold(&facts),
        decision: Explanation::of(&plan, usize::MAX),
    };
    // Nothing in it can fail to serialise.
    serde_json::to_string(&decided).unwrap_or_default()
}

const fn usual(face: Dialect, operation: Operation, model: Option<String>) -> Asked {
    Asked { face, carriage: FaceCarriage::Own, operation, task: Task::Chat, model, stream: None }
}

/// What the query says.
struct Query {
    path: Option<String>,
    model: Option<String>,
    key: Option<String>,
}

impl Query {
    fn of(head: &request::Parts) -> Self {
        let field = |name: &str| {
            let pairs = head.uri.query().into_iter().flat_map(|query| query.split('&'));
            let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| routes::decoded(value))
        };
        Self { path: field("path"), model: field("model"), key: field("key") }
    }

    /// For whom is decided.
    fn caller(&self, state: &State) -> Result<Caller, Fault> {
        let Some(name) = &self.key else { return Ok(Caller::anonymous()) };
        let keys = &state.config.keys;
        let found = keys.iter().find(|key| key.name == *name);
        found.map(Caller::of).ok_or_else(|| {
            let declared: Vec<_> = keys.iter().map(|key| key.name.as_str()).take(20).collect();
            let why = format!("No key of the name `{name}` is declared; declared are: {}.", declared.join(", "));
            Fault::field("key", why)
        })
    }

    /// What a call to the path would ask; `None` without one.
    fn asked(&self, head: &request::Parts) -> Result<Option<Asked>, Fault> {
        let Some(path) = &self.path else { return Ok(None) };
        let (path, query) = path.split_once('?').map_or((path.as_str(), None), |(path, query)| (path, Some(query)));
        let route = routes::route(&Method::POST, path, query, &head.headers)?;
        let face = route.face;
        Ok(Some(match route.endpoint {
            Endpoint::Chat { model, stream, carriage } => {
                let legacy = carriage == FaceCarriage::Completions;
                let operation = if legacy { Operation::Complete } else { Operation::Chat };
                Asked { carriage, stream, ..usual(face, operation, model) }
            }
            Endpoint::CountTokens { model } => usual(face, Operation::CountTokens, model),
            Endpoint::Embed { model, protocol } => {
                Asked { task: Task::Embed(protocol), ..usual(face, Operation::Embed, model) }
            }
            Endpoint::Rerank { protocol } => {
                Asked { task: Task::Rerank(protocol), ..usual(face, Operation::Rerank, None) }
            }
            Endpoint::Relayed { model, operation, .. } => usual(face, operation, model),
            _ => {
                let why = format!("A call to {path} has no choice of targets: there is nothing to decide.");
                return Err(Fault::new(FaultKind::InvalidField, why));
            }
        }))
    }
}
