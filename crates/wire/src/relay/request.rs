use bytes::Bytes;
use tollgate_ir::{Dialect, Losses, Operation, Reason};

use super::{ControlFields, class, control, history};
use crate::carriage::Carriage;
use crate::json::{Envelope, Node, Patch, apply_in_pieces, object};
use crate::openai_chat::Rules;
use crate::target::ModelFacts;

/// One request to be relayed: face and upstream speak `dialect`.
#[derive(Clone, Copy, Debug)]
pub struct RelayRequest<'a> {
    /// What both sides speak.
    pub dialect: Dialect,
    /// How it travels.
    pub carriage: &'a Carriage,
    /// Chat or count tokens.
    pub operation: Operation,
    /// The client's body.
    pub body: &'a Bytes,
    /// Where its members stand.
    pub envelope: &'a Envelope,
    /// The model's name at the provider.
    pub model: &'a str,
    /// What is known of the model at its host.
    pub facts: &'a ModelFacts,
    /// What the target makes of other gateways' fields.
    pub control: ControlFields,
    /// The client's `anthropic-beta` flags.
    pub betas: &'a [String],
    /// Edits of guards and others (masked text, an injected system prompt), applied together with the relay's own.
    pub edits: &'a [Patch],
}

/// A request ready to go up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// The client's bytes, patched: slices of them where they are many.
    pub body: Vec<Bytes>,
    /// Usage was asked for on the client's behalf only: chunks that hold nothing else are taken out of the stream.
    pub hide_usage: bool,
    /// The flags for the `anthropic-beta` header; empty: leave the header out.
    pub header_betas: Vec<String>,
}

impl Relayed {
    /// The body in one piece.
    pub fn joined(&self) -> Bytes {
        match &self.body[..] {
            [whole] => whole.clone(),
            pieces => pieces.concat().into(),
        }
    }
}

/// Patches a request for its target. Equal requests give equal bytes; what no rule names stays byte by byte.
pub fn relay_request(request: &RelayRequest<'_>, losses: &mut Losses) -> Relayed {
    let envelope = request.envelope;
    let mut patches: Vec<Patch> = request.edits.to_vec();
    patches.extend(control_cuts(envelope, request.control, losses));
    if !request.carriage.model_in_path(request.dialect, request.operation) && envelope.model() != Some(request.model) {
        patches.push(Patch::set_text("model", request.model));
    }
    let mut hide_usage = false;
    if request.dialect == Dialect::OpenAiChat {
        let rules = Rules::of(request.model, request.facts.host);
        patches.extend(class::chat(request, &rules, losses));
        patches.extend(history::patches(request, &rules, losses));
        if !rules.stream_options {
            // Such a host sends usage unasked.
            patches.push(Patch::delete("stream_options"));
        } else if envelope.stream() && !envelope.include_usage(request.body) {
            patches.push(ask_for_usage(request.body, envelope));
            hide_usage = true;
        }
    }
    if request.dialect == Dialect::OpenAiResponses && request.operation == Operation::Chat {
        patches.extend(class::responses(request, losses));
    }
    let mut header_betas = request.betas.to_vec();
    if request.dialect == Dialect::Anthropic {
        let carried = request.carriage.carry(request.operation, request.body, envelope, request.betas, losses);
        patches.extend(carried.patches);
        header_betas = carried.header_betas;
    }
    Relayed { body: apply_in_pieces(request.body, envelope, &patches), hide_usage, header_betas }
}

/// The cuts of other gateways' fields that the target does not understand, reported.
pub fn control_cuts(envelope: &Envelope, control: ControlFields, losses: &mut Losses) -> Vec<Patch> {
    let cuts: Vec<Patch> = control::cuts(envelope, control).collect();
    for cut in &cuts {
        if let Patch::Delete { key } = cut {
            losses.path(key.as_ref(), Reason::Dropped);
        }
    }
    cuts
}

/// `stream_options` with `include_usage`, and what else the client set there.
fn ask_for_usage(body: &[u8], envelope: &Envelope) -> Patch {
    let mut value = Vec::new();
    let sent = envelope.node(body, "stream_options");
    object(&mut value, |o| {
        for (key, node) in sent.as_ref().map_or(&[][..], Node::entries) {
            if key != "include_usage" {
                o.node(key, node);
            }
        }
        o.boolean("include_usage", true);
    });
    Patch::set("stream_options", value)
}
