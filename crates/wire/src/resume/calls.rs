//! Calls held back until they are complete, and behind them what opens later, so that blocks keep their order.
//!
//! Invariant: when a stream breaks, no event of a call that is not complete has gone out (property below).

use std::collections::HashSet;

use tollgate_ir::{BlockStart, Delta, Event, Fault, FaultKind};

/// Most bytes held back.
const MAX_HELD: usize = 8 << 20;

/// See the module.
#[derive(Default)]
pub struct HeldCalls {
    /// Calls that are not complete.
    open: HashSet<(u32, u32)>,
    /// Blocks whose events wait.
    waiting: HashSet<(u32, u32)>,
    held: Vec<Event>,
    bytes: usize,
}

impl HeldCalls {
    /// Takes an event and appends those that may go out now.
    pub fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match &event {
            Event::Open { choice, block, start } => {
                let at = (*choice, *block);
                if matches!(start, BlockStart::Call { .. }) {
                    self.open.insert(at);
                }
                if !self.open.is_empty() {
                    self.waiting.insert(at);
                }
                self.put(at, event, out);
            }
            Event::Delta { choice, block, delta } => {
                let at = (*choice, *block);
                if self.waiting.contains(&at)
                    && let Delta::Text(text) | Delta::Arguments(text) = delta
                {
                    self.bytes += text.len();
                }
                self.put(at, event, out);
            }
            Event::Close { choice, block } => {
                let at = (*choice, *block);
                self.put(at, event, out);
                if self.open.remove(&at) && self.open.is_empty() {
                    self.release(out);
                }
            }
            Event::Finish { .. } | Event::End => {
                // Whoever finishes has closed its calls; what waits for nothing goes first.
                self.release(out);
                out.push(event);
            }
            _ => out.push(event),
        }
        if self.bytes > MAX_HELD {
            *self = Self::default();
            let words = "The provider's calls are larger than can be held back.";
            out.push(Event::Fault(Box::new(Fault::new(FaultKind::StreamTooWide, words))));
        }
    }

    fn put(&mut self, at: (u32, u32), event: Event, out: &mut Vec<Event>) {
        if self.waiting.contains(&at) { self.held.push(event) } else { out.push(event) }
    }

    fn release(&mut self, out: &mut Vec<Event>) {
        self.open.clear();
        self.waiting.clear();
        self.bytes = 0;
        out.append(&mut self.held);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_ir::{CallKind, Finish};

    use super::*;

    fn open(block: u32, call: bool) -> Event {
        let start = if call {
            BlockStart::Call { id: format!("c{block}"), name: "f".into(), kind: CallKind::Function }
        } else {
            BlockStart::Text
        };
        Event::Open { choice: 0, block, start }
    }

    fn delta(block: u32, call: bool, piece: usize) -> Event {
        let delta = if call { Delta::Arguments(format!("{piece},")) } else { Delta::Text(format!("{piece},")) };
        Event::Delta { choice: 0, block, delta }
    }

    proptest! {
        /// However blocks interleave and wherever the stream stops: each call that has begun is whole, the blocks open in
        /// their order, and of a whole stream nothing is missing.
        #[test]
        fn what_has_gone_out_holds_no_half_call(
            kinds in proptest::collection::vec(any::<bool>(), 1..5),
            order in proptest::collection::vec(0usize..5, 0..40),
            stop in 0usize..60,
        ) {
            let mut events: Vec<Event> = Vec::new();
            let mut opened = 0;
            for (i, pick) in order.iter().enumerate() {
                if opened < kinds.len() && i % 3 == 0 {
                    events.push(open(opened as u32, kinds[opened]));
                    opened += 1;
                }
                let block = pick % opened;
                events.push(delta(block as u32, kinds[block], i));
            }
            events.extend((0..opened as u32).map(|block| Event::Close { choice: 0, block }));
            events.push(Event::Finish { choice: 0, finish: Finish::Stop });
            events.push(Event::End);
            let whole = stop >= events.len();
            let (mut held, mut out) = (HeldCalls::default(), Vec::new());
            events.iter().take(stop).for_each(|event| held.event(event.clone(), &mut out));
            if whole {
                prop_assert_eq!(out.len(), events.len());
            }
            let opens: Vec<u32> = out.iter().filter_map(|e| match e { Event::Open { block, .. } => Some(*block), _ => None }).collect();
            prop_assert!(opens.is_sorted());
            for block in opens.into_iter().filter(|block| kinds[*block as usize]) {
                let closed = out.iter().any(|e| matches!(e, Event::Close { block: b, .. } if *b == block));
                prop_assert!(closed, "block {} of {:?}", block, out);
                let of = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Delta { block: b, .. } if *b == block)).count();
                prop_assert_eq!(of(&out), of(&events));
            }
        }
    }

    #[test]
    fn what_is_too_large_to_be_held_is_a_fault() {
        let (mut held, mut out) = (HeldCalls::default(), Vec::new());
        held.event(open(0, true), &mut out);
        for _ in 0..9 {
            let delta = Delta::Arguments("x".repeat(1 << 20));
            held.event(Event::Delta { choice: 0, block: 0, delta }, &mut out);
        }
        assert!(matches!(out.last(), Some(Event::Fault(fault)) if fault.kind == FaultKind::StreamTooWide));
    }
}
