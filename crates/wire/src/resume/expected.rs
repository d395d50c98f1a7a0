//! What an answer has to say before it may go on: the words and the complete calls that the client has, in their order.

use std::collections::VecDeque;

use super::alike::same_arguments;
use super::delivered::{Delivered, Kind};

/// See the module.
pub(super) struct Expected {
    parts: VecDeque<Part>,
    /// Nothing was said yet.
    fresh: bool,
}

enum Part {
    Words { kind: Kind, left: String },
    Call { name: String, arguments: String },
}

/// The answer says something else.
pub(super) struct Differs;

impl Expected {
    pub(super) const fn nothing() -> Self {
        Self { parts: VecDeque::new(), fresh: true }
    }

    /// All of the answer that went out; neighbouring words of a kind are one, however they were cut into blocks.
    pub(super) fn of(delivered: &Delivered) -> Self {
        let mut parts = VecDeque::new();
        for said in delivered.blocks() {
            match (&said.kind, parts.back_mut()) {
                (Kind::Reasoning, _) => {}
                (Kind::Call { name, .. }, _) => {
                    parts.push_back(Part::Call { name: name.clone(), arguments: said.text.clone() });
                }
                _ if said.text.is_empty() => {}
                (kind, Some(Part::Words { kind: last, left })) if kind == last => left.push_str(&said.text),
                (kind, _) => parts.push_back(Part::Words { kind: kind.clone(), left: said.text.clone() }),
            }
        }
        Self { parts, fresh: true }
    }

    /// All of it was said.
    pub(super) fn is_said(&self) -> bool {
        self.parts.is_empty()
    }

    /// Words were said: those that go beyond what was to be repeated.
    pub(super) fn words<'t>(&mut self, kind: &Kind, mut text: &'t str) -> Result<&'t str, Differs> {
        while let Some(part) = self.parts.front_mut() {
            if self.fresh
                && let Part::Words { left, .. } = part
            {
                // Some models begin with a line break, some do not.
                let blank = |text: &str| text.starts_with(char::is_whitespace);
                match (blank(left), blank(text)) {
                    (true, false) => *left = left.trim_start().to_owned(),
                    (false, true) => text = text.trim_start(),
                    _ => {}
                }
            }
            if text.is_empty() {
                break;
            }
            self.fresh = false;
            match part {
                Part::Words { kind: wanted, left } if wanted == kind => {
                    if let Some(rest) = left.strip_prefix(text) {
                        *left = rest.to_owned();
                        text = "";
                    } else if let Some(rest) = text.strip_prefix(left.as_str()) {
                        text = rest;
                        left.clear();
                    } else {
                        return Err(Differs);
                    }
                    if !left.is_empty() {
                        break;
                    }
                    self.parts.pop_front();
                }
                // A call is due, or words of another kind.
                _ => return Err(Differs),
            }
        }
        Ok(text)
    }

    /// A call is complete.
    pub(super) fn call(&mut self, name: &str, arguments: &str) -> Result<(), Differs> {
        match self.parts.pop_front() {
            Some(Part::Call { name: wanted, arguments: given })
                if name == wanted && same_arguments(arguments, &given) =>
            {
                Ok(())
            }
            _ => Err(Differs),
        }
    }
}
