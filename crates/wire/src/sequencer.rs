//! Interleaved blocks → one open block at a time, for faces that allow no more (anthropic, bedrock, cohere).
//!
//! The block that opened first goes through as it comes; events of later ones are held until it closes, up to a
//! bound, and then the stream ends with a fault rather than growing.

use std::collections::VecDeque;

use tollgate_ir::{Delta, Event, Fault, FaultKind};

/// Most bytes of text and arguments held back in one stream.
const MAX_HELD: usize = 8 << 20;

/// Puts one stream's events in an order with at most one open block.
#[derive(Default)]
pub struct Sequencer {
    open: Option<(u32, u32)>,
    held: VecDeque<Event>,
    held_bytes: usize,
}

impl Sequencer {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Within a stream in which this block is open.
    pub fn within(open: Option<(u32, u32)>) -> Self {
        Self { open, ..Self::default() }
    }

    /// Takes an event and appends those whose turn it is now.
    pub fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match (block_of(&event), self.open) {
            (Some(block), Some(open)) if block != open => self.hold(event, out),
            (None, Some(_)) if matches!(event, Event::Finish { .. } | Event::End) => self.hold(event, out),
            _ => {
                let closes = matches!(event, Event::Close { .. });
                if let Event::Open { choice, block, .. } = event {
                    self.open = Some((choice, block));
                }
                out.push(event);
                if closes {
                    self.open = None;
                    self.release(out);
                }
            }
        }
    }

    fn hold(&mut self, event: Event, out: &mut Vec<Event>) {
        if let Event::Delta { delta: Delta::Text(text) | Delta::Arguments(text), .. } = &event {
            self.held_bytes += text.len();
        }
        if self.held_bytes > MAX_HELD {
            self.held.clear();
            self.open = None;
            out.push(Event::Fault(Box::new(Fault::new(
                FaultKind::StreamTooWide,
                "The provider interleaves more of its answer than can be put in order.",
            ))));
            return;
        }
        self.held.push_back(event);
    }

    /// Plays what was held: the next block opens, and what still has to wait is held again.
    fn release(&mut self, out: &mut Vec<Event>) {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        for event in held {
            self.event(event, out);
        }
    }
}

fn block_of(event: &Event) -> Option<(u32, u32)> {
    match event {
        Event::Open { choice, block, .. } | Event::Delta { choice, block, .. } | Event::Close { choice, block } => {
            Some((*choice, *block))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_ir::{BlockStart, Finish};

    use super::*;

    fn run(events: Vec<Event>) -> Vec<Event> {
        let (mut sequencer, mut out) = (Sequencer::new(), Vec::new());
        for event in events {
            sequencer.event(event, &mut out);
        }
        out
    }

    fn text(block: u32, text: &str) -> Event {
        Event::Delta { choice: 0, block, delta: Delta::Text(text.into()) }
    }

    fn open(block: u32) -> Event {
        Event::Open { choice: 0, block, start: BlockStart::Text }
    }

    fn close(block: u32) -> Event {
        Event::Close { choice: 0, block }
    }

    proptest! {
        /// Any interleaving of three blocks comes out with one open at a time and each block's text whole.
        #[test]
        fn one_open_block_and_nothing_lost(order in proptest::collection::vec(0u32..3, 0..40)) {
            let mut events: Vec<_> = (0..3).map(open).collect();
            events.extend(order.iter().enumerate().map(|(i, b)| text(*b, &format!("{i},"))));
            events.extend((0..3).map(close));
            events.push(Event::Finish { choice: 0, finish: Finish::Stop });
            events.push(Event::End);
            let out = run(events.clone());
            prop_assert_eq!(out.len(), events.len());
            let mut now = None;
            for event in &out {
                match event {
                    Event::Open { block, .. } => { prop_assert_eq!(now, None); now = Some(*block); }
                    Event::Delta { block, .. } => prop_assert_eq!(now, Some(*block)),
                    Event::Close { block, .. } => { prop_assert_eq!(now, Some(*block)); now = None; }
                    _ => prop_assert_eq!(now, None),
                }
            }
            for b in 0..3 {
                let said = |events: &[Event]| events.iter().filter_map(|e| match e { Event::Delta { block, delta: Delta::Text(t), .. } if *block == b => Some(t.as_str()), _ => None }).collect::<String>();
                prop_assert_eq!(said(&out), said(&events));
            }
            prop_assert_eq!(out.last(), Some(&Event::End));
        }
    }

    #[test]
    fn too_much_held_back_is_a_fault_and_not_a_growth() {
        let mut events = vec![open(0), open(1)];
        events.extend((0..9).map(|_| text(1, &"x".repeat(1 << 20))));
        assert!(matches!(run(events).last(), Some(Event::Fault(f)) if f.kind == FaultKind::StreamTooWide));
    }
}
