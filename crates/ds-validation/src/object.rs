//! Text → JSON that a draft can hold.

use ds_domain::json::JsonObject;

use crate::{
    Limits, Rejection, Rule, Violation,
    json::{Kind, Reader, Stop},
};

/// Reads the JSON object that a draft's `event_data` or `event_metadata` is to be: one that is kept
/// as it is written, within the bounds of size and depth, without a NUL or a repeated name.
pub fn parse_object(text: &str, limits: &Limits) -> Result<JsonObject, Rejection> {
    let mut reader = Reader::new(text.as_bytes(), limits)?;
    let read = reader
        .value()
        .and_then(|value| reader.end().map(|()| value));
    let mut found = reader.take_found();
    match read {
        Err(Stop::Syntax(error)) => return Err(error.into()),
        Ok(value) if value.kind != Kind::Object => {
            let message = "value must be an object";
            found.add(Violation::at(String::new(), "body", Rule::Type, message));
        }
        Ok(_) | Err(Stop::Bound) => {}
    }
    match found.is_empty() {
        true => Ok(JsonObject::from_checked_text(text)),
        false => Err(found.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_kept_as_it_is_written() {
        let text = " {\"n\": 12345678901234567890.10, \"s\": \"\\u00fc\"} ";
        let object = parse_object(text, &Limits::default()).unwrap();
        assert_eq!(object.as_str(), text);
    }

    #[test]
    fn what_is_no_object_that_can_be_stored_is_refused() {
        let rule = |text: &str| match parse_object(text, &Limits::default()) {
            Ok(_) => "none",
            Err(Rejection::Malformed(_)) => "malformed",
            Err(Rejection::Invalid(violations)) => violations.iter().next().unwrap().rule.as_str(),
        };
        assert_eq!(rule("{}"), "none");
        assert_eq!(rule("{"), "malformed");
        assert_eq!(rule("{} {}"), "malformed");
        assert_eq!(rule("[]"), Rule::Type.as_str());
        assert_eq!(rule(r#"{"a":1,"a":2}"#), Rule::DuplicateKey.as_str());
        assert_eq!(rule(r#"{"a":"\u0000"}"#), Rule::Nul.as_str());
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        assert_eq!(rule(&deep), Rule::TooDeep.as_str());
    }
}
