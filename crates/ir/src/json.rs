use std::fmt;

use serde_json::value::RawValue;

/// A JSON text that is valid and that nobody here looks into: a tool's schema, a call's arguments, a foreign block.
///
/// Key order and number spelling are those of its writer, since prompt caches depend on both.
#[derive(Clone)]
pub struct Json(Box<str>);

impl Json {
    /// Takes a text after checking that it is one JSON value.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.into()).map(Self::from)
    }

    /// Takes a text that a writer of ours has just made: it is not checked again.
    pub fn written(text: String) -> Self {
        debug_assert!(serde_json::from_str::<&RawValue>(&text).is_ok(), "not written as JSON: {text}");
        Self(text.into_boxed_str())
    }

    /// `{}`: what a tool without parameters and a call without arguments have.
    pub fn empty_object() -> Self {
        Self::from_static("{}")
    }

    /// `null`.
    pub fn null() -> Self {
        Self::from_static("null")
    }

    fn from_static(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw.into())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
