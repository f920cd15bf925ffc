//! The texts of refused requests, in the words that clients of the first contract know.

use ds_domain::limit::EVENT_TEXT_FIELDS;
use ds_validation::{Rejection, Rule, Violation, Violations};
use http::StatusCode;
use uuid::Uuid;

use super::{Fault, Problem, Write};

/// Longest list of violations in a `detail`. The member `errors` is never cut.
const DETAIL_BYTES_MAX: usize = 4_096;

/// Members of which the schema of the first contract says no more than that they are strings, and which
/// become something else when they are decoded.
const DECODED_MEMBERS: [&str; 4] = [
    "event_id",
    "parent_event_id",
    "parent_event_date",
    "actor_ip",
];

/// A body that is no JSON, or breaks rules.
pub(super) fn of_rejection(rejection: Rejection, write: Write) -> Problem {
    match rejection {
        Rejection::Malformed(error) => {
            let message = format!("failed to decode request body: {error}");
            Problem::bad_body("invalid_json", message)
        }
        Rejection::Invalid(violations) => of_violations(&violations, write),
    }
}

/// Parents that are not stored.
pub(super) fn of_parents(missing: &Violations, write: Write) -> Problem {
    let detail = match missing.iter().next() {
        Some(first) => at_event(first, write, &first.message),
        None => "parent event does not exist".to_owned(),
    };
    listing(Problem::invalid(detail), missing)
}

/// Ids that other events have.
pub(super) fn of_conflict(taken: &[(usize, Uuid)], write: Write) -> Problem {
    let message = |id: &Uuid| format!("audit event {id} is already stored with other content");
    let detail = match (taken.first(), write) {
        (Some((_, id)), Write::Single) => message(id),
        (Some((position, id)), Write::Batch) => {
            format!("event at index {position}: {}", message(id))
        }
        (None, Write::Single | Write::Batch) => "event ids are taken by other events".to_owned(),
    };
    let title = "Resource Conflict";
    let mut problem = Problem::new(StatusCode::CONFLICT, "conflict", title, detail);
    problem
        .0
        .errors
        .extend(taken.iter().map(|(position, id)| Fault {
            pointer: Some(match write {
                Write::Single => "/event_id".to_owned(),
                Write::Batch => format!("/{position}/event_id"),
            }),
            rule: "conflict",
            message: message(id),
            ..Fault::default()
        }));
    problem
}

/// A row that the table refuses although it passed every rule: the rules and the table differ.
pub(super) fn of_row(column: Option<String>, write: Write) -> Problem {
    let message = "value is refused by the store";
    let field = column.as_deref().and_then(field_of_column);
    let problem = match (field, write) {
        (Some(field), Write::Single) => {
            Problem::invalid(format!("{}Error at \"/{field}\": {message}", schema(write)))
        }
        // The store does not say which row of a batch it means.
        (Some(field), Write::Batch) => {
            Problem::invalid(format!("{}Error at \"{field}\": {message}", schema(write)))
        }
        (None, Write::Single | Write::Batch) => {
            Problem::invalid(format!("{}{message}", schema(write)))
        }
    };
    let mut problem = problem.counting(field.unwrap_or("body"), "refused_by_store", 1);
    problem.0.errors.push(Fault {
        pointer: match (field, write) {
            (Some(field), Write::Single) => Some(format!("/{field}")),
            (Some(_) | None, Write::Single | Write::Batch) => None,
        },
        rule: "refused_by_store",
        message: match field {
            Some(field) => format!("{field}: {message}"),
            None => message.to_owned(),
        },
        ..Fault::default()
    });
    problem
}

fn of_violations(violations: &Violations, write: Write) -> Problem {
    let first = violations.iter().next();
    let all = |rule: fn(&Violation) -> bool| violations.iter().all(rule);
    let problem = match first {
        Some(first) if all(is_timestamp_bound) => {
            Problem::invalid(at_event(first, write, &first.message))
        }
        Some(first) if all(is_payload_type) => {
            let text = format!("failed to unmarshal event_data: {}", first.message);
            let (slug, title) = ("invalid_event_data", "Invalid Event Data");
            Problem::new(
                StatusCode::BAD_REQUEST,
                slug,
                title,
                at_event(first, write, &text),
            )
        }
        Some(first) if all(is_undecodable) => {
            let text = format!("{}: {}", first.field, first.message);
            let (slug, title) = ("invalid_request", "Invalid Request");
            let detail = at_event(first, write, &text);
            Problem::new(StatusCode::BAD_REQUEST, slug, title, detail)
        }
        Some(first) if first.rule == Rule::EmptyBatch => Problem::invalid(first.message.clone()),
        Some(_) | None => Problem::invalid(mismatch(schema(write), violations)),
    };
    listing(problem, violations)
}

fn is_timestamp_bound(violation: &Violation) -> bool {
    matches!(violation.rule, Rule::Future | Rule::TooOld)
}

/// Whether the payload is of another type than object.
fn is_payload_type(violation: &Violation) -> bool {
    violation.rule == Rule::Type && violation.pointer.ends_with("/event_data")
}

/// Whether the value has the form that the schema of the first contract asks for, so that it failed
/// only when it was decoded.
fn is_undecodable(violation: &Violation) -> bool {
    let is_decoded = DECODED_MEMBERS.contains(&violation.field);
    violation.rule == Rule::Time || (violation.rule == Rule::Format && is_decoded)
}

/// `text`, which is about the event that `violation` was found in.
fn at_event(violation: &Violation, write: Write, text: &str) -> String {
    let index = violation.pointer.split('/').nth(1);
    match (write, index) {
        (Write::Batch, Some(index)) => format!("event at index {index}: {text}"),
        (Write::Batch, None) | (Write::Single, _) => text.to_owned(),
    }
}

/// What the list of violations begins with; the schema of a batch has no name.
fn schema(write: Write) -> &'static str {
    match write {
        Write::Single => {
            "request body has an error: doesn't match schema #/components/schemas/AuditEventRequest: "
        }
        Write::Batch => "request body has an error: doesn't match schema: ",
    }
}

/// The violations, in a list behind `beginning`.
pub(super) fn mismatch(beginning: &str, violations: &Violations) -> String {
    let mut detail = beginning.to_owned();
    for (index, violation) in violations.iter().enumerate() {
        if detail.len() > DETAIL_BYTES_MAX {
            detail.push_str(&format!(" (and {} more errors)", violations.len() - index));
            break;
        }
        if index > 0 {
            detail.push_str(" | ");
        }
        if !violation.pointer.is_empty() {
            detail.push_str(&format!(
                "Error at \"{}\": ",
                super::echo(&violation.pointer)
            ));
        }
        detail.push_str(&violation.message);
    }
    detail
}

/// Adds every violation to `errors` and to the metrics.
pub(super) fn listing(mut problem: Problem, violations: &Violations) -> Problem {
    for violation in violations {
        problem = problem.counting(violation.field, violation.rule.as_str(), 1);
        problem.0.errors.push(Fault {
            pointer: Some(violation.pointer.clone()),
            parameter: None,
            rule: violation.rule.as_str(),
            message: violation.message.clone(),
            bound: violation.bound,
            actual: violation.actual,
        });
    }
    problem
}

/// The member of the API that `column` holds.
fn field_of_column(column: &str) -> Option<&'static str> {
    EVENT_TEXT_FIELDS
        .iter()
        .find(|field| field.column == column)
        .map(|field| field.name)
}

#[cfg(test)]
pub(super) mod tests;
