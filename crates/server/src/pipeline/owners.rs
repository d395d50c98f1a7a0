//! Who can read OpenAI's encrypted reasoning: only the organisation behind the key that made it, and every other one
//! refuses the whole request for it. So a call that carries some goes first to the key that made it, and a target that
//! cannot read a piece is asked without it.
//!
//! A piece of unknown make (an older process made it) is left alone.

use std::collections::HashSet;
use std::sync::Arc;

use tollgate_core::config::Config;
use tollgate_core::continuity::{seal_id, seal_ids};
use tollgate_core::route::{Pin, Target};
use tollgate_ir::{Content, Dialect, Issuer, Request, Seal};
use tollgate_wire::json::{Node, Patch, array};

use super::receive::Call;
use crate::app::Gateway;

/// The member of a reasoning item that holds what only its maker reads.
const ENCRYPTED: &str = "encrypted_content";

/// The pieces of a call whose makers are known, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    known: Vec<(String, Pin)>,
}

impl Owners {
    /// Of a request that may be relayed as it is.
    pub async fn of_body(gateway: &Gateway, call: &Call) -> Self {
        if call.face != Dialect::OpenAiResponses {
            return Self::default();
        }
        let input = call.envelope.raw(&call.body, "input").filter(|raw| mentions(raw)).and_then(Node::read);
        let items = input.iter().flat_map(Node::items).rev();
        Self::look_up(gateway, call, items.filter_map(encrypted).map(name_of).collect()).await
    }

    /// Of a request that was understood.
    pub async fn of_request(gateway: &Gateway, call: &Call, request: &Request) -> Self {
        Self::look_up(gateway, call, seal_ids(request.turns.iter().flat_map(|turn| &turn.blocks))).await
    }

    async fn look_up(gateway: &Gateway, call: &Call, seals: Vec<String>) -> Self {
        let mut known = Vec::new();
        let now = gateway.clock().now();
        for seal in seals {
            if let Some(owner) = gateway.continuity().get_owner(&call.caller.name, &seal, now).await {
                known.push((seal, owner));
            }
        }
        Self { known }
    }

    /// Where the call should go first.
    pub fn first(&self) -> Option<&Pin> {
        self.known.first().map(|(_, owner)| owner)
    }

    /// The short names of pieces that a target cannot read.
    fn foreign(&self, target: &Target, config: &Config) -> HashSet<&str> {
        self.known.iter().filter(|(_, owner)| !owner.holds(target, config)).map(|(seal, _)| seal.as_str()).collect()
    }

    /// The edit that takes out of a relayed body what the target cannot read.
    pub fn edit(&self, call: &Call, target: &Target) -> Option<Patch> {
        let foreign = self.foreign(target, &call.state.config);
        if foreign.is_empty() {
            return None;
        }
        let input = call.envelope.node(&call.body, "input")?;
        let mut kept = Vec::new();
        array(&mut kept, |a| {
            let readable =
                |item: &&Node<'_>| encrypted(item).is_none_or(|data| !foreign.contains(name_of(data).as_str()));
            input.items().iter().filter(readable).for_each(|item| a.node(item));
        });
        Some(Patch::set("input", kept))
    }

    /// Takes out of a request what the target cannot read.
    pub fn strip(&self, request: &mut Arc<Request>, call: &Call, target: &Target) {
        let foreign = self.foreign(target, &call.state.config);
        if foreign.is_empty() {
            return;
        }
        let request = Arc::make_mut(request);
        for turn in &mut request.turns {
            turn.blocks.retain_mut(|block| {
                let unreadable =
                    |seal: &Seal| seal.issuer == Issuer::OpenAi && foreign.contains(seal_id(seal).as_str());
                if !block.seal.as_ref().is_some_and(unreadable) {
                    return true;
                }
                block.seal = None;
                !matches!(block.content, Content::Reasoning(_))
            });
        }
        request.turns.retain(|turn| !turn.blocks.is_empty());
    }
}

/// The short names of the pieces that a relayed answer, or one event of it, brings.
pub fn made(body: &[u8]) -> Vec<String> {
    if !mentions(body) {
        return Vec::new();
    }
    let Some(node) = Node::read(body) else { return Vec::new() };
    // A stream's last event repeats them all.
    let whole = node.get("output").map(Node::items).unwrap_or_default();
    let item = node.get("item").filter(|_| node.text("type") == Some("response.output_item.done"));
    whole.iter().chain(item).filter_map(encrypted).map(name_of).collect()
}

/// Remembers which target made them.
pub async fn remember(gateway: &Gateway, call: &Call, target: &Target, seals: &[String]) {
    for seal in seals {
        let pin = target.pin(&call.state.config);
        gateway.continuity().put_owner(&call.caller.name, seal, pin, gateway.clock().now()).await;
    }
}

fn mentions(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok_and(|text| text.contains(ENCRYPTED))
}

fn encrypted<'a>(item: &'a Node<'_>) -> Option<&'a str> {
    item.text(ENCRYPTED)
}

fn name_of(data: &str) -> String {
    seal_id(&Seal { issuer: Issuer::OpenAi, data: data.to_owned() })
}
