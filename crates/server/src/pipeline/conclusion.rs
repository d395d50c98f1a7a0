//! When a plan's targets have failed: who else may serve such a call, and what the client is told.

use std::time::Duration;

use http::StatusCode;
use tollgate_core::Now;
use tollgate_core::route::{Plan, Step, conclude, moves_on};
use tollgate_ir::{Fault, FaultKind, LimitHeader, Retry, Side};

use super::dispatch::Failed;

/// Targets for calls that the plan's own cannot serve; each list is taken once.
pub struct Elsewhere<'p> {
    too_long: &'p [Step],
    refused: &'p [Step],
}

impl<'p> Elsewhere<'p> {
    /// Of a plan.
    pub fn of(plan: &'p Plan) -> Self {
        Self { too_long: &plan.if_too_long, refused: &plan.if_refused }
    }

    /// Those for a call that ended so.
    pub fn after(&mut self, failed: Option<FaultKind>) -> &'p [Step] {
        match failed {
            Some(FaultKind::ContextLength) => std::mem::take(&mut self.too_long),
            Some(FaultKind::ContentPolicy) => std::mem::take(&mut self.refused),
            _ => &[],
        }
    }
}

/// A target that could not even be asked says nothing of the others, unless the client's request is at fault.
pub fn cannot_serve(fault: &Fault) -> bool {
    fault.kind.side() != Side::Client || fault.kind == FaultKind::NotServedHere
}

/// The first target's fault is told, with the smallest wait when all were rate limits; a single provider's own words
/// are handed on as they are.
pub fn concluded(mut failures: Vec<Failed>, plan: &Plan, now: Now) -> Failed {
    let raw = if failures.len() == 1 { failures[0].raw.take() } else { None };
    // A refusal that ended the walk says more than the outage that began it.
    let last_refused = failures.last().is_some_and(|f| !moves_on(&f.fault) && !cannot_serve(&f.fault));
    if last_refused && failures.len() > 1 {
        failures.drain(..failures.len() - 1);
    }
    match (conclude(failures.into_iter().map(|f| f.fault).collect()), &plan.back) {
        (Some(fault), _) => Failed { fault, raw },
        (None, Some((back, said))) => cooling(said, back.since(now)).into(),
        (None, None) => {
            let why: Vec<_> = plan.skipped.iter().map(|s| format!("{}: {}", s.target.name(), s.reason)).collect();
            Fault::new(FaultKind::NoTarget, format!("No target of this model can serve the call. {}", why.join("; ")))
                .into()
        }
    }
}

/// All targets are cooling down: what the first of them said that comes back, with the time that is left of it.
fn cooling(said: &Fault, left: Duration) -> Fault {
    let mut fault = said.clone();
    fault.retry = Retry::After(left);
    fault.headers.retain(|header| !header.name.starts_with("retry-after"));
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    fault.headers.push(LimitHeader { name: "retry-after".to_owned(), value: seconds.max(1).to_string() });
    fault.detail("told from memory: all targets are cooling down")
}

/// The status of a fault for the client.
pub fn status_of(fault: &Fault) -> StatusCode {
    StatusCode::from_u16(fault.status)
        .ok()
        .filter(|s| s.is_client_error() || s.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY)
}
