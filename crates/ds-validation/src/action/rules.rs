//! The rules on actions.

use ds_domain::{
    action::{ActionStatus, Fraction},
    limit::{ACTION_TEXT_FIELDS, ACTION_TYPED_FIELDS, TextField},
};
use jiff::Timestamp;

use super::draft::{ActionDraft, ActionUpdateDraft, Text};
use crate::{Limits, Rule, Violation, Violations, relative_time::go_duration};

pub(super) fn check_presence(draft: &mut ActionDraft, found: &mut Violations) {
    let mut missing: Vec<&'static str> = Vec::new();
    if draft.action_timestamp.is_none() {
        missing.push("action_timestamp");
    }
    if draft.model_confidence.is_none() {
        missing.push("model_confidence");
    }
    for (name, text) in draft.texts() {
        let is_required = |field: &TextField| field.name == name && field.required;
        if text.is_none() && ACTION_TEXT_FIELDS.iter().any(is_required) {
            missing.push(name);
        }
    }
    missing.sort_unstable();
    for name in missing {
        // A member of the wrong type is there.
        if !found.has(&format!("/{name}")) {
            let message = format!("property \"{name}\" is missing");
            found.add(Violation::of_field(name, Rule::Required, message));
        }
    }
}

pub(super) fn check_texts(fields: &[TextField], texts: Vec<Text<'_>>, found: &mut Violations) {
    for (name, text) in texts {
        let (Some(text), Some(field)) = (text, fields.iter().find(|field| field.name == name))
        else {
            continue;
        };
        let chars = text.chars().count();
        match field.chars_max {
            _ if chars == 0 && field.required => {
                let message = "minimum string length is 1";
                let violation = Violation::of_field(name, Rule::Empty, message);
                found.add(violation.measured(1, 0));
            }
            Some(max) if chars > max => {
                let message = format!("maximum string length is {max}");
                let violation = Violation::of_field(name, Rule::TooLong, message);
                found.add(violation.measured(max, chars));
            }
            Some(_) | None => {}
        }
    }
}

pub(super) fn check_outcome(draft: &ActionUpdateDraft, found: &mut Violations) {
    if let Some(status) = draft.execution_status.as_deref()
        && !found.has("/execution_status")
        && ActionStatus::from_word(status).is_none()
    {
        let words: Vec<&str> = ActionStatus::ALL.iter().map(|word| word.as_str()).collect();
        let list = words.join("\",\"");
        let message = format!("value is not one of the allowed values [\"{list}\"]");
        found.add(Violation::of_field("execution_status", Rule::Enum, message));
    }
    check_fraction("effectiveness_score", draft.effectiveness_score, found);
    let duration = draft.execution_duration_ms;
    check_number("execution_duration_ms", duration, found);
}

pub(super) fn check_fraction(name: &'static str, given: Option<f64>, found: &mut Violations) {
    if let Some(number) = given.filter(|number| Fraction::nearest(*number).is_none()) {
        found.add(Violation::of_number(name, number < 0.0, 0, 1));
    }
}

pub(super) fn check_number(name: &'static str, given: Option<i64>, found: &mut Violations) {
    let fields = ACTION_TYPED_FIELDS.iter();
    let range = fields
        .filter(|field| field.name == name)
        .find_map(|field| field.range);
    let (Some(given), Some((min, max))) = (given, range) else {
        return;
    };
    let (min, max) = (i64::from(min), i64::from(max));
    if !(min..=max).contains(&given) {
        found.add(Violation::of_integer(name, given, min, max));
    }
}

pub(super) fn check_time(
    given: Option<Timestamp>,
    now: Timestamp,
    limits: &Limits,
    found: &mut Violations,
) {
    let Some(given) = given else { return };
    let ahead = given.duration_since(now);
    let (rule, message) = if ahead > limits.clock_skew_max {
        let skew = go_duration(limits.clock_skew_max);
        (
            Rule::Future,
            format!("timestamp is more than {skew} in the future"),
        )
    } else if now.duration_since(given) > limits.event_age_max {
        let age = go_duration(limits.event_age_max);
        (Rule::TooOld, format!("timestamp is more than {age} old"))
    } else {
        return;
    };
    found.add(Violation::of_field("action_timestamp", rule, message));
}
