//! Target by target along the plan, until one serves; then nothing can be taken back. What an attempt is, each operation
//! says for itself ([`Attempts`]): the order, what moves on, and which fault is told in the end are the same for all.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tollgate_core::route::{Plan, Target, conclude, moves_on};
use tollgate_ir::{Fault, FaultKind, Losses, Side};
use tollgate_wire::target::ReplyContext;

use super::answer::{Outcome, Stream};
use super::handed::Handed;
use super::settle::Settlement;
use crate::app::State;
use crate::provider::Provider;

/// A target that serves.
pub struct Served {
    /// Which.
    pub target: Target,
    /// The provider's headers that the client gets.
    pub headers: HeaderMap,
    /// The answer.
    pub body: Body,
    /// What could not be kept.
    pub losses: Losses,
}

/// An answer in the client's dialect.
pub enum Body {
    /// In one piece.
    Whole {
        /// The bytes.
        bytes: Bytes,
        /// What it is.
        outcome: Box<Outcome>,
    },
    /// As it comes.
    Stream {
        /// The rest.
        stream: Box<Stream>,
        /// What came already.
        held: Vec<u8>,
        /// What is needed to remember a translated answer.
        remember: Option<Box<Remember>>,
    },
    /// As it is.
    Handed(Box<Handed>),
}

/// What is needed to remember a translated answer once it is whole.
pub struct Remember {
    /// What was asked.
    pub request: std::sync::Arc<tollgate_ir::Request>,
    /// How many of its turns came from the response before it.
    pub before: usize,
    /// How the answer was written.
    pub context: ReplyContext,
}

/// Why no target serves.
pub struct Failed {
    /// For the client.
    pub fault: Fault,
    /// The provider's own body, where it speaks the client's dialect.
    pub raw: Option<Bytes>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, raw: None }
    }
}

/// What is asked of each target: a chat's next turn, vectors, a ranking.
pub trait Attempts: Send {
    /// What a target that serves gives.
    type Served: Send;

    /// Asks one target. Nothing may have reached the client yet when this fails.
    fn attempt(
        &mut self,
        target: &Target,
        provider: &Provider,
        settlement: &mut Settlement,
    ) -> impl Future<Output = Result<Self::Served, Failed>> + Send;
}

/// Tries the plan's targets in order.
pub async fn walk<A: Attempts>(
    state: &State,
    plan: &Plan,
    attempts: &mut A,
    settlement: &mut Settlement,
) -> Result<A::Served, Failed> {
    let mut failures: Vec<Failed> = Vec::new();
    for target in plan.targets() {
        let Some(provider) = state.providers.get(&target.provider) else { continue };
        let before = settlement.attempts();
        match attempts.attempt(target, provider, settlement).await {
            Ok(served) => return Ok(served),
            Err(failed) => {
                let asked = settlement.attempts() > before;
                if asked {
                    settlement.attempt_failed(&failed.fault);
                }
                let on = moves_on(&failed.fault) || (!asked && cannot_serve(&failed.fault));
                failures.push(failed);
                if !on {
                    break;
                }
            }
        }
    }
    Err(concluded(failures, plan))
}

/// A target that could not even be asked says nothing of the others, unless the client's request is at fault.
fn cannot_serve(fault: &Fault) -> bool {
    fault.kind.side() != Side::Client || fault.kind == FaultKind::NotServedHere
}

/// The first target's fault is told, with the smallest wait when all were rate limits; a single provider's own words
/// are handed on as they are.
fn concluded(mut failures: Vec<Failed>, plan: &Plan) -> Failed {
    let raw = if failures.len() == 1 { failures[0].raw.take() } else { None };
    // A refusal that ended the walk says more than the outage that began it.
    let last_refused = failures.last().is_some_and(|f| !moves_on(&f.fault) && !cannot_serve(&f.fault));
    if last_refused && failures.len() > 1 {
        failures.drain(..failures.len() - 1);
    }
    match conclude(failures.into_iter().map(|f| f.fault).collect()) {
        Some(fault) => Failed { fault, raw },
        None => {
            let why: Vec<_> = plan.skipped.iter().map(|s| format!("{}: {}", s.target.name(), s.reason)).collect();
            Fault::new(FaultKind::NoTarget, format!("No target of this model can serve the call. {}", why.join("; ")))
                .into()
        }
    }
}

/// The status of a fault for the client.
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY)
}
