//! A host's chunks → events.

use std::collections::BTreeMap;

use tollgate_ir::{
    Block, Carry, Citation, Content, Dialect, Event, Fault, FaultKind, Media, MediaKind, MediaSource, ReplyHead,
};

use super::super::calls::{self, Raw};
use super::super::reasoning::{self, Detail};
use super::super::{choices, usage};
use super::open::Choice;
use crate::fault::Words;
use crate::frame::Frame;
use crate::json::{self, Node};

/// See [`crate::codec::StreamDecoder`].
#[derive(Debug, Default)]
pub struct StreamDecoder {
    started: bool,
    over: bool,
    answer: String,
    choices: BTreeMap<u32, Choice>,
    sounds: BTreeMap<u32, Sound>,
    /// Sources told beside the choices, repeated in every chunk: the last list counts.
    sources: Vec<Citation>,
}

/// A recording that comes in pieces.
#[derive(Debug, Default)]
struct Sound {
    id: String,
    data: String,
    transcript: String,
    expires_at: u64,
}

impl StreamDecoder {
    /// See [`crate::codec::StreamDecoder::frame`].
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        let data = frame.data.trim_ascii();
        if data.is_empty() {
            return out.push(Event::Ping);
        }
        if data == b"[DONE]" {
            return self.done(out);
        }
        match Node::read(data) {
            Some(node @ Node::Object(_)) => {
                // By the event's name (Groq), or by the object's (vLLM).
                let named = frame.name() == "error" || node.text("object") == Some("error");
                self.chunk(&node, named, out);
            }
            _ => self.fault(Fault::new(FaultKind::ProviderGarbage, "The provider's stream cannot be read."), out),
        }
    }

    /// See [`crate::codec::StreamDecoder::end`].
    pub fn end(&mut self, out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        // Perplexity and others end without `[DONE]`; an answer that had its finish is whole all the same.
        if !self.choices.is_empty() && self.choices.values().all(|c| c.finish.is_some()) {
            return self.done(out);
        }
        self.fault(Fault::new(FaultKind::ProviderCut, "The provider's answer ended too early."), out);
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Event>) {
        self.over = true;
        out.push(Event::Fault(Box::new(fault)));
    }

    fn done(&mut self, out: &mut Vec<Event>) {
        if !self.started {
            return self.fault(Fault::new(FaultKind::ProviderCut, "The provider's answer is empty."), out);
        }
        if let Some(choice) = self.choices.get_mut(&0) {
            choice.about_text(std::mem::take(&mut self.sources), Vec::new(), out);
        }
        for (number, choice) in &mut self.choices {
            if let Some(sound) = self.sounds.remove(number) {
                choice.whole(sound.block(), out);
            }
            choice.end(out);
        }
        self.over = true;
        out.push(Event::End);
    }

    fn chunk(&mut self, node: &Node<'_>, named_error: bool, out: &mut Vec<Event>) {
        let items = node.get("choices").map(Node::items).unwrap_or_default();
        let error = node.get("error");
        if !self.started && error.is_none() && !named_error {
            self.start(choices::head(node), !items.is_empty(), out);
        }
        if error.is_none() {
            items.iter().for_each(|item| self.choice(item, out));
        }
        let sources = choices::sources(node);
        if !sources.is_empty() {
            self.sources = sources;
        }
        let used = node.get("usage").or_else(|| node.at(&["x_groq", "usage"])).and_then(usage::read);
        out.extend(used.map(Event::Usage));
        if error.is_some() || named_error {
            self.fault(Words::of_envelope(node).fault(0, &[]), out);
        }
    }

    fn start(&mut self, head: ReplyHead, speaks: bool, out: &mut Vec<Event>) {
        // Azure opens with a chunk that says nothing but what it thinks of the prompt.
        if speaks || head.id.is_some() {
            self.started = true;
            self.answer = head.id.clone().unwrap_or_default();
            out.push(Event::Start(head));
        }
    }

    fn choice(&mut self, node: &Node<'_>, out: &mut Vec<Event>) {
        let number = node.uint("index").and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
        let choice = self.choices.entry(number).or_insert_with(|| Choice::new(number));
        let empty = Node::Null;
        let delta = node.get("delta").or_else(|| node.get("message")).unwrap_or(&empty);
        reason(choice, delta, out);
        content(choice, delta, out);
        if let (Some(text), true) = (node.text("text"), *delta == Node::Null) {
            choice.text(text, out);
        }
        choice.refusal(delta.text("refusal").unwrap_or_default(), out);
        choice.about_text(choices::citations(delta), choices::logprobs(node), out);
        for call in delta.get("tool_calls").map(Node::items).unwrap_or_default() {
            choice.call(call.uint("index"), Raw::read(call), &self.answer, out);
        }
        if let Some(call) = delta.get("function_call") {
            choice.call(Some(0), Raw::read(call), &self.answer, out);
        }
        choice.seal_calls(false, out);
        if let Some(seal) = calls::google_seal(delta) {
            choice.seal_message(seal, out);
        }
        if let Some(audio) = delta.get("audio") {
            self.sounds.entry(number).or_default().add(audio);
        }
        if delta.get("images").is_some() {
            choices::media(delta).into_iter().for_each(|image| choice.whole(image, out));
        }
        choice.finish = choices::finish(node).or(choice.finish.take());
    }
}

/// The reasoning of a delta, in the first of its spellings that says something.
fn reason(choice: &mut Choice, delta: &Node<'_>, out: &mut Vec<Event>) {
    let plain =
        ["reasoning_content", "reasoning"].into_iter().find_map(|key| delta.text(key).filter(|t| !t.is_empty()));
    let entries = ["reasoning_details", "thinking_blocks"]
        .into_iter()
        .find_map(|key| delta.get(key).map(Node::items).filter(|i| !i.is_empty()))
        .unwrap_or_default();
    let details: Vec<_> = entries.iter().map(reasoning::of_entry).collect();
    if details.iter().all(|d| d.text.is_empty())
        && let Some(plain) = plain
    {
        choice.reasoning(Detail::of_text(plain.to_owned()), out);
    }
    details.into_iter().for_each(|detail| choice.reasoning(detail, out));
}

fn content(choice: &mut Choice, delta: &Node<'_>, out: &mut Vec<Event>) {
    match delta.get("content") {
        None => {}
        Some(Node::Text(text)) => choice.text(text, out),
        Some(Node::Array(parts)) => {
            for part in parts {
                match part.text("type").unwrap_or("text") {
                    kind @ ("thinking" | "reasoning" | "redacted_thinking") => {
                        reasoning::of_content_part(part, kind).into_iter().for_each(|d| choice.reasoning(d, out));
                    }
                    "refusal" => choice.refusal(part.text("refusal").unwrap_or_default(), out),
                    _ => choice.text(part.as_str().or_else(|| part.text("text")).unwrap_or_default(), out),
                }
            }
        }
        Some(other) => choice.text(&other.to_text(), out),
    }
}

impl Sound {
    fn add(&mut self, node: &Node<'_>) {
        self.data.push_str(node.text("data").unwrap_or_default());
        self.transcript.push_str(node.text("transcript").unwrap_or_default());
        if let Some(id) = node.text("id") {
            id.clone_into(&mut self.id);
        }
        self.expires_at = node.uint("expires_at").unwrap_or(self.expires_at);
    }

    fn block(self) -> Block {
        let mut raw = Vec::new();
        json::object(&mut raw, |o| {
            o.text("id", &self.id);
            o.text("data", &self.data);
            o.uint("expires_at", self.expires_at);
            o.text("transcript", &self.transcript);
        });
        let raw = String::from_utf8(raw).ok().and_then(|text| tollgate_ir::Json::parse(text).ok());
        let source = MediaSource::Base64(self.data);
        let media = Media { kind: MediaKind::Audio, mime: None, source, name: None, detail: None };
        let carry = raw.map(|raw| Carry { dialect: Dialect::OpenAiChat, raw });
        Block { carry, ..Block::new(Content::Media(media)) }
    }
}
