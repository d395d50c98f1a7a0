//! What a response id stands for (decisions.md 6).

use tollgate_ir::{Block, Fault, FaultKind, Reply, Request, Role, Turn};

use super::size;
use crate::route::Pin;

/// What is kept under a response's id.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredResponse {
    /// The name that the call asked for.
    pub model: String,
    /// Where the provider keeps it, after a relay: calls that continue it go there.
    pub pin: Option<Pin>,
    /// The conversation, after a translation.
    pub conversation: Option<Conversation>,
}

/// A conversation that continues without its provider's memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// All turns up to and with the answer. Instructions are not among them: the client sends them anew each time.
    pub turns: Vec<Turn>,
    /// Which of the turns this response's own request brought; the answer's is the last turn.
    pub own: std::ops::Range<usize>,
    /// The response as the client got it, for retrieval.
    pub body: String,
}

impl StoredResponse {
    /// About how many bytes it holds.
    pub fn weight(&self) -> u64 {
        let conversation = self.conversation.as_ref().map_or(0, |kept| {
            kept.body.len() as u64 + kept.turns.iter().flat_map(|turn| &turn.blocks).map(size::of_block).sum::<u64>()
        });
        128 + self.model.len() as u64 + conversation
    }
}

/// Puts the conversation that the request continues before its turns. Losses in it are reported at
/// `previous_response_id`, the one place of the client's body that they have.
pub fn resume(request: &mut Request, conversation: &Conversation) {
    let mut turns = conversation.turns.clone();
    for block in turns.iter_mut().flat_map(|turn| &mut turn.blocks) {
        "previous_response_id".clone_into(&mut block.at);
    }
    turns.append(&mut request.turns);
    request.turns = turns;
    request.previous_response = None;
}

/// The conversation to keep after an answer. `request` is as it was sent ([`resume`]d), `before` how many of its turns
/// came from the response before it.
pub fn keep(request: &Request, before: usize, reply: &Reply, body: String) -> Conversation {
    let mut turns = request.turns.clone();
    let own = before.min(turns.len())..turns.len();
    let blocks: Vec<Block> = reply.choices.first().map(|choice| choice.blocks.clone()).unwrap_or_default();
    turns.push(Turn { role: Role::Assistant, blocks });
    Conversation { turns, own, body }
}

/// The fault for an id that is not known, not the caller's, or lost: never an empty history.
pub fn unknown_response(id: &str) -> Fault {
    let shown: String = id.chars().take(100).collect();
    let mut fault = Fault::new(
        FaultKind::PreviousResponseNotFound,
        format!("Previous response with id '{shown}' not found; send the whole conversation as `input`"),
    );
    fault.param = Some("previous_response_id".to_owned());
    fault.provider_code = Some("previous_response_not_found".to_owned());
    fault
}
