//! An answer on its way: bytes of the upstream in, the client's bytes out, and what was seen on the way.

use tollgate_core::fold::Fold;
use tollgate_ir::{BlockStart, Dialect, Event, Fault, FaultKind, Reply, is_silence};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::frame::{Deframer, Frame};
use tollgate_wire::resume::{Continuation, Delivered, Relayed};
use tollgate_wire::tap::{Tap, Verdict};
use tollgate_wire::target::ReplyContext;
use tollgate_wire::translate::StreamTranslator;

use super::outcome::Outcome;
use super::owners;
use super::source::Source;

/// How a stream's frames become the client's bytes.
enum Flow {
    Relay {
        tap: Box<Tap>,
        seals: Vec<String>,
        kept: Option<Box<Whole>>,
        /// What went out, where another answer may have to go on from it.
        sent: Option<Box<Relayed>>,
        /// The provider's own words for its failure, until it is known that nobody goes on.
        last_words: Option<Frame>,
    },
    Translate {
        translator: Box<StreamTranslator>,
        fold: Option<Box<Fold>>,
        seen: Box<Outcome>,
        reasoned: bool,
    },
    /// It is to take over a stream that another answer began.
    Continue {
        continuation: Box<Continuation>,
        seen: Box<Outcome>,
    },
}

/// A relayed answer read whole beside its bytes, for what is remembered of it.
struct Whole {
    decoder: StreamDecoder,
    fold: Fold,
    events: Vec<Event>,
}

impl Whole {
    fn new(face: Dialect) -> Self {
        Self { decoder: StreamDecoder::new(face), fold: Fold::default(), events: Vec::new() }
    }

    fn frame(&mut self, frame: &Frame) {
        self.decoder.frame(frame, &mut self.events);
        self.events.drain(..).for_each(|event| self.fold.push(event));
    }

    fn reply(mut self) -> Option<Reply> {
        self.decoder.end(&mut self.events);
        self.events.drain(..).for_each(|event| self.fold.push(event));
        if self.fold.is_complete() { self.fold.finish().ok() } else { None }
    }
}

/// A streamed answer.
pub struct Stream {
    source: Source,
    deframer: Deframer,
    carriage: Carriage,
    face: Dialect,
    flow: Flow,
    /// The client's stream has had its last event.
    over: bool,
    /// The fault that ended it.
    fault: Option<Fault>,
    /// The client was not told of it: another answer may go on.
    untold: bool,
}

impl Stream {
    /// A relayed stream; with `keep` the whole answer is read too, for what is remembered of it. `resumable`: another answer
    /// may have to go on with it.
    pub fn relayed(
        source: Source,
        deframer: Deframer,
        carriage: Carriage,
        face: Dialect,
        hide_usage: bool,
        keep: bool,
        resumable: bool,
    ) -> Self {
        let tap = Box::new(Tap::new(face, hide_usage));
        let kept = keep.then(|| Box::new(Whole::new(face)));
        let sent = resumable.then(|| Box::new(Relayed::new(face)));
        Self {
            source,
            deframer,
            carriage,
            face,
            flow: Flow::Relay { tap, seals: Vec::new(), kept, sent, last_words: None },
            over: false,
            fault: None,
            untold: false,
        }
    }

    /// A translated stream; with `keep` the whole answer is folded for what is remembered of it.
    pub fn translated(
        source: Source,
        deframer: Deframer,
        carriage: Carriage,
        face: Dialect,
        translator: StreamTranslator,
        keep: bool,
    ) -> Self {
        let fold = keep.then(Box::default);
        let flow = Flow::Translate { translator: Box::new(translator), fold, seen: Box::default(), reasoned: false };
        Self { source, deframer, carriage, face, flow, over: false, fault: None, untold: false }
    }

    /// An answer that is to take over a stream that another one began: it has content once it says something new.
    pub fn continuing(
        source: Source,
        deframer: Deframer,
        carriage: Carriage,
        face: Dialect,
        continuation: Continuation,
    ) -> Self {
        let flow = Flow::Continue { continuation: Box::new(continuation), seen: Box::default() };
        Self { source, deframer, carriage, face, flow, over: false, fault: None, untold: false }
    }

    /// What went out, if another answer may go on from there.
    pub fn delivered(&mut self) -> Option<&Delivered> {
        match &mut self.flow {
            Flow::Translate { translator, .. } => translator.outgoing().delivered(),
            Flow::Relay { .. } | Flow::Continue { .. } => None,
        }
    }

    /// It is relayed.
    pub const fn is_relayed(&self) -> bool {
        matches!(self.flow, Flow::Relay { .. })
    }

    /// A relayed stream that broke becomes a translated one that stands where it broke off; with `keep` what it said is
    /// folded for what is remembered of the whole.
    pub fn understand(&mut self, context: ReplyContext, keep: bool) {
        let Flow::Relay { sent: Some(sent), .. } = &self.flow else { return };
        if !sent.can_go_on() {
            return;
        }
        let (translator, events) = sent.understood(context);
        let fold = keep.then(|| {
            let mut fold = Box::<Fold>::default();
            events.into_iter().for_each(|event| fold.push(event));
            fold
        });
        self.flow = Flow::Translate { translator: Box::new(translator), fold, seen: Box::default(), reasoned: true };
    }

    /// The client was not told that it broke.
    pub const fn is_untold(&self) -> bool {
        self.untold
    }

    /// Another answer goes on with this stream.
    pub fn go_on(&mut self, next: Self, out: &mut Vec<u8>) {
        let (Flow::Translate { translator, seen, .. }, Flow::Continue { continuation, seen: of_next }) =
            (&mut self.flow, next.flow)
        else {
            return;
        };
        *seen = of_next;
        translator.go_on(*continuation, out);
        (self.source, self.deframer, self.carriage) = (next.source, next.deframer, next.carriage);
        (self.over, self.fault, self.untold) = (false, None, false);
        self.after_step();
        // The end may be among what it had said already.
        if !self.over && next.over {
            self.finish(out);
        }
    }

    /// Reads once from upstream and appends what the client gets; ends the client's stream if the upstream broke.
    pub async fn step(&mut self, out: &mut Vec<u8>) {
        match self.source.chunk().await {
            Ok(Some(chunk)) => {
                self.deframer.push(chunk);
                self.drain(out);
            }
            Ok(None) => self.finish(out),
            Err(fault) => self.broke(fault, out),
        }
        if self.has_token() {
            self.source.token_seen();
        }
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        while !self.over {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => self.frame(frame, out),
                Ok(None) => return,
                Err(fault) => self.broke(fault, out),
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        while !self.over {
            match self.deframer.finish() {
                Ok(Some(frame)) => self.frame(frame, out),
                Ok(None) => break,
                Err(fault) => return self.broke(fault, out),
            }
        }
        if self.over {
            return;
        }
        // What the provider said of its own failure; what the tap finds at the end, nobody has told the client.
        let told = self.fault.is_some();
        let cut = match &mut self.flow {
            Flow::Relay { tap, sent, .. } => {
                tap.end();
                if let (Some(sent), true) = (sent, tap.is_complete()) {
                    sent.release(&mut |frame| pass(self.face, frame, out));
                }
                (!tap.is_complete()).then(|| tap.fault().cloned().unwrap_or_else(cut))
            }
            Flow::Translate { translator, .. } => {
                translator.end(out);
                None
            }
            Flow::Continue { continuation, .. } => {
                continuation.end();
                None
            }
        };
        self.after_step();
        match cut {
            Some(fault) if !told => self.broke(fault, out),
            _ => self.over = true,
        }
    }

    fn frame(&mut self, frame: Frame, out: &mut Vec<u8>) {
        let frame = match self.carriage.unwrap(frame) {
            Ok(frame) => frame,
            Err(fault) => return self.broke(fault, out),
        };
        match &mut self.flow {
            Flow::Relay { tap, seals, kept, sent, last_words } => {
                if let Some(kept) = kept {
                    kept.frame(&frame);
                }
                if self.face == Dialect::OpenAiResponses {
                    seals.extend(owners::made(&frame.data));
                }
                if tap.frame(&frame) == Verdict::Pass {
                    match sent {
                        None => pass(self.face, &frame, out),
                        Some(_) if tap.fault().is_some() => *last_words = Some(frame),
                        Some(sent) => sent.frame(frame, &mut |frame| pass(self.face, frame, out)),
                    }
                }
            }
            Flow::Translate { translator, .. } => translator.frame(&frame, out),
            Flow::Continue { continuation, .. } => continuation.frame(&frame),
        }
        self.after_step();
    }

    /// Takes note of what the step brought.
    fn after_step(&mut self) {
        match &mut self.flow {
            // After an in-band error the provider's own words have gone out, unless another may go on; nothing of ours follows.
            Flow::Relay { tap, sent, .. } => {
                if let Some(fault) = tap.fault() {
                    self.fault = Some(fault.clone());
                    if sent.is_some() {
                        (self.over, self.untold) = (true, true);
                    }
                }
            }
            Flow::Translate { translator, fold, seen, reasoned } => {
                for event in translator.last_events() {
                    *reasoned |= matches!(event, Event::Open { start: BlockStart::Reasoning { .. }, .. });
                    if let Event::Fault(fault) = event {
                        self.fault = Some((**fault).clone());
                    }
                    seen.event(event);
                    if let Some(fold) = fold {
                        fold.push(event.clone());
                    }
                }
                self.over |= translator.is_over();
                if let Some(fault) = translator.outgoing().take_broken() {
                    (self.fault, self.untold) = (Some(fault), true);
                }
            }
            Flow::Continue { continuation, seen } => {
                for event in continuation.last_events() {
                    seen.event(event);
                    match event {
                        Event::Fault(fault) => (self.fault, self.over) = (Some((**fault).clone()), true),
                        Event::End => self.over = true,
                        _ => {}
                    }
                }
                if continuation.has_diverged() && self.fault.is_none() {
                    (self.fault, self.over) = (Some(diverged()), true);
                }
            }
        }
    }

    /// The upstream broke: the client is told at once, unless another answer may go on.
    fn broke(&mut self, fault: Fault, out: &mut Vec<u8>) {
        let may_go_on = match &self.flow {
            Flow::Continue { .. } => true,
            Flow::Translate { .. } => self.delivered().is_some(),
            Flow::Relay { sent, .. } => sent.as_ref().is_some_and(|sent| sent.can_go_on()),
        };
        if !may_go_on || self.over {
            return self.break_off(fault, out);
        }
        (self.fault, self.over, self.untold) = (Some(fault), true, true);
    }

    /// Ends the client's stream with the fault that it was not told yet.
    pub fn tell(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.untold)
            && let Some(fault) = self.fault.take()
        {
            self.over = false;
            self.break_off(fault, out);
        }
    }

    /// Ends the client's stream with a fault, in the face's own form.
    pub fn break_off(&mut self, fault: Fault, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match &mut self.flow {
            Flow::Relay { last_words: Some(words), .. } => pass(self.face, words, out),
            Flow::Relay { .. } => out.extend_from_slice(&codec::fault_frame(self.face, &fault)),
            Flow::Translate { translator, .. } => translator.fault(fault.clone(), out),
            // The client's stream is another's.
            Flow::Continue { .. } => {}
        }
        self.fault.get_or_insert(fault);
        self.over = true;
    }

    /// The client's stream has had its last event.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Content came: from here on no other target can take over unseen.
    pub fn has_content(&self) -> bool {
        match &self.flow {
            Flow::Relay { tap, .. } => tap.has_content(),
            Flow::Translate { translator, .. } => translator.has_content(),
            Flow::Continue { continuation, .. } => continuation.has_caught_up(),
        }
    }

    /// The model has said something, whoever gets to hear it.
    fn has_token(&self) -> bool {
        match &self.flow {
            Flow::Continue { continuation, .. } => continuation.has_content(),
            _ => self.has_content(),
        }
    }

    /// It is whole and says nothing.
    pub fn is_empty(&self) -> bool {
        let whole = self.over && self.fault.is_none() && !self.has_content();
        whole
            && match &self.flow {
                Flow::Relay { tap, .. } => tap.is_empty(),
                Flow::Translate { seen, reasoned, .. } => {
                    !reasoned && is_silence(seen.finish.as_ref(), seen.usage.as_ref())
                }
                Flow::Continue { .. } => false,
            }
    }

    /// The fault that ended it, or that the provider reported in it.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// What it turned out to be.
    pub fn outcome(&mut self) -> Outcome {
        match &mut self.flow {
            Flow::Relay { tap, seals, kept, .. } => {
                let reply = kept.take().and_then(|kept| kept.reply()).map(Box::new);
                Outcome::seen(tap.seen().clone(), std::mem::take(seals), reply)
            }
            Flow::Translate { fold, seen, .. } => {
                let mut outcome = std::mem::take(&mut **seen);
                outcome.reply = fold.take_if(|f| f.is_complete()).and_then(|f| f.finish().ok()).map(Box::new);
                outcome
            }
            Flow::Continue { seen, .. } => std::mem::take(&mut **seen),
        }
    }
}

/// A relayed event goes out as it came.
fn pass(face: Dialect, frame: &Frame, out: &mut Vec<u8>) {
    out.extend_from_slice(&frame.raw);
    if !frame.raw.ends_with(b"\n") && !frame.raw.is_empty() && codec::is_sse(face) {
        // The body ended without the event's blank line: the event is whole, so it is closed.
        out.extend_from_slice(b"\n\n");
    }
}

fn cut() -> Fault {
    Fault::new(FaultKind::ProviderCut, "The provider's answer ended too early.")
}

fn diverged() -> Fault {
    Fault::new(
        FaultKind::AnswerDiverged,
        "The answer that was to go on says something else than what was sent already.",
    )
}
