use std::fmt;

use serde::de;

use super::tree::Node;
use crate::near::nearest;

/// A mistake on its way up from the node that it is in.
#[derive(Debug)]
pub(super) struct Wrong {
    /// What is wrong and what to write instead.
    pub message: String,
    /// What may have been meant.
    pub nearest: Vec<String>,
    /// A field is missing.
    pub missing: bool,
    /// The path of the innermost node that it is about.
    pub at: Option<String>,
}

impl Wrong {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), nearest: Vec::new(), missing: false, at: None }
    }

    /// Places it, unless it has a place already.
    pub fn place(mut self, node: &Node) -> Self {
        self.at.get_or_insert_with(|| node.path.clone());
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: true, ..Self::new(format!("`{field}` is missing")) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let all = expected.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let nearest = nearest(variant, expected.iter().copied(), 1);
        Self { nearest, ..Self::new(format!("`{variant}` is none of {all}")) }
    }
}
