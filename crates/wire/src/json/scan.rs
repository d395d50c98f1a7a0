//! One strict pass over JSON text without a tree: where each member of the top-level object stands.
//!
//! Never recurses: the kinds of the open containers are bits of one `u128`, which is also the bound on depth.

use std::ops::Range;

use super::marks::{BLOCK, ESCAPED, Marks, escapes, places, run_end, up_to_lowest};

/// Deepest nesting of a body (decisions, “envelope and bodies”).
pub(super) const MAX_DEPTH: u32 = 128;

/// Where the text stops being JSON, and what was wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub at: usize,
    pub why: &'static str,
}

/// Reads tokens of `bytes` from `at` on. Whether strings are UTF-8 is not looked at.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    calls: bool,
    developer: bool,
}

/// The key of a message's calls, and the role that only OpenAI knows: whether they are there is asked of many chats, and of
/// long ones it is known by the way.
const CALLS: &[u8] = b"tool_calls";
const DEVELOPER: &[u8] = b"developer";

/// Where a string stands.
pub(super) struct Quoted {
    /// What stands between its quotes.
    pub inside: Range<usize>,
    /// Where its first backslash stands; the end of `inside`, if it has none.
    pub plain_to: usize,
}

impl Quoted {
    /// The same with its quotes.
    pub(super) const fn at(&self) -> Range<usize> {
        self.inside.start - 1..self.inside.end + 1
    }

    /// It stands for what is written.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain_to == self.inside.end
    }
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    pub(super) const fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, calls: false, developer: false }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Whether a key `tool_calls` has been passed, or one whose escapes may hide it.
    pub(super) const fn calls(&self) -> bool {
        self.calls
    }

    /// Whether a text `developer` has been passed as a value.
    pub(super) const fn developer(&self) -> bool {
        self.developer
    }

    pub(super) fn white_space(&mut self) {
        // Most of what stands here is no white space, and greater than all of it.
        while self.peek().is_some_and(|byte| byte <= b' ' && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes one byte that must be there.
    pub(super) fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Broken> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.broken(why))
    }

    #[cold]
    fn broken(&self, why: &'static str) -> Broken {
        let why = if self.at >= self.bytes.len() { "it ends too early" } else { why };
        Broken { at: self.at, why }
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Quoted, Broken> {
        let start = self.at + 1;
        let plain_to = self.plain_run()?;
        if self.peek() != Some(b'"') {
            self.past_escapes(|_| {})?;
        }
        self.at += 1;
        Ok(Quoted { inside: start..self.at - 1, plain_to })
    }

    /// What is plain of a string from its beginning; tells where that ends.
    #[inline]
    pub(super) fn plain_run(&mut self) -> Result<usize, Broken> {
        self.expect(b'"', "a string was expected")?;
        self.at = run_end(self.bytes, self.at).unwrap_or(self.bytes.len());
        Ok(self.at)
    }

    /// Goes on within a string, from what is not plain in it to the quote that ends it; `seen` is told where each escape
    /// stands.
    #[inline(never)]
    pub(super) fn past_escapes(&mut self, mut seen: impl FnMut(usize)) -> Result<(), Broken> {
        let (bytes, mut at) = (self.bytes, self.at);
        while at < bytes.len() {
            let marks = Marks::at(bytes, at);
            if marks.all() == 0 {
                at = run_end(bytes, at + BLOCK).unwrap_or(bytes.len());
                continue;
            }
            let (begun, escaped) = escapes(marks.backslashes);
            let ends = marks.others & !escaped;
            for place in places(begun & up_to_lowest(ends)) {
                if bytes.get(at + place + 1).is_none_or(|byte| ESCAPED[usize::from(*byte)] == 0) {
                    self.at = at + place + 1;
                    self.long_escape()?;
                }
                seen(at + place);
            }
            if ends != 0 {
                at += ends.trailing_zeros() as usize;
                break;
            }
            // An escape may reach over the block's end.
            at += BLOCK + (begun >> (BLOCK - 1)) as usize;
        }
        self.at = at.min(bytes.len());
        match self.peek() {
            Some(b'"') => Ok(()),
            Some(_) => Err(self.broken("a string holds a raw control character")),
            None => Err(self.broken("a string has no end")),
        }
    }

    /// What follows a backslash and is no escape of two bytes.
    #[cold]
    fn long_escape(&self) -> Result<(), Broken> {
        if self.peek() != Some(b'u') {
            return Err(self.broken("a string holds an unknown escape"));
        }
        let digits = self.bytes.get(self.at + 1..self.at + 5);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            return Err(self.broken("a \\u escape needs four hexadecimal digits"));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.broken("a number lacks a digit")) } else { Ok(()) }
    }

    /// A number.
    pub(super) fn number(&mut self) -> Result<(), Broken> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// `true`, `false` or `null`.
    pub(super) fn word(&mut self, word: &'static [u8]) -> Result<(), Broken> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.broken("a value was expected"))
    }

    /// A value of any kind, `outside` levels deep already; the range is its text.
    pub(super) fn value(&mut self, outside: u32) -> Result<Range<usize>, Broken> {
        let start = self.at;
        let mut depth = 0;
        // Bit 0 is the innermost open container: 1 for an object.
        let mut objects = 0u128;
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if outside + depth >= MAX_DEPTH {
                        return Err(self.broken("it nests deeper than 128 levels"));
                    }
                    self.at += 1;
                    depth += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    self.white_space();
                    if !self.closes(open == b'{') {
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                Some(b'"') => {
                    let text = self.string()?.inside;
                    if text.len() == DEVELOPER.len() && self.bytes[text] == *DEVELOPER {
                        self.developer = true;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                _ => self.word(b"null")?,
            }
            if !self.after_value(&mut depth, &mut objects)? {
                return Ok(start..self.at);
            }
        }
    }

    /// After a value: closes what closes; says whether another value follows within this one.
    fn after_value(&mut self, depth: &mut u32, objects: &mut u128) -> Result<bool, Broken> {
        while *depth > 0 {
            let object = *objects & 1 == 1;
            self.white_space();
            if self.closes(object) {
                *depth -= 1;
                *objects >>= 1;
                continue;
            }
            self.expect(b',', "a comma or the container's end was expected")?;
            self.white_space();
            if object {
                self.key()?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn closes(&mut self, object: bool) -> bool {
        let here = self.peek() == Some(if object { b'}' } else { b']' });
        self.at += usize::from(here);
        here
    }

    /// A key and its colon.
    pub(super) fn key(&mut self) -> Result<Quoted, Broken> {
        if self.peek() != Some(b'"') {
            return Err(self.broken("a key in quotes was expected"));
        }
        let key = self.string()?;
        if !key.is_plain() || key.inside.len() == CALLS.len() && self.bytes[key.inside.clone()] == *CALLS {
            self.calls = true;
        }
        self.white_space();
        self.expect(b':', "a colon was expected after a key")?;
        self.white_space();
        Ok(key)
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
