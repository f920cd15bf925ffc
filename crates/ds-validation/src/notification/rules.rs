//! What the `validator` crate finds, as violations: sorted, with stable codes, and without the
//! rejected values that its own errors carry.

use std::{borrow::Cow, collections::BTreeMap};

use validator::{Validate, ValidationError};

use crate::{Rule, Violation, Violations};

/// Codes of our own checks.
pub(super) const BLANK: &str = "blank";
pub(super) const WORD: &str = "word";

/// Adds every rule that `draft` breaks to `found`. Members whose shape is wrong already are left out.
pub(super) fn check(draft: &impl Validate, found: &mut Violations) {
    let Err(errors) = draft.validate() else {
        return;
    };
    // In some order that is always the same.
    let by_field: BTreeMap<_, _> = errors.field_errors().into_iter().collect();
    for (field, errors) in by_field {
        // Names of members are constants of the derived code.
        let Cow::Borrowed(field) = field else {
            continue;
        };
        if !found.has(&format!("/{field}")) {
            for error in errors {
                found.add(violation(field, error));
            }
        }
    }
}

fn violation(field: &'static str, error: &ValidationError) -> Violation {
    match &*error.code {
        "required" => Violation::of_field(field, Rule::Required, format!("{field} is required")),
        BLANK => Violation::of_field(field, Rule::Empty, format!("{field} is required")),
        "length" => too_long(field, error),
        "range" => out_of_range(field, error),
        WORD => {
            let words = error.message.as_deref().unwrap_or_default();
            // Short, or it would be too long; a control character could forge a line of a log.
            let given: String = text(error).chars().filter(|c| !c.is_control()).collect();
            let message = format!("{field} must be one of: {words} (got '{given}')");
            Violation::of_field(field, Rule::Enum, message)
        }
        _ => Violation::of_field(field, Rule::Format, format!("{field} is invalid")),
    }
}

fn too_long(field: &'static str, error: &ValidationError) -> Violation {
    let chars_max = number(error, "max");
    let chars = text(error).chars().count();
    let message = format!("{field} must be at most {chars_max} characters (got {chars})");
    let chars_max = usize::try_from(chars_max).unwrap_or(usize::MAX);
    Violation::of_field(field, Rule::TooLong, message).measured(chars_max, chars)
}

fn out_of_range(field: &'static str, error: &ValidationError) -> Violation {
    let (min, max) = (number(error, "min"), number(error, "max"));
    let given = number(error, "value");
    let (bound, words) = match given < min {
        true if min == 0 => (min, "non-negative".to_owned()),
        true => (min, format!("at least {min}")),
        false => (max, format!("at most {max}")),
    };
    let message = format!("{field} must be {words} (got {given})");
    Violation::of_field(field, Rule::Range, message).measured(bound, given)
}

fn number(error: &ValidationError, name: &'static str) -> i64 {
    let number = error.params.get(name).and_then(|value| value.as_i64());
    number.unwrap_or_default()
}

/// The rejected text.
fn text(error: &ValidationError) -> &str {
    let text = error.params.get("value").and_then(|value| value.as_str());
    text.unwrap_or_default()
}
