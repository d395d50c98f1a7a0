//! System blocks and turns → messages.
//!
//! Neighbouring turns of one side are brought into the order that the protocol demands: every call of a turn in one
//! message, directly followed by its results, and only then the user's other words.

use tollgate_ir::{
    Block, CallKind, Content, Fault, Losses, Media, MediaSource, Reason, Request, Role, ToolResult, Turn,
};

use super::reasoning::{self, Place};
use super::rules::{Back, Rules};
use super::takes::Begun;
use crate::fault::unsupported;
use crate::json::{self, ArrayWriter, ObjectWriter};
use crate::target::Target;
use crate::translate::CUSTOM_INPUT;

/// What stands between texts of neighbouring turns that become one message.
const PARAGRAPH: &str = "\n\n";

pub(super) fn messages(
    a: &mut ArrayWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    rules: &Rules,
    begun: Begun,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let mut writer = Writer { target, rules, losses };
    let mut left = request.turns.len();
    if !request.system.is_empty() {
        writer.words(a, "system", &request.system.iter().collect::<Vec<_>>())?;
    }
    for run in request.turns.chunk_by(|a, b| a.role == b.role) {
        left -= run.len();
        match run.first().map(|turn| turn.role) {
            Some(Role::Assistant) => writer.assistant(a, run, left == 0 && begun.marks())?,
            Some(Role::User) => writer.user(a, run)?,
            Some(Role::System) => {
                for turn in run {
                    writer.words(a, "system", &turn.blocks.iter().collect::<Vec<_>>())?;
                }
            }
            None => {}
        }
    }
    Ok(())
}

pub(super) struct Writer<'w> {
    pub(super) target: &'w Target<'w>,
    pub(super) rules: &'w Rules,
    pub(super) losses: &'w mut Losses,
}

impl Writer<'_> {
    fn user(&mut self, a: &mut ArrayWriter<'_>, run: &[Turn]) -> Result<(), Fault> {
        let mut media = Vec::new();
        for block in run.iter().flat_map(|turn| &turn.blocks) {
            if let Content::Result(result) = &block.content {
                self.result(a, block, result)?;
                media.extend(
                    result.content.iter().filter(|b| matches!(b.content, Content::Media(_)) && plain(b).is_none()),
                );
            }
        }
        if !media.is_empty() {
            // A tool's message holds text only; its pictures follow as the user's, directly after.
            media.iter().for_each(|block| self.losses.block(block, "", Reason::Adjusted));
            self.words(a, "user", &media)?;
        }
        for turn in run {
            let rest: Vec<_> = turn.blocks.iter().filter(|b| !matches!(b.content, Content::Result(_))).collect();
            if !rest.is_empty() {
                self.words(a, "user", &rest)?;
            }
        }
        Ok(())
    }

    fn result(&mut self, a: &mut ArrayWriter<'_>, block: &Block, result: &ToolResult) -> Result<(), Fault> {
        let mut texts: Vec<&str> = Vec::new();
        for inner in &result.content {
            match (plain(inner), &inner.content) {
                (Some(text), _) => texts.push(text),
                (None, Content::Media(_)) => {}
                (None, _) => self.losses.block(inner, "", Reason::Dropped),
            }
            self.unmarked(inner);
        }
        let json = result.json.as_ref().filter(|_| result.content.is_empty()).map(|j| j.as_str());
        if result.error {
            // There is no mark for a failure; the words say it.
            self.losses.block(block, "", Reason::Adjusted);
        }
        self.unmarked(block);
        a.object(|o| {
            o.text("role", "tool");
            o.text("tool_call_id", &self.rules.ids.apply(&result.call));
            match texts.as_slice() {
                [] => o.text("content", json.unwrap_or_default()),
                [one] => o.text("content", one),
                // Many hosts take a text only.
                many if !self.rules.openai => o.text("content", &many.join("\n")),
                many => o.array("content", |list| {
                    for text in many.iter().filter(|t| !t.is_empty()) {
                        list.object(|p| {
                            p.text("type", "text");
                            p.text("text", text);
                        });
                    }
                }),
            }
        });
        Ok(())
    }

    /// `begins`: the message is marked as the beginning of the answer.
    fn assistant(&mut self, a: &mut ArrayWriter<'_>, run: &[Turn], begins: bool) -> Result<(), Fault> {
        let blocks = || run.iter().flat_map(|turn| &turn.blocks);
        let calls: Vec<_> = blocks().filter(|b| matches!(b.content, Content::Call(_))).collect();
        let (mut text, mut refusal) = (String::new(), String::new());
        for turn in run {
            let mut first = true;
            for block in &turn.blocks {
                match &block.content {
                    Content::Text { text: more, .. } => {
                        if first && !text.is_empty() && !more.is_empty() {
                            text.push_str(PARAGRAPH);
                        }
                        first = false;
                        text.push_str(more);
                        self.unmarked(block);
                    }
                    Content::Refusal(more) => refusal.push_str(more),
                    Content::Call(_) | Content::Reasoning(_) => {}
                    Content::Media(_) => {
                        return Err(unsupported(
                            block,
                            "An assistant's message holds text only. Send it as the user's.",
                        ));
                    }
                    Content::Result(_) | Content::Server(_) | Content::Opaque { .. } => {
                        self.losses.block(block, "", Reason::Dropped);
                    }
                }
            }
        }
        let thoughts: Vec<_> = blocks().filter(|b| matches!(b.content, Content::Reasoning(_))).collect();
        if text.is_empty() && refusal.is_empty() && calls.is_empty() {
            thoughts.iter().for_each(|block| self.losses.block(block, "", Reason::Dropped));
            return Ok(());
        }
        a.object(|o| {
            o.text("role", "assistant");
            o.text_or_null("content", (!text.is_empty()).then_some(&text));
            if !refusal.is_empty() {
                o.text("refusal", &refusal);
            }
            self.thoughts(o, &thoughts, !calls.is_empty());
            if !calls.is_empty() {
                o.array("tool_calls", |list| calls.iter().for_each(|block| self.call(list, block)));
            }
            if begins {
                o.boolean("prefix", true);
            }
        });
        Ok(())
    }

    /// Earlier reasoning goes back in words where the model wants it, sealed where a router can read the seal.
    fn thoughts(&mut self, o: &mut ObjectWriter<'_>, thoughts: &[&Block], calls: bool) {
        let routed = self.target.model.contains('/');
        let readable =
            |b: &&&Block| routed && b.seal.is_some() && b.seal.as_ref().map(|s| s.issuer) == self.rules.issuer;
        let sealed: Vec<_> = thoughts.iter().filter(readable).collect();
        let back = self.rules.reasoning_goes_back() && calls;
        let words: String = thoughts.iter().filter_map(|b| said(b)).collect();
        // Where it is lost the member must be there all the same.
        if back && (!words.is_empty() || self.rules.back == Back::WithCalls) {
            o.text("reasoning_content", &words);
        }
        if !sealed.is_empty() {
            o.array("reasoning_details", |list| {
                for (i, block) in sealed.iter().enumerate() {
                    if let Content::Reasoning(reasoning) = &block.content {
                        let place = Place { index: i as u64, position: None };
                        reasoning::write(list, reasoning, &reasoning.text, block.seal.as_ref(), place);
                    }
                }
            });
        }
        for block in thoughts.iter().filter(|b| !readable(b)) {
            if !back || said(block).is_none() {
                self.losses.block(block, "", Reason::Dropped);
            }
        }
    }

    fn call(&mut self, list: &mut ArrayWriter<'_>, block: &Block) {
        let Content::Call(call) = &block.content else { return };
        let name = self.target.names.upstream(&call.name);
        self.unmarked(block);
        list.object(|o| {
            o.text("id", &self.rules.ids.apply(&call.id));
            if call.kind == CallKind::Custom && self.rules.custom_tools {
                o.text("type", "custom");
                o.object("custom", |c| {
                    c.text("name", name);
                    c.text("input", &call.arguments);
                });
                return;
            }
            o.text("type", "function");
            o.object("function", |f| {
                f.text("name", name);
                match call.kind {
                    CallKind::Custom => {
                        let mut wrapped = Vec::new();
                        json::object(&mut wrapped, |w| w.text(CUSTOM_INPUT, &call.arguments));
                        f.text("arguments", std::str::from_utf8(&wrapped).unwrap_or("{}"));
                    }
                    CallKind::Function if call.arguments.is_empty() => f.text("arguments", "{}"),
                    CallKind::Function => f.text("arguments", &call.arguments),
                }
            });
            if let Some(seal) = block.seal.as_ref().filter(|s| Some(s.issuer) == self.rules.issuer) {
                reasoning::google(o, seal);
            }
        });
    }
}

/// The words of a text, a refusal or a document in plain text.
fn plain(block: &Block) -> Option<&str> {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => Some(text),
        Content::Media(Media { source: MediaSource::Text(text), .. }) => Some(text),
        _ => None,
    }
}

fn said(block: &Block) -> Option<&str> {
    match &block.content {
        Content::Reasoning(reasoning) if !reasoning.text.is_empty() => Some(&reasoning.text),
        _ => None,
    }
}
