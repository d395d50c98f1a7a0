//! The targets of a call: its facts, brought to the policy.

use std::sync::Arc;
use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::route::{Facts, Lookup, Meaning, Plan, RouteWishes, Target, Unfit, plan_chain};

use super::facts;
use super::manner::Explains;
use super::memory::Known;
use super::receive::{Call, Task};
use super::settle::Settlement;
use crate::app::Gateway;

/// For whom a plan is made, beside the call.
#[derive(Clone, Copy, Default)]
pub struct Reader {
    /// The tag of the client's own credential.
    pub client: Option<u64>,
    /// Somebody reads why.
    pub explain: bool,
}

/// The plan of a call. Where all its targets are cooling down, and the operator lets calls wait for that, the plan of the
/// moment when one is back.
pub async fn patient(gateway: &Gateway, call: &Call, known: &Known, settlement: &mut Settlement) -> Arc<Plan> {
    let of_model = call.resolved.virtual_model().and_then(|model| model.wait_for_cooldown);
    let most = of_model.unwrap_or(call.state.config.wait_for_cooldown);
    let began = settlement.now();
    let manner = settlement.manner();
    let reader = Reader { client: manner.client, explain: manner.explains == Explains::Yes };
    loop {
        let plan = Arc::new(plan(gateway, call, known, reader, settlement.now()));
        settlement.trail().plan = Some(Arc::clone(&plan));
        let back = plan.back.as_ref().filter(|_| plan.steps.is_empty()).map(|(back, _)| *back);
        let Some(back) = back else { return plan };
        let now = gateway.clock().now();
        let wait = back.since(now);
        if back.since(began) > most || wait > settlement.manner().left() {
            return plan;
        }
        // Past the moment itself, so that it is over by then.
        settlement.waiting(tokio::time::sleep(wait + Duration::from_millis(1))).await;
    }
}

/// The plan of a call, of which this is known.
pub fn plan(gateway: &Gateway, call: &Call, known: &Known, reader: Reader, now: Now) -> Plan {
    // One model of one provider: it knows best what it takes, and nothing has to be known of the request.
    if call.asks.is_none() && matches!(call.resolved.meaning, Meaning::Direct { .. }) {
        return made(gateway, call, known, reader, now, true, None);
    }
    let unfit = |target: &Target| unfit(call, target);
    let plan = made(gateway, call, known, reader, now, false, Some(&unfit));
    if plan.steps.is_empty() && plan.back.is_none() {
        // Where none can, the first of them says best what is wrong with the request.
        return made(gateway, call, known, reader, now, false, None);
    }
    plan
}

fn made(
    gateway: &Gateway,
    call: &Call,
    known: &Known,
    reader: Reader,
    now: Now,
    is_plain: bool,
    unfit: Option<Unfit<'_>>,
) -> Plan {
    let config = &*call.state.config;
    let look = || facts::of(call, known, now);
    let none = RouteWishes::default();
    let wishes = call.asks.as_ref().map_or(&none, |asks| &asks.wishes);
    let facts = Facts {
        config,
        targets: &gateway.health().seen(config, now).by_client(reader.client),
        request: &Lookup::new(&look),
        body_bytes: if is_plain { 0 } else { call.body.len() as u64 },
        may_have_media: !is_plain && facts::may_have_media(&call.body),
        now,
        only: known.recalled.pin.as_ref(),
        first: known.owners.first(),
        unfit,
        wishes,
        explain: reader.explain,
    };
    match &call.asks {
        None => plan_chain(std::slice::from_ref(&call.resolved), &facts, &mut crate::draw::uniform),
        Some(_) => {
            let names: Vec<_> = call.names().cloned().collect();
            plan_chain(&names, &facts, &mut crate::draw::uniform)
        }
    }
}

/// Why a target cannot serve what is asked for, whatever else is known of it.
fn unfit(call: &Call, target: &Target) -> Option<String> {
    let provider = call.state.providers.get(&target.provider)?;
    let serves = match call.task {
        Task::Embed(words) => provider.embeds(words, &target.model).is_some(),
        Task::Rerank(words) => provider.simulated || provider.reranks(words, &target.model).is_some(),
        Task::Chat | Task::Invoke => return None,
    };
    (!serves).then(|| format!("its provider does not offer `{}`", call.operation.as_str()))
}
