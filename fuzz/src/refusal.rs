//! What holds for every refused body.

use ds_validation::{Rejection, SyntaxError, Violations};
use serde_json::value::RawValue;

/// Longest text of one violation: it names bounds and words, never what was sent.
const MESSAGE_BYTES_MAX: usize = 300;

/// Longest pointer; what is in front of a shortened one is an index and a member.
const POINTER_BYTES_MAX: usize = 320;

/// Checks a refusal of `data`.
pub(super) fn check(data: &[u8], rejection: &Rejection) {
    match rejection {
        Rejection::Malformed(error) => check_position(data, error),
        Rejection::Invalid(found) => check_violations(found),
    }
}

/// A body is no JSON for us only if it is none for anybody.
fn check_position(data: &[u8], error: &SyntaxError) {
    if let Ok(text) = std::str::from_utf8(data) {
        let other = serde_json::from_str::<&RawValue>(text);
        assert!(other.is_err(), "JSON is refused: {error}");
    }
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(
        (1..=lines).contains(&error.line),
        "{error} of {lines} lines"
    );
    assert!(
        error.column >= 1 && error.column <= data.len() + 1,
        "{error}"
    );
}

fn check_violations(found: &Violations) {
    assert!(!found.is_empty(), "a refusal says why");
    for violation in found {
        assert!(
            violation.message.len() <= MESSAGE_BYTES_MAX,
            "{violation:?}"
        );
        assert!(
            violation.pointer.len() <= POINTER_BYTES_MAX,
            "{violation:?}"
        );
        let is_pointer = violation.pointer.is_empty() || violation.pointer.starts_with('/');
        assert!(is_pointer, "{violation:?}");
        assert!(!violation.field.is_empty(), "{violation:?}");
    }
}
