//! Events of a stream: a start, blocks that open and close once, one finish a choice, one end.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_ir::{BlockStart, Delta, Event};

/// What a block takes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Words,
    Call,
    Whole,
}

#[derive(Default)]
struct Nesting {
    started: bool,
    over: bool,
    open: BTreeMap<(u32, u32), Kind>,
    opened: BTreeMap<u32, u32>,
    finished: BTreeSet<u32>,
}

/// The events of a whole stream keep the contract of [`Event`]. `one_open`: no two blocks at once.
pub fn check(what: &str, events: &[Event], one_open: bool) {
    let mut nesting = Nesting::default();
    for (i, event) in events.iter().enumerate() {
        if let Err(why) = nesting.step(event, one_open) {
            panic!("{what}: {why} by event {i} of {events:#?}");
        }
    }
    assert!(nesting.over, "{what}: neither End nor Fault: {events:#?}");
}

impl Nesting {
    fn step(&mut self, event: &Event, one_open: bool) -> Result<(), &'static str> {
        must(!self.over, "something after the end")?;
        match event {
            Event::Start(_) => {
                must(!self.started && self.opened.is_empty(), "a late or second start")?;
                self.started = true;
            }
            Event::Open { choice, block, start } => {
                must(!self.finished.contains(choice), "a block after its choice's finish")?;
                must(!one_open || self.open.is_empty(), "a second open block")?;
                let next = self.opened.entry(*choice).or_default();
                must(*block == *next, "a block out of number")?;
                *next += 1;
                let kind = match start {
                    BlockStart::Call { .. } => Kind::Call,
                    BlockStart::Whole(_) => Kind::Whole,
                    _ => Kind::Words,
                };
                self.open.insert((*choice, *block), kind);
            }
            Event::Delta { choice, block, delta } => {
                let kind = self.open.get(&(*choice, *block)).ok_or("a delta of no open block")?;
                match delta {
                    Delta::Text(_) => must(*kind == Kind::Words, "text in a block of none")?,
                    Delta::Arguments(_) => must(*kind == Kind::Call, "arguments of no call")?,
                    _ => {}
                }
            }
            Event::Close { choice, block } => {
                self.open.remove(&(*choice, *block)).ok_or("a close of no open block")?;
            }
            Event::Finish { choice, .. } => {
                must(self.open.keys().all(|(c, _)| c != choice), "a finish within a block")?;
                must(self.finished.insert(*choice), "a second finish")?;
            }
            Event::End => {
                must(self.open.is_empty(), "an end within a block")?;
                self.over = true;
            }
            Event::Fault(_) => self.over = true,
            Event::Usage(_) | Event::Ping => {}
        }
        Ok(())
    }
}

fn must(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}
