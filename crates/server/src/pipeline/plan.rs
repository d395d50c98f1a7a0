//! The targets of a call: its facts, brought to the policy.

use tollgate_core::caller::Caller;
use tollgate_core::route::{Facts, Lookup, Plan, RequestFacts, RouteWishes};
use tollgate_ir::Operation;

use super::memory::Known;
use super::receive::Call;
use crate::app::Gateway;

/// The plan of a call, of which this is known.
pub fn plan(gateway: &Gateway, call: &Call, known: &Known) -> Plan {
    let config = &*call.state.config;
    let look = || request_facts(call.operation, &call.caller, call.stream);
    let wishes = RouteWishes::default();
    let facts = Facts {
        config,
        targets: &gateway.health().seen(config, gateway.clock()),
        request: &Lookup::new(&look),
        body_bytes: call.body.len() as u64,
        may_have_media: false,
        now: gateway.clock().now(),
        only: known.recalled.pin.as_ref(),
        first: known.owners.first(),
        holder: None,
        unfit: None,
        wishes: &wishes,
    };
    tollgate_core::route::plan(&call.resolved, &facts, &mut crate::draw::uniform)
}

fn request_facts(operation: Operation, caller: &Caller, stream: bool) -> RequestFacts {
    RequestFacts {
        operation,
        stream,
        key: caller.name.to_string(),
        team: caller.team.as_deref().unwrap_or_default().to_owned(),
        ..RequestFacts::default()
    }
}
