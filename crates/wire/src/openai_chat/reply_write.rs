//! IR → a whole reply for the client.

use tollgate_ir::{Block, Call, CallKind, Choice, Content, Issuer, Reply};

use super::reasoning::{self, Place};
use super::{choices, legacy, usage};
use crate::json::{self, ArrayWriter, ObjectWriter};
use crate::target::ReplyContext;

/// See [`crate::codec::encode_reply`].
pub fn encode_reply(reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    json::object(&mut out, |o| {
        let head = &reply.head;
        match &head.id {
            Some(id) => o.text("id", id),
            None => o.text("id", &format!("chatcmpl-{}", context.id)),
        }
        o.text("object", "chat.completion");
        o.uint("created", head.created.unwrap_or(context.created));
        o.text("model", head.model.as_deref().unwrap_or(&context.model));
        o.array("choices", |a| {
            for (i, choice) in reply.choices.iter().enumerate() {
                a.object(|o| write_choice(o, i as u64, choice, context));
            }
            if reply.choices.is_empty() {
                a.object(|o| write_choice(o, 0, &Choice::default(), context));
            }
        });
        if let Some(used) = &reply.usage {
            usage::write(o, used);
        }
        o.opt_text("service_tier", head.service_tier.as_deref());
        o.opt_text("system_fingerprint", head.system_fingerprint.as_deref());
    });
    out
}

fn write_choice(o: &mut ObjectWriter<'_>, index: u64, choice: &Choice, context: &ReplyContext) {
    let has = |wanted: fn(&Content) -> bool| choice.blocks.iter().any(|b| wanted(&b.content));
    o.uint("index", index);
    o.object("message", |m| message(m, &choice.blocks, context));
    choices::write_logprobs(o, &choice.logprobs);
    let calls = has(|c| matches!(c, Content::Call(_)));
    let refused = has(|c| matches!(c, Content::Refusal(_)));
    let word = choices::finish_word(choice.finish.as_ref(), calls, refused);
    o.text("finish_reason", legacy::finish_word(word, legacy::asked(context)));
}

fn message(o: &mut ObjectWriter<'_>, blocks: &[Block], context: &ReplyContext) {
    let all = |pick: fn(&Content) -> Option<&str>| {
        let found: Vec<_> = blocks.iter().filter_map(|b| pick(&b.content)).collect();
        (!found.is_empty()).then(|| found.concat())
    };
    let text = all(|c| if let Content::Text { text, .. } = c { Some(text) } else { None });
    let refusal = all(|c| if let Content::Refusal(words) = c { Some(words) } else { None });
    let thoughts = all(|c| if let Content::Reasoning(r) = c { Some(&r.text) } else { None }).filter(|t| !t.is_empty());
    o.text("role", "assistant");
    o.text_or_null("content", text.as_deref());
    o.text_or_null("refusal", refusal.as_deref());
    o.opt_text("reasoning_content", thoughts.as_deref());
    details(o, blocks);
    let calls: Vec<_> = blocks.iter().filter(|b| matches!(b.content, Content::Call(_))).collect();
    if let (true, Some(Content::Call(call))) = (legacy::asked(context), calls.first().map(|b| &b.content)) {
        legacy::call(o, call);
    } else if !calls.is_empty() {
        o.array("tool_calls", |a| calls.iter().for_each(|block| call(a, block)));
    }
    annotations(o, blocks);
    choices::write_media(o, blocks.iter(), &context.id);
    let sealed = blocks.iter().find(|b| b.as_text().is_some() && b.seal.is_some());
    if let Some(seal) = sealed.and_then(|b| b.seal.as_ref()).filter(|_| calls.is_empty()) {
        reasoning::google(o, seal);
    }
}

/// The side field: every reasoning block with its seal, and the seals of calls.
fn details(o: &mut ObjectWriter<'_>, blocks: &[Block]) {
    let tells = |b: &Block| match &b.content {
        Content::Reasoning(_) => true,
        Content::Call(_) => b.seal.is_some(),
        _ => false,
    };
    if !blocks.iter().any(tells) {
        return;
    }
    o.array("reasoning_details", |a| {
        let mut index = 0;
        let mut others = false;
        for (i, block) in blocks.iter().enumerate() {
            let place = Place { index, position: others.then_some(i as u64) };
            match &block.content {
                Content::Reasoning(reasoning) => {
                    match &block.carry {
                        Some(carry) if block.seal.is_none() && carry.dialect == tollgate_ir::Dialect::OpenAiChat => {
                            a.json(&carry.raw);
                        }
                        _ => reasoning::write(a, reasoning, &reasoning.text, block.seal.as_ref(), place),
                    }
                    index += 1;
                }
                Content::Call(call) => {
                    others = true;
                    if let Some(seal) = &block.seal {
                        reasoning::encrypted_entry(a, seal, Some(&call.id), place);
                        index += 1;
                    }
                }
                _ => others = true,
            }
        }
    });
}

fn call(a: &mut ArrayWriter<'_>, block: &Block) {
    let Content::Call(call) = &block.content else { return };
    a.object(|o| {
        o.text("id", &call.id);
        body(o, call);
        if let Some(seal) = block.seal.as_ref().filter(|s| s.issuer == Issuer::Gemini) {
            reasoning::google(o, seal);
        }
    });
}

fn body(o: &mut ObjectWriter<'_>, call: &Call) {
    match call.kind {
        CallKind::Custom => {
            o.text("type", "custom");
            o.object("custom", |c| {
                c.text("name", &call.name);
                c.text("input", &call.arguments);
            });
        }
        CallKind::Function => {
            o.text("type", "function");
            o.object("function", |f| {
                f.text("name", &call.name);
                f.text("arguments", if call.arguments.is_empty() { "{}" } else { &call.arguments });
            });
        }
    }
}

/// Citations, their ranges counted in the joined text.
fn annotations(o: &mut ObjectWriter<'_>, blocks: &[Block]) {
    let cited =
        |b: &Block| matches!(&b.content, Content::Text { citations, .. } if citations.iter().any(|c| c.url.is_some()));
    if !blocks.iter().any(cited) {
        return;
    }
    o.array("annotations", |a| {
        let mut shift = 0;
        for block in blocks {
            if let Content::Text { text, citations } = &block.content {
                citations.iter().for_each(|c| choices::write_citation(a, c, shift));
                shift += text.chars().count() as u64;
            }
        }
    });
}
