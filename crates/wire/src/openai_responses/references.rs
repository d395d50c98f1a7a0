//! `item_reference`: clients that believe their items kept (the AI SDK, unless `store: false`) name them rather than send
//! them. Items of translated responses are known by the id that we made: it names the response.

use std::collections::HashMap;

use tollgate_ir::{Block, Content, Fault, FaultKind, Request};

use super::item;
use super::reasoning::{MADE_UP, carried};
use crate::json::Node;

/// The ids of the responses whose items the request refers to, each once.
pub fn referred_responses(request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    for id in request.turns.iter().flat_map(|turn| &turn.blocks).filter_map(reference) {
        if let Some(response) = response_of(&id)
            && !found.contains(&response)
        {
            found.push(response);
        }
    }
    found
}

/// Puts items in the places where the request refers to them. `bodies` holds the responses as the clients got them, by
/// id. A reference to what is not there is the client's fault (400): a history with a hole would mislead the model.
pub fn resolve_references(request: &mut Request, bodies: &HashMap<String, String>) -> Result<(), Fault> {
    for turn in &mut request.turns {
        let mut blocks = Vec::with_capacity(turn.blocks.len());
        for block in turn.blocks.drain(..) {
            match reference(&block) {
                Some(id) => blocks.extend(referred(&id, &block.at, bodies)?),
                None => blocks.push(block),
            }
        }
        turn.blocks = blocks;
    }
    Ok(())
}

fn referred(id: &str, at: &str, bodies: &HashMap<String, String>) -> Result<Vec<Block>, Fault> {
    let body = response_of(id).and_then(|response| bodies.get(&response));
    let response = body.and_then(|body| Node::read(body.as_bytes()));
    let items = response.as_ref().and_then(|r| r.get("output")).map(Node::items).unwrap_or_default();
    let Some(found) = items.iter().find(|item| item.text("id") == Some(id)) else {
        let shown: String = id.chars().take(100).collect();
        let todo = "send the item itself, or set `store` to false";
        let mut fault = Fault::new(FaultKind::InvalidField, format!("Item with id '{shown}' not found; {todo}."));
        fault.param = Some(at.to_owned());
        return Err(fault);
    };
    Ok(item::blocks(found).into_iter().map(|block| block.at(at)).collect())
}

/// The id that a block refers to, if it is a reference.
fn reference(block: &Block) -> Option<String> {
    match &block.content {
        Content::Opaque { kind } if kind == "item_reference" => {
            Node::read(carried(block)?.as_str().as_bytes())?.text("id").map(str::to_owned)
        }
        _ => None,
    }
}

/// The response that an id of our making belongs to.
fn response_of(item: &str) -> Option<String> {
    let (_, rest) = item.split_once('_')?;
    let (stem, _) = rest.strip_prefix(MADE_UP)?.rsplit_once('_')?;
    Some(format!("resp_{stem}"))
}
