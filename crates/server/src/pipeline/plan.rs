//! The targets of a call: its facts, brought to the policy.

use tollgate_core::route::{Facts, Lookup, Meaning, Plan, RouteWishes, plan_chain};

use super::facts;
use super::memory::Known;
use super::receive::Call;
use crate::app::Gateway;

/// The plan of a call, of which this is known.
pub fn plan(gateway: &Gateway, call: &Call, known: &Known) -> Plan {
    let config = &*call.state.config;
    let now = gateway.clock().now();
    let look = || facts::of(call, known, now);
    let none = RouteWishes::default();
    let wishes = call.asks.as_ref().map_or(&none, |asks| &asks.wishes);
    // One model of one provider: it knows best what it takes, and nothing has to be known of the request.
    let is_plain = call.asks.is_none() && matches!(call.resolved.meaning, Meaning::Direct { .. });
    let facts = Facts {
        config,
        targets: &gateway.health().seen(config, gateway.clock()),
        request: &Lookup::new(&look),
        body_bytes: if is_plain { 0 } else { call.body.len() as u64 },
        may_have_media: !is_plain && facts::may_have_media(&call.body),
        now,
        only: known.recalled.pin.as_ref(),
        first: known.owners.first(),
        holder: None,
        unfit: None,
        wishes,
    };
    match &call.asks {
        None => plan_chain(std::slice::from_ref(&call.resolved), &facts, &mut crate::draw::uniform),
        Some(_) => {
            let names: Vec<_> = call.names().cloned().collect();
            plan_chain(&names, &facts, &mut crate::draw::uniform)
        }
    }
}
