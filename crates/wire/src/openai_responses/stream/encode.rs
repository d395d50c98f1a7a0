//! The IR's events → the stream that a client gets: created, in progress, the output's own events, one terminal event.

use tollgate_ir::{Event, Finish, ReplyHead, Usage};

use crate::frame::Frame;
use crate::json::Node;
use crate::openai_responses::output::{Line, Output, Sink};
use crate::openai_responses::response::{Head, State};
use crate::target::ReplyContext;

/// See [`crate::codec::StreamEncoder`].
pub struct StreamEncoder(Box<Encoder>);

impl StreamEncoder {
    /// See [`crate::codec::StreamEncoder::new`].
    pub fn new(context: ReplyContext) -> Self {
        let output = Output::new(&context);
        let (head, usage, finish) = (None, None, None);
        Self(Box::new(Encoder { context, head, output, line: Line::default(), usage, finish, over: false }))
    }

    /// See [`crate::codec::StreamEncoder::event`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.0.event(event, out);
    }

    /// See [`crate::codec::StreamEncoder::count_on`]: events are numbered, and an item is done once.
    pub fn count_on(&mut self, sent: &[Frame]) {
        let number = |frame: &Frame| Node::read(&frame.data)?.uint("sequence_number");
        if let Some(last) = sent.iter().rev().find_map(number) {
            self.0.line.count_from(last + 1);
        }
        // Hosts end items in any order, and some do not name their events.
        let told: Vec<Node<'_>> = sent.iter().filter_map(|frame| Node::read(&frame.data)).collect();
        let of_kind = |kind: &'static str| told.iter().filter(move |node| node.text("type") == Some(kind));
        let places = |kind| -> Vec<usize> {
            of_kind(kind).filter_map(|node| usize::try_from(node.uint("output_index")?).ok()).collect()
        };
        let id = |node: &Node<'_>| node.at(&["item", "id"]).and_then(Node::as_str).unwrap_or_default().to_owned();
        let begun = of_kind("response.output_item.added").map(id).collect();
        let mut unseen = Sink { out: None, line: &mut self.0.line };
        self.0.output.were_begun(begun, &places("response.content_part.added"), &mut unseen);
        self.0.output.were_done(&places("response.output_item.done"));
    }
}

struct Encoder {
    context: ReplyContext,
    /// `None` until the stream has begun.
    head: Option<Head>,
    output: Output,
    line: Line,
    usage: Option<Usage>,
    finish: Option<Finish>,
    over: bool,
}

impl Encoder {
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if let Event::Start(head) = event {
            return self.start(head, out);
        }
        if self.head.is_none() && !matches!(event, Event::Ping | Event::Usage(_)) {
            self.start(&ReplyHead::default(), out);
        }
        let mut sink = Sink { out: Some(out), line: &mut self.line };
        match event {
            Event::Open { choice: 0, block, start } => self.output.open(*block, start, &mut sink),
            Event::Delta { choice: 0, block, delta } => self.output.delta(*block, delta, &mut sink),
            Event::Close { choice: 0, block } => self.output.close(*block, &mut sink),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::End => {
                self.output.end(&mut sink);
                let finish = self.finish.take().unwrap_or(Finish::Stop);
                let state = State::Done(&self.output, &finish, self.usage.as_ref());
                terminal(self.head.as_ref(), &state, &mut sink);
                self.over = true;
            }
            Event::Fault(fault) => {
                terminal(self.head.as_ref(), &State::Failed(&self.output, fault, self.usage.as_ref()), &mut sink);
                self.over = true;
            }
            _ => {}
        }
    }

    fn start(&mut self, head: &ReplyHead, out: &mut Vec<u8>) {
        if self.head.is_some() {
            return;
        }
        let head = Head::new(head, &self.context);
        let mut sink = Sink { out: Some(out), line: &mut self.line };
        for event in ["response.created", "response.in_progress"] {
            sink.event(event, |o| o.object("response", |o| head.write(o, &State::InProgress)));
        }
        self.head = Some(head);
    }
}

fn terminal(head: Option<&Head>, state: &State<'_>, sink: &mut Sink<'_>) {
    let Some(head) = head else { return };
    let event = match state.status() {
        "failed" => "response.failed",
        "incomplete" => "response.incomplete",
        _ => "response.completed",
    };
    sink.event(event, |o| o.object("response", |o| head.write(o, state)));
}
