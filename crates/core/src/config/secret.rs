use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// The name by which [`super::read`] knows that a value is not to be shown; serde passes the type's name.
pub(super) const SECRET: &str = "Secret";

/// A credential from the configuration: shown as `***` wherever it is printed; [`Secret::expose`] is the one way to it.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[schemars(description = "A credential: text, best as `${VAR}` or `${file:/path}`.")]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself, to be sent or hashed, never shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
