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
pub(super) struct Scanner<'a, W = ()> {
    bytes: &'a [u8],
    at: usize,
    /// Who is told what is passed.
    pub watch: W,
}

/// Sees keys and texts as they are passed, as they are written between their quotes.
pub(super) trait Watch {
    /// A key; one that is not plain has escapes.
    fn key(&mut self, key: &[u8], is_plain: bool);
    /// A text that is a value.
    fn text(&mut self, text: &[u8]);
}

/// Sees nothing.
impl Watch for () {
    fn key(&mut self, _: &[u8], _: bool) {}
    fn text(&mut self, _: &[u8]) {}
}

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
        Self { bytes, at, watch: () }
    }
}

impl<'a, W: Watch> Scanner<'a, W> {
    pub(super) const fn watched(bytes: &'a [u8], watch: W) -> Self {
        Self { bytes, at: 0, watch }
    }

    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Passes what is known.
    pub(super) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    #[inline]
    pub(super) fn white_space(&mut self) {
        // Most of what stands here is no white space, and greater than all of it.
        while self.peek().is_some_and(|byte| byte <= b' ' && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes one byte that must be there.
    #[inline]
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
            'next: {
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
                            break 'next;
                        }
                        depth -= 1;
                        objects >>= 1;
                    }
                    Some(b'"') => {
                        let text = self.string()?.inside;
                        self.watch.text(&self.bytes[text]);
                    }
                    Some(b'-' | b'0'..=b'9') => self.number()?,
                    Some(b't') => self.word(b"true")?,
                    Some(b'f') => self.word(b"false")?,
                    _ => self.word(b"null")?,
                }
                // What closes with it.
                while depth > 0 {
                    self.white_space();
                    if !self.closes(objects & 1 == 1) {
                        self.expect(b',', "a comma or the container's end was expected")?;
                        self.white_space();
                        break 'next;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                return Ok(start..self.at);
            }
            if objects & 1 == 1 {
                self.key()?;
            }
        }
    }

    #[inline]
    fn closes(&mut self, object: bool) -> bool {
        let here = self.peek() == Some(if object { b'}' } else { b']' });
        self.at += usize::from(here);
        here
    }

    /// A key and its colon.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Quoted, Broken> {
        if self.peek() != Some(b'"') {
            return Err(self.broken("a key in quotes was expected"));
        }
        let key = self.string()?;
        self.watch.key(&self.bytes[key.inside.clone()], key.is_plain());
        self.white_space();
        self.expect(b':', "a colon was expected after a key")?;
        self.white_space();
        Ok(key)
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
