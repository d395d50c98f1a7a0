//! Words that a scan passes on its way and that are asked for of many requests: known so, a long body is not searched
//! for them.

use super::scan::Watch;
use crate::override_names::is_override;

/// The key of a message's calls.
const CALLS: &[u8] = b"tool_calls";

/// The role that only OpenAI knows.
const DEVELOPER: &[u8] = b"developer";

/// What stands somewhere in a body, at any depth. A key with escapes may be any of them, and counts as each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// A key `tool_calls`: earlier messages may hold calls.
    pub calls: bool,
    /// A text `developer`: a message may have this role.
    pub developer: bool,
    /// A key by which a request may name its own upstream or credential.
    pub overrides: bool,
}

impl Watch for Mentions {
    #[inline]
    fn key(&mut self, key: &[u8], is_plain: bool) {
        self.calls |= !is_plain || key == CALLS;
        self.overrides |= !is_plain || is_override(key);
    }

    #[inline]
    fn text(&mut self, text: &[u8]) {
        self.developer |= text == DEVELOPER;
    }
}
