//! JSON that is kept as received.

use std::fmt;

/// The text of one JSON object, or array where a field says so, never re-encoded, so that no number
/// loses a digit on its way.
#[derive(Clone, Eq, PartialEq)]
pub struct JsonObject(Box<str>);

impl JsonObject {
    /// Wraps a text that is already known to be one JSON object: one that the validator accepted or
    /// that PostgreSQL returned. It is not checked again.
    pub fn from_checked_text(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JsonObject {
    /// Shows the size only: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.0.len())
    }
}
