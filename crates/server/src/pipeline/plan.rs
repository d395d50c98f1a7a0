//! The targets of a call: its facts, brought to the policy.

use std::time::Duration;

use tollgate_core::route::{Facts, Lookup, Meaning, Plan, RouteWishes, plan_chain};

use super::facts;
use super::memory::Known;
use super::receive::Call;
use super::settle::Settlement;
use crate::app::Gateway;

/// The plan of a call. Where all its targets are cooling down, and the operator lets calls wait for that, the plan of the
/// moment when one is back.
pub async fn patient(gateway: &Gateway, call: &Call, known: &Known, settlement: &mut Settlement) -> Plan {
    let of_model = call.resolved.virtual_model().and_then(|model| model.wait_for_cooldown);
    let most = of_model.unwrap_or(call.state.config.wait_for_cooldown).min(settlement.manner().left());
    let until = gateway.clock().now().plus(most);
    loop {
        let plan = plan(gateway, call, known, settlement.manner().client);
        let back = plan.back.as_ref().filter(|_| plan.steps.is_empty()).map(|(back, _)| *back);
        let Some(back) = back.filter(|back| back.monotonic <= until.monotonic) else { return plan };
        // Past the moment itself, so that it is over by then.
        let pause = back.since(gateway.clock().now()) + Duration::from_millis(1);
        settlement.waiting(tokio::time::sleep(pause)).await;
    }
}

/// The plan of a call, of which this is known; `client` is the tag of its own credential.
fn plan(gateway: &Gateway, call: &Call, known: &Known, client: Option<u64>) -> Plan {
    let config = &*call.state.config;
    let now = gateway.clock().now();
    let look = || facts::of(call, known, now);
    let none = RouteWishes::default();
    let wishes = call.asks.as_ref().map_or(&none, |asks| &asks.wishes);
    // One model of one provider: it knows best what it takes, and nothing has to be known of the request.
    let is_plain = call.asks.is_none() && matches!(call.resolved.meaning, Meaning::Direct { .. });
    let facts = Facts {
        config,
        targets: &gateway.health().seen(config, gateway.clock()).by_client(client),
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
