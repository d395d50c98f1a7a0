//! Edits of a body as patches over its own bytes: every byte outside of a patch stays as the client sent it, so that
//! prompt caches and signatures survive a relay.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::{Envelope, inside, text};

/// One edit of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// Gives a top-level member this value, where it stands or, if it is absent, at the object's end.
    Set {
        /// The member.
        key: Cow<'static, str>,
        /// Its value, as JSON text.
        value: Vec<u8>,
    },
    /// Takes a top-level member out, however often it comes.
    Delete {
        /// The member.
        key: Cow<'static, str>,
    },
    /// Gives a top-level member another key; its value stays byte by byte.
    Rename {
        /// The member.
        key: Cow<'static, str>,
        /// Its new key.
        to: Cow<'static, str>,
    },
    /// Puts other bytes in the place of a span within one member's value. Spans that overlap an earlier patch are left.
    Replace {
        /// Where.
        span: Range<usize>,
        /// What: text that keeps the body valid JSON.
        with: Vec<u8>,
    },
}

impl Patch {
    /// Sets a member to a text.
    pub fn set_text(key: &'static str, value: &str) -> Self {
        let mut out = Vec::with_capacity(value.len() + 2);
        text(&mut out, value);
        Self::Set { key: key.into(), value: out }
    }

    /// Sets a member to JSON.
    pub fn set(key: &'static str, value: impl Into<Vec<u8>>) -> Self {
        Self::Set { key: key.into(), value: value.into() }
    }

    /// Deletes a member.
    pub fn delete(key: impl Into<Cow<'static, str>>) -> Self {
        Self::Delete { key: key.into() }
    }
}

/// Up to this size a body is copied together: cheaper than to hold and write it in pieces.
const COPIED: usize = 4 * 1024;

/// The body with all patches applied. Without any it is the very same buffer. The later patch of a member counts.
pub fn apply(body: &Bytes, envelope: &Envelope, patches: &[Patch]) -> Bytes {
    if patches.is_empty() { body.clone() } else { write(body, &edits(body, envelope, patches)) }
}

/// The same in pieces: of a large body slices, and between them what the patches put there.
pub fn apply_in_pieces(body: &Bytes, envelope: &Envelope, patches: &[Patch]) -> Vec<Bytes> {
    if patches.is_empty() || body.len() <= COPIED {
        return vec![apply(body, envelope, patches)];
    }
    sliced(body, edits(body, envelope, patches))
}

fn sliced(body: &Bytes, edits: Vec<Edit<'_>>) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(4);
    let mut at = 0;
    for (span, with) in edits {
        pieces.push(body.slice(at..span.start));
        pieces.push(with.into_owned().into());
        at = span.end;
    }
    pieces.push(body.slice(at..));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// What stands elsewhere in the patched body, in order, each past what the one before it replaces.
fn edits<'a>(body: &[u8], envelope: &Envelope, patches: &'a [Patch]) -> Vec<Edit<'a>> {
    let gone = inside::cuts(envelope.members(), |m| deletes(patches, &m.key));
    let mut edits: Vec<Edit<'_>> = gone.into_iter().map(|span| (span, Cow::default())).collect();
    for member in envelope.members() {
        match last_of(patches, &member.key) {
            Some(Patch::Set { value, .. }) => edits.push((member.value_at.clone(), Cow::Borrowed(value))),
            Some(Patch::Rename { to, .. }) => edits.push((member.key_at.clone(), Cow::Owned(quoted(to)))),
            _ => {}
        }
    }
    edits.extend(patches.iter().filter_map(|p| match p {
        Patch::Replace { span, with } => Some((span.clone(), Cow::Borrowed(with))),
        _ => None,
    }));
    edits.extend(insertion(envelope, patches));
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut past = 0;
    edits.retain(|(span, _)| {
        let fits = past <= span.start && span.start <= span.end && span.end <= body.len();
        past = if fits { span.end } else { past };
        fits
    });
    edits
}

type Edit<'a> = (Range<usize>, Cow<'a, Vec<u8>>);

fn quoted(key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, key);
    out
}

fn key_of(patch: &Patch) -> Option<&str> {
    match patch {
        Patch::Set { key, .. } | Patch::Delete { key } | Patch::Rename { key, .. } => Some(key),
        Patch::Replace { .. } => None,
    }
}

fn last_of<'p>(patches: &'p [Patch], key: &str) -> Option<&'p Patch> {
    patches.iter().rev().find(|p| key_of(p) == Some(key))
}

fn deletes(patches: &[Patch], key: &str) -> bool {
    matches!(last_of(patches, key), Some(Patch::Delete { .. }))
}

/// The members that are set but absent, put after the last that stays.
fn insertion<'a>(envelope: &Envelope, patches: &[Patch]) -> Option<Edit<'a>> {
    let last = envelope.members().iter().rfind(|m| !deletes(patches, &m.key)).map(|m| m.value_at.end);
    let mut out = Vec::new();
    for (i, patch) in patches.iter().enumerate() {
        let Patch::Set { key, value } = patch else { continue };
        let overruled = patches[i + 1..].iter().any(|p| key_of(p) == Some(key));
        if overruled || envelope.member(key).is_some() {
            continue;
        }
        if last.is_some() || !out.is_empty() {
            out.push(b',');
        }
        text(&mut out, key);
        out.push(b':');
        out.extend_from_slice(value);
    }
    let at = last.unwrap_or(envelope.inside());
    (!out.is_empty()).then_some((at..at, Cow::Owned(out)))
}

fn write(body: &[u8], edits: &[Edit<'_>]) -> Bytes {
    let length = edits.iter().fold(body.len(), |length, (span, with)| length + with.len() - span.len());
    let mut out = Vec::with_capacity(length);
    let mut at = 0;
    for (span, with) in edits {
        out.extend_from_slice(&body[at..span.start]);
        out.extend_from_slice(with);
        at = span.end;
    }
    out.extend_from_slice(&body[at..]);
    out.into()
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
