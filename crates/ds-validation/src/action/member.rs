//! How members are read that only actions have.

use ds_domain::json::JsonObject;

use crate::{
    Violation,
    json::{Kind, Value},
    member::wrong_type,
};

/// A number; whether it lies between 0 and 1 is a rule.
pub(super) fn fraction(name: &'static str, value: Value<'_>) -> Result<f64, Violation> {
    let is_number = value.kind == Kind::Number;
    let number = is_number.then(|| value.text.parse().ok()).flatten();
    number.ok_or_else(|| wrong_type(name, "a number"))
}

/// An array, kept as it was received.
pub(super) fn list(name: &'static str, value: Value<'_>) -> Result<JsonObject, Violation> {
    if value.kind == Kind::Array {
        return Ok(JsonObject::from_checked_text(value.text));
    }
    Err(wrong_type(name, "an array"))
}
