//! Whole replies both ways.

use tollgate_ir::{Block, Choice, Content, Fault, FaultKind, Finish, Reply, ReplyHead};

use super::grounding::Grounds;
use super::stream::StreamDecoder;
use super::{answer, fold, media, parts};
use crate::json::{ArrayWriter, Node, ObjectWriter, object};
use crate::target::ReplyContext;

/// See [`crate::codec::decode_reply`]. A whole reply is a stream of one chunk; an array of chunks is read too.
pub fn decode_reply(body: &[u8]) -> Result<Reply, Fault> {
    let garbage = || Fault::new(FaultKind::ProviderGarbage, "The provider's answer is no Gemini response.");
    let node = Node::read(body).ok_or_else(garbage)?;
    let chunks = match &node {
        Node::Array(chunks) => chunks.as_slice(),
        one => std::slice::from_ref(one),
    };
    let known = ["candidates", "promptFeedback", "usageMetadata", "error"];
    if !chunks.iter().any(|c| known.iter().any(|key| super::proto::get(c, key).is_some())) {
        return Err(garbage());
    }
    let (mut decoder, mut events) = (StreamDecoder::default(), Vec::new());
    chunks.iter().for_each(|chunk| decoder.chunk(chunk, &mut events));
    decoder.finish(&mut events);
    fold::fold(events)
}

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |o| {
        o.array("candidates", |a| {
            for (index, choice) in (0..).zip(&reply.choices) {
                a.object(|c| candidate(c, index, choice));
            }
        });
        answer::write_usage(o, reply.usage.as_ref());
        head(o, &reply.head, context);
    });
    out
}

/// What every response and chunk says of itself.
pub(super) fn head(out: &mut ObjectWriter<'_>, head: &ReplyHead, context: &ReplyContext) {
    out.text("modelVersion", head.model.as_deref().unwrap_or(&context.model));
    out.text("responseId", head.id.as_deref().unwrap_or(&context.id));
}

fn candidate(out: &mut ObjectWriter<'_>, index: u64, choice: &Choice) {
    let said: Vec<&Block> = choice.blocks.iter().filter(|b| sayable(b)).collect();
    let mut grounds = Grounds::default();
    for (i, block) in (0..).zip(&said) {
        if let Content::Text { text, citations } = &block.content {
            citations.iter().for_each(|c| grounds.add(i, c, text));
        }
    }
    out.object("content", |content| {
        content.array("parts", |a| {
            said.iter().for_each(|block| part(a, block));
            if said.is_empty() {
                parts::text(a, "", false, None);
            }
        });
        content.text("role", "model");
    });
    out.text("finishReason", answer::reason(choice.finish.as_ref().unwrap_or(&Finish::Stop)));
    out.uint("index", index);
    grounds.write(out);
    answer::write_logprobs(out, &choice.logprobs);
}

/// Whether a Gemini client can be told of the block: steps of others' tools have no place here.
pub(super) fn sayable(block: &Block) -> bool {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => !text.is_empty() || parts::seal(block).is_some(),
        Content::Reasoning(reasoning) => !reasoning.text.is_empty() || parts::seal(block).is_some(),
        Content::Call(_) => true,
        Content::Media(media) => media::sayable(media),
        Content::Server(_) | Content::Opaque { .. } => parts::own(block).is_some(),
        Content::Result(_) => false,
    }
}

/// Writes a block that is [`sayable`] as a part.
pub(super) fn part(a: &mut ArrayWriter<'_>, block: &Block) {
    let seal = parts::seal(block);
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => parts::text(a, text, false, seal),
        Content::Reasoning(reasoning) => parts::text(a, &reasoning.text, !reasoning.text.is_empty(), seal),
        Content::Call(call) => parts::call(a, &call.id, &call.name, &parts::arguments(call), seal),
        Content::Media(media) => {
            media::encode(a, media, seal);
        }
        Content::Server(_) | Content::Opaque { .. } => {
            if let Some(raw) = parts::own(block) {
                parts::whole(a, raw, seal);
            }
        }
        Content::Result(_) => {}
    }
}
