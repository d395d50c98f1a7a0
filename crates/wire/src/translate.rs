//! A call across dialects: the request there, the reply and the stream back, mended where the two sides differ in ways
//! that concern no single dialect.
//!
//! What is mended: call ids that stock clients refuse, tool names back to the client's own, `Stop` after calls, answers
//! by a forced output tool back to text, arguments of custom tools out of their wrapper, choices that a face has none of.

mod incoming;
mod outgoing;

use tollgate_ir::{Block, BlockStart, CallKind, Content, Delta, Dialect, Event, Fault, Finish, Losses, Reply, Request};

pub use incoming::Incoming;
pub use outgoing::Outgoing;

use crate::codec;
use crate::frame::Frame;
use crate::ids::{IdRule, ToolNames};
use crate::json::Node;
use crate::resume::{Continuation, Splice};
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
        let outgoing = Outgoing::new(self.face, context);
        StreamTranslator::new(Incoming::translated(self), outgoing)
    }

    /// The stream back, as one that may have to go on by another answer.
    pub fn resumable_stream(self, context: ReplyContext) -> StreamTranslator {
        let outgoing = Outgoing::resumable(self.face, context);
        StreamTranslator::new(Incoming::translated(self), outgoing)
    }
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
    incoming: Incoming,
    /// Joins this answer to an earlier one that broke off.
    splice: Option<Splice>,
    outgoing: Outgoing,
    said: Vec<Event>,
    joined: Vec<Event>,
    content: bool,
}

impl StreamTranslator {
    /// Reads so and writes so.
    pub const fn new(incoming: Incoming, outgoing: Outgoing) -> Self {
        Self { incoming, splice: None, outgoing, said: Vec::new(), joined: Vec::new(), content: false }
    }

    /// A whole frame came from upstream: appends what the client gets.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        self.incoming.frame(frame, &mut self.said);
        self.pass(out);
    }

    /// The upstream's body ended.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.incoming.end(&mut self.said);
        self.pass(out);
    }

    /// The upstream broke: ends the client's stream with the fault, in its own form.
    pub fn fault(&mut self, fault: Fault, out: &mut Vec<u8>) {
        self.outgoing.tell(fault, out);
    }

    /// Another answer goes on where this one broke off.
    pub fn go_on(&mut self, next: Continuation, out: &mut Vec<u8>) {
        let (incoming, splice, mut ready) = next.into_parts();
        self.incoming = incoming;
        self.splice = Some(splice);
        self.outgoing.reopen();
        self.outgoing.pass(&mut ready, out);
    }

    /// The events of the last step, as the client got them: for usage, first token, and what is remembered.
    pub fn last_events(&self) -> &[Event] {
        self.outgoing.last_events()
    }

    /// Content came, if only to be held back.
    pub const fn has_content(&self) -> bool {
        self.content
    }

    /// The stream has ended, well or not.
    pub const fn is_over(&self) -> bool {
        self.outgoing.is_over()
    }

    /// The client's half.
    pub const fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    fn pass(&mut self, out: &mut Vec<u8>) {
        self.content |= self.said.iter().any(is_content);
        match &mut self.splice {
            None => self.outgoing.pass(&mut self.said, out),
            Some(splice) => {
                self.said.drain(..).for_each(|event| splice.event(event, &mut self.joined));
                self.outgoing.pass(&mut self.joined, out);
            }
        }
    }
}

/// Content: from here on no other target can take over unseen.
pub fn is_content(event: &Event) -> bool {
    match event {
        Event::Open { start: BlockStart::Call { .. } | BlockStart::Whole(_), .. } => true,
        Event::Delta { delta: Delta::Text(text) | Delta::Arguments(text), .. } => !text.is_empty(),
        _ => false,
    }
}
