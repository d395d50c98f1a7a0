//! A call across dialects: the request there, the reply and the stream back, mended where the two sides differ in ways
//! that concern no single dialect.
//!
//! What is mended: call ids that stock clients refuse, tool names back to the client's own, `Stop` after calls, answers
//! by a forced output tool back to text, arguments of custom tools out of their wrapper, choices that a face has none of.

use std::collections::{HashMap, HashSet};

use tollgate_ir::{
    Block, BlockStart, CallKind, Content, Delta, Dialect, Event, Fault, Field, Finish, Losses, Reason, Reply, Request,
    ToolChoice,
};

use crate::codec::{self, StreamDecoder, StreamEncoder};
use crate::frame::Frame;
use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::sequencer::Sequencer;
use crate::target::{Encoded, ModelFacts, ReplyContext, Target};
use crate::unsaid;

/// The one argument of a function tool that stands for a custom tool, where the upstream has no custom tools.
pub const CUSTOM_INPUT: &str = "input";

/// One call's way back: what has to be undone in the reply.
#[derive(Clone, Debug)]
pub struct Translation {
    face: Dialect,
    upstream: Dialect,
    names: ToolNames,
    output_tool: Option<String>,
}

impl Translation {
    /// Encodes the request for the upstream and keeps what the way back needs.
    pub fn request(
        face: Dialect,
        upstream: Dialect,
        request: &Request,
        model: &str,
        facts: &ModelFacts,
        losses: &mut Losses,
    ) -> Result<(Encoded, Self), Fault> {
        let names = ToolNames::new(request, IdRule::WIDE);
        if face != upstream {
            codec::report_carried(face, request, losses);
            losses.report_own();
            unsaid::report(upstream, model, request, losses);
        }
        let unforced = facts.forced_tool.is_some_and(|can| !can).then(|| unforced(request, losses)).flatten();
        let request = unforced.as_ref().unwrap_or(request);
        let encoded = codec::encode_request(upstream, request, &Target { model, names: &names, facts }, losses)?;
        let output_tool = encoded.output_tool.clone();
        Ok((encoded, Self { face, upstream, names, output_tool }))
    }

    /// The upstream's whole reply in the IR, mended.
    pub fn reply(&self, body: &[u8]) -> Result<Reply, Fault> {
        let mut reply = codec::decode_reply(self.upstream, body)?;
        if !codec::has_choices(self.face) {
            reply.choices.truncate(1);
        }
        for choice in &mut reply.choices {
            let mut answered = false;
            for block in &mut choice.blocks {
                answered |= self.mend_block(block);
            }
            let calls = choice.blocks.iter().any(|b| matches!(b.content, Content::Call(_)));
            choice.finish = choice.finish.take().map(|f| mend_finish(f, calls, answered));
        }
        Ok(reply)
    }

    /// Mends a call; says whether it was the answer itself, by the output tool.
    fn mend_block(&self, block: &mut Block) -> bool {
        let Content::Call(call) = &mut block.content else { return false };
        if self.output_tool.as_deref() == Some(&call.name) {
            let text = std::mem::take(&mut call.arguments);
            block.content = Content::Text { text, citations: Vec::new() };
            return true;
        }
        call.id = IdRule::COMMON.apply(&call.id).into_owned();
        let (name, kind) = self.names.client(&call.name);
        if kind == CallKind::Custom && call.kind == CallKind::Function {
            call.arguments = unwrap_custom(&call.arguments);
            call.kind = CallKind::Custom;
        }
        call.name = name.to_owned();
        false
    }

    /// The stream back.
    pub fn stream(self, context: ReplyContext) -> StreamTranslator {
        StreamTranslator {
            decoder: StreamDecoder::new(self.upstream),
            encoder: StreamEncoder::new(self.face, context),
            sequencer: codec::one_open_block(self.face).then(Sequencer::new),
            mender: Mender { way: self, calls: HashSet::new(), answers: HashSet::new(), custom: HashMap::new() },
            decoded: Vec::new(),
            mended: Vec::new(),
            sent: Vec::new(),
            over: false,
        }
    }
}

/// The request for a model that cannot be made to call a tool, where it demands that: the model decides.
fn unforced(request: &Request, losses: &mut Losses) -> Option<Request> {
    let choice = match request.tool_choice.as_ref()? {
        ToolChoice::Required | ToolChoice::Named(_) => ToolChoice::Auto,
        ToolChoice::Allowed { names, required: true } => ToolChoice::Allowed { names: names.clone(), required: false },
        ToolChoice::Auto | ToolChoice::None | ToolChoice::Allowed { .. } => return None,
    };
    losses.field(Field::ToolChoice, Reason::Adjusted);
    Some(Request { tool_choice: Some(choice), ..request.clone() })
}

fn mend_finish(finish: Finish, calls: bool, answered: bool) -> Finish {
    match finish {
        Finish::ToolCalls if answered && !calls => Finish::Stop,
        other => other.with_calls(calls),
    }
}

/// `{"input":"text"}` → `text`; what is no such object stays as it is.
fn unwrap_custom(arguments: &str) -> String {
    Node::read(arguments.as_bytes())
        .and_then(|node| node.text(CUSTOM_INPUT).map(str::to_owned))
        .unwrap_or_else(|| arguments.to_owned())
}

/// A stream across dialects: frames in, the face's bytes out.
pub struct StreamTranslator {
    decoder: StreamDecoder,
    mender: Mender,
    sequencer: Option<Sequencer>,
    encoder: StreamEncoder,
    decoded: Vec<Event>,
    mended: Vec<Event>,
    sent: Vec<Event>,
    over: bool,
}

impl StreamTranslator {
    /// A whole frame came from upstream: appends what the client gets.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        self.decoder.frame(frame, &mut self.decoded);
        self.pass(out);
    }

    /// The upstream's body ended.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.decoder.end(&mut self.decoded);
        self.pass(out);
    }

    /// The upstream broke: ends the client's stream with the fault, in its own form.
    pub fn fault(&mut self, fault: Fault, out: &mut Vec<u8>) {
        self.decoded.push(Event::Fault(Box::new(fault)));
        self.pass(out);
    }

    /// The events of the last step, as the client got them: for usage, first token, and what is remembered.
    pub fn last_events(&self) -> &[Event] {
        &self.sent
    }

    /// The stream has ended, well or not.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn pass(&mut self, out: &mut Vec<u8>) {
        self.sent.clear();
        for event in self.decoded.drain(..) {
            self.mender.event(event, &mut self.mended);
        }
        for event in self.mended.drain(..) {
            match &mut self.sequencer {
                // A fault jumps the queue: what is held will never be complete.
                Some(sequencer) if !matches!(event, Event::Fault(_)) => sequencer.event(event, &mut self.sent),
                _ => self.sent.push(event),
            }
        }
        for (i, event) in self.sent.iter().enumerate() {
            if self.over {
                self.sent.truncate(i);
                return;
            }
            self.encoder.event(event, out);
            self.over = matches!(event, Event::End | Event::Fault(_));
        }
    }
}

/// Mends events one by one; arguments of wrapped custom tools are held until their block closes.
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
