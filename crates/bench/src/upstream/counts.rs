//! What the upstream saw of its peers: connections, handshakes, streams. `GET /counts` tells.

use std::cell::Cell;
use std::fmt::Write;

/// Counts since the start, and what is open now, of one listener.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections that were accepted.
    pub accepted: Cell<u64>,
    /// Connections that are open.
    pub open: Cell<u64>,
    /// Handshakes from scratch.
    pub full: Cell<u64>,
    /// Handshakes that went on with an earlier session.
    pub resumed: Cell<u64>,
    /// Requests.
    pub requests: Cell<u64>,
}

/// An open connection.
pub struct Open<'a>(&'a Counts);

impl Counts {
    /// A connection came.
    pub fn open(&self) -> Open<'_> {
        bump(&self.accepted, 1);
        bump(&self.open, 1);
        Open(self)
    }

    /// One line.
    pub fn line(&self, name: &str) -> String {
        let mut out = String::new();
        for (what, count) in [
            ("accepted", &self.accepted),
            ("open", &self.open),
            ("full", &self.full),
            ("resumed", &self.resumed),
            ("requests", &self.requests),
        ] {
            let _ = writeln!(out, "{name}.{what}={}", count.get());
        }
        out
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// Adds to a count.
pub fn bump(count: &Cell<u64>, more: u64) {
    count.set(count.get() + more);
}
