//! The upstream's half of a translated stream: frames in, events out, mended where the two sides differ.
//!
//! Arguments of wrapped custom tools are held until their block closes.

use std::collections::{HashMap, HashSet};

use tollgate_ir::{BlockStart, CallKind, Content, Delta, Dialect, Event};

use super::{Translation, mend_finish, unwrap_custom};
use crate::codec::{self, StreamDecoder};
use crate::frame::Frame;
use crate::ids::IdRule;

/// See the module.
pub struct Incoming {
    decoder: StreamDecoder,
    mender: Option<Mender>,
    decoded: Vec<Event>,
}

impl Incoming {
    /// A stream across dialects.
    pub fn translated(way: Translation) -> Self {
        let decoder = StreamDecoder::new(way.upstream);
        let mender = Mender { way, calls: HashSet::new(), answers: HashSet::new(), custom: HashMap::new() };
        Self { decoder, mender: Some(mender), decoded: Vec::new() }
    }

    /// A stream of the client's own dialect, asked for in the client's own words.
    pub fn own(face: Dialect) -> Self {
        Self { decoder: StreamDecoder::new(face), mender: None, decoded: Vec::new() }
    }

    /// A whole frame came.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        self.decoder.frame(frame, &mut self.decoded);
        self.mend(out);
    }

    /// The body ended.
    pub fn end(&mut self, out: &mut Vec<Event>) {
        self.decoder.end(&mut self.decoded);
        self.mend(out);
    }

    fn mend(&mut self, out: &mut Vec<Event>) {
        match &mut self.mender {
            Some(mender) => self.decoded.drain(..).for_each(|event| mender.event(event, out)),
            None => out.append(&mut self.decoded),
        }
    }
}

/// Mends events one by one.
struct Mender {
    way: Translation,
    /// Choices that called a tool.
    calls: HashSet<u32>,
    /// Blocks that are the output tool's answer.
    answers: HashSet<(u32, u32)>,
    /// Arguments of wrapped custom tools so far.
    custom: HashMap<(u32, u32), String>,
}

impl Mender {
    fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        if !codec::has_choices(self.way.face) && choice_of(&event).is_some_and(|c| c > 0) {
            return;
        }
        match event {
            Event::Open { choice, block, start: BlockStart::Call { id, name, kind } } => {
                let start = self.open_call((choice, block), id, &name, kind);
                out.push(Event::Open { choice, block, start });
            }
            Event::Open { choice, block, start: BlockStart::Whole(mut whole) } => {
                if matches!(whole.content, Content::Call(_)) && !self.way.mend_block(&mut whole) {
                    self.calls.insert(choice);
                }
                out.push(Event::Open { choice, block, start: BlockStart::Whole(whole) });
            }
            Event::Delta { choice, block, delta: Delta::Arguments(more) } => {
                let at = (choice, block);
                if let Some(all) = self.custom.get_mut(&at) {
                    all.push_str(&more);
                } else if self.answers.contains(&at) {
                    out.push(Event::Delta { choice, block, delta: Delta::Text(more) });
                } else {
                    out.push(Event::Delta { choice, block, delta: Delta::Arguments(more) });
                }
            }
            Event::Close { choice, block } => {
                if let Some(all) = self.custom.remove(&(choice, block)) {
                    out.push(Event::Delta { choice, block, delta: Delta::Arguments(unwrap_custom(&all)) });
                }
                out.push(Event::Close { choice, block });
            }
            Event::Finish { choice, finish } => {
                let answered = self.answers.iter().any(|(c, _)| *c == choice);
                let finish = mend_finish(finish, self.calls.contains(&choice), answered);
                out.push(Event::Finish { choice, finish });
            }
            other => out.push(other),
        }
    }

    fn open_call(&mut self, at: (u32, u32), id: String, name: &str, kind: CallKind) -> BlockStart {
        if self.way.output_tool.as_deref() == Some(name) {
            self.answers.insert(at);
            return BlockStart::Text;
        }
        self.calls.insert(at.0);
        let (client_name, declared) = self.way.names.client(name);
        if declared == CallKind::Custom && kind == CallKind::Function {
            self.custom.insert(at, String::new());
        }
        let id = IdRule::COMMON.apply(&id).into_owned();
        let kind = if kind == CallKind::Custom { kind } else { declared };
        BlockStart::Call { id, name: client_name.to_owned(), kind }
    }
}

fn choice_of(event: &Event) -> Option<u32> {
    match event {
        Event::Open { choice, .. }
        | Event::Delta { choice, .. }
        | Event::Close { choice, .. }
        | Event::Finish { choice, .. } => Some(*choice),
        _ => None,
    }
}
