use tollgate_ir::Json;

use super::Node;
use super::marks::{BLOCK, ESCAPE, Marks, places, run_end};

/// Writes an object: `object(&mut out, |o| { o.text("role", "user"); })`. What the closure returns is returned, so that
/// encoders that can fail use `?` inside.
pub fn object<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut ObjectWriter<'_>) -> R) -> R {
    out.push(b'{');
    let result = fill(&mut ObjectWriter { out, first: true });
    out.push(b'}');
    result
}

/// Writes an array.
pub fn array<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut ArrayWriter<'_>) -> R) -> R {
    out.push(b'[');
    let result = fill(&mut ArrayWriter { out, first: true });
    out.push(b']');
    result
}

/// Room for a string of so many bytes, for its escapes and for what follows: a long one that is filled to the brim would be
/// moved for the next byte.
const fn room(bytes: usize) -> usize {
    bytes + bytes / 8 + 2
}

/// Writes a string with its quotes and escapes.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.reserve(room(text.len()));
    out.push(b'"');
    inside(out, text);
    out.push(b'"');
}

/// Writes a string that is put together from pieces.
fn joined(out: &mut Vec<u8>, pieces: &[&str]) {
    out.reserve(room(pieces.iter().map(|piece| piece.len()).sum()));
    out.push(b'"');
    pieces.iter().for_each(|piece| inside(out, piece));
    out.push(b'"');
}

/// Writes what stands between a string's quotes.
#[inline]
fn inside(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    match run_end(bytes, 0) {
        None => out.extend_from_slice(bytes),
        Some(first) => escaped(out, bytes, first),
    }
}

/// Writes what has to be escaped from `at` on.
#[inline(never)]
fn escaped(out: &mut Vec<u8>, bytes: &[u8], mut at: usize) {
    let mut from = 0;
    while at < bytes.len() {
        let marks = Marks::at(bytes, at).all();
        for place in places(marks) {
            out.extend_from_slice(&bytes[from..at + place]);
            escape(out, bytes[at + place]);
            from = at + place + 1;
        }
        at += BLOCK;
        if marks == 0 {
            at = run_end(bytes, at).unwrap_or(bytes.len());
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

/// A quote, a backslash or a control character.
fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match ESCAPE[usize::from(byte)] {
        0 => {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
        short => out.extend_from_slice(&[b'\\', short]),
    }
}

/// Writes a tree compactly, keys in order.
pub(super) fn node(out: &mut Vec<u8>, value: &Node<'_>) {
    match value {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(true) => out.extend_from_slice(b"true"),
        Node::Bool(false) => out.extend_from_slice(b"false"),
        Node::Number(n) => match n.as_u64() {
            Some(n) => uint(out, n),
            None => out.extend_from_slice(n.to_string().as_bytes()),
        },
        Node::Text(t) => text(out, t),
        Node::Array(items) => array(out, |a| items.iter().for_each(|item| a.node(item))),
        Node::Object(fields) => object(out, |o| fields.0.iter().for_each(|(k, v)| o.node(k, v))),
        Node::Unread(text) => out.extend_from_slice(text.as_bytes()),
    }
}

fn uint(out: &mut Vec<u8>, mut value: u64) {
    const MOST: usize = u64::MAX.ilog10() as usize + 1;
    let mut digits = [b'0'; MOST];
    let mut from = MOST;
    loop {
        from -= 1;
        digits[from] += (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return out.extend_from_slice(&digits[from..]);
        }
    }
}

fn float(out: &mut Vec<u8>, value: f64) {
    // Whole floats are written without a fraction, as every SDK does: 1 and not 1.0.
    let _ = if value.fract() == 0.0 && value.abs() < 1e15 {
        use std::io::Write;
        write!(out, "{value:.0}")
    } else {
        serde_json::to_writer(out, &value).map_err(Into::into)
    };
}

/// The inside of an object being written.
pub struct ObjectWriter<'b> {
    out: &'b mut Vec<u8>,
    first: bool,
}

impl ObjectWriter<'_> {
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        text(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A string.
    pub fn text(&mut self, key: &str, value: &str) {
        text(self.key(key), value);
    }

    /// A string that is put together from pieces.
    pub(crate) fn joined(&mut self, key: &str, pieces: &[&str]) {
        joined(self.key(key), pieces);
    }

    /// A string, or nothing at all.
    pub fn opt_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// A string, or `null`.
    pub fn text_or_null(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.null(key),
        }
    }

    /// A whole number.
    pub fn uint(&mut self, key: &str, value: u64) {
        uint(self.key(key), value);
    }

    /// A whole number, or nothing at all.
    pub fn opt_uint(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.uint(key, value);
        }
    }

    /// A whole number with a sign.
    pub fn int(&mut self, key: &str, value: i64) {
        self.key(key).extend_from_slice(value.to_string().as_bytes());
    }

    /// A whole number with a sign, or nothing at all.
    pub fn opt_int(&mut self, key: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.int(key, value);
        }
    }

    /// A number; whole ones without a fraction.
    pub fn float(&mut self, key: &str, value: f64) {
        float(self.key(key), value);
    }

    /// A number, or nothing at all.
    pub fn opt_float(&mut self, key: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.float(key, value);
        }
    }

    /// A truth value.
    pub fn boolean(&mut self, key: &str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A truth value, or nothing at all.
    pub fn opt_boolean(&mut self, key: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.boolean(key, value);
        }
    }

    /// `null`.
    pub fn null(&mut self, key: &str) {
        self.key(key).extend_from_slice(b"null");
    }

    /// JSON as it is.
    pub fn json(&mut self, key: &str, value: &Json) {
        self.key(key).extend_from_slice(value.as_str().as_bytes());
    }

    /// JSON as it is, or nothing at all.
    pub fn opt_json(&mut self, key: &str, value: Option<&Json>) {
        if let Some(value) = value {
            self.json(key, value);
        }
    }

    /// JSON text that the caller knows to be valid.
    pub fn raw(&mut self, key: &str, value: &str) {
        self.key(key).extend_from_slice(value.as_bytes());
    }

    /// A tree.
    pub fn node(&mut self, key: &str, value: &Node<'_>) {
        node(self.key(key), value);
    }

    /// An object.
    pub fn object<R>(&mut self, key: &str, fill: impl FnOnce(&mut ObjectWriter<'_>) -> R) -> R {
        object(self.key(key), fill)
    }

    /// An array.
    pub fn array<R>(&mut self, key: &str, fill: impl FnOnce(&mut ArrayWriter<'_>) -> R) -> R {
        array(self.key(key), fill)
    }

    /// The members of an object that another writer has written.
    pub fn members(&mut self, object: &[u8]) {
        if let [b'{', members @ .., b'}'] = object
            && !members.is_empty()
        {
            if !self.first {
                self.out.push(b',');
            }
            self.first = false;
            self.out.extend_from_slice(members);
        }
    }

    /// The fields of a JSON object, put in here one by one, except those named; nothing if it is no object.
    pub fn spread(&mut self, value: &Json, except: &[&str]) {
        if let Some(node) = Node::read(value.as_str().as_bytes()) {
            for (key, value) in node.entries().iter().filter(|(k, _)| !except.contains(&k.as_ref())) {
                self.node(key, value);
            }
        }
    }
}

/// The inside of an array being written.
pub struct ArrayWriter<'b> {
    out: &'b mut Vec<u8>,
    first: bool,
}

impl ArrayWriter<'_> {
    fn next(&mut self) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out
    }

    /// A string.
    pub fn text(&mut self, value: &str) {
        text(self.next(), value);
    }

    /// A whole number.
    pub fn uint(&mut self, value: u64) {
        uint(self.next(), value);
    }

    /// A number; whole ones without a fraction.
    pub fn float(&mut self, value: f64) {
        float(self.next(), value);
    }

    /// JSON as it is.
    pub fn json(&mut self, value: &Json) {
        self.next().extend_from_slice(value.as_str().as_bytes());
    }

    /// JSON text that the caller knows to be valid.
    pub fn raw(&mut self, value: &str) {
        self.next().extend_from_slice(value.as_bytes());
    }

    /// A tree.
    pub fn node(&mut self, value: &Node<'_>) {
        node(self.next(), value);
    }

    /// An object.
    pub fn object<R>(&mut self, fill: impl FnOnce(&mut ObjectWriter<'_>) -> R) -> R {
        object(self.next(), fill)
    }

    /// An object, if `fill` says that it is to stay; else nothing at all.
    pub(crate) fn object_if<E>(
        &mut self,
        fill: impl FnOnce(&mut ObjectWriter<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (end, first) = (self.out.len(), self.first);
        if !self.object(fill)? {
            self.out.truncate(end);
            self.first = first;
        }
        Ok(())
    }

    /// An array.
    pub fn array<R>(&mut self, fill: impl FnOnce(&mut ArrayWriter<'_>) -> R) -> R {
        array(self.next(), fill)
    }

    /// Nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.first
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
