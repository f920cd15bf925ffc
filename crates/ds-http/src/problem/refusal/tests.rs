//! Events that are refused, as clients see it.

use std::sync::Arc;

use ds_ingest::RecordError;
use ds_repository::error::AppendError;
use ds_validation::{Limits, parse_event};
use serde_json::json;

use super::*;
use crate::problem::tests::{cause, check, check_invalid, render};

const SCHEMA: &str =
    "request body has an error: doesn't match schema #/components/schemas/AuditEventRequest: ";
const BATCH_SCHEMA: &str = "request body has an error: doesn't match schema: ";

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Problem> {
    let long = missing("version").measured(1, 0);
    vec![
        invalid([long, future()], Write::Single),
        Problem::of_record(refused("event_type"), Write::Single),
        Problem::of_record(RecordError::Conflict(vec![(1, Uuid::nil())]), Write::Batch),
    ]
}

fn violations(all: impl IntoIterator<Item = Violation>) -> Violations {
    let mut violations = Violations::default();
    all.into_iter()
        .for_each(|violation| violations.add(violation));
    violations
}

fn invalid(all: impl IntoIterator<Item = Violation>, write: Write) -> Problem {
    let rejection = Rejection::Invalid(violations(all));
    Problem::of_record(RecordError::Rejected(rejection), write)
}

fn missing(field: &'static str) -> Violation {
    Violation::of_field(
        field,
        Rule::Required,
        format!("property \"{field}\" is missing"),
    )
}

fn future() -> Violation {
    let message = "invalid timestamp: timestamp is in the future (server time: a, event time: b)";
    Violation::of_field("event_timestamp", Rule::Future, message)
}

fn refused(column: &str) -> RecordError {
    let column = Some(column.to_owned());
    let error = AppendError::Refused {
        column: column.clone(),
        cause: cause(),
    };
    let cause = Arc::new(error);
    RecordError::Refused { column, cause }
}

#[test]
fn broken_rules_are_listed_in_the_words_of_the_first_contract() {
    let long = Violation::of_field("event_type", Rule::TooLong, "maximum string length is 100");
    let problem = invalid([long.measured(100, 101), missing("version")], Write::Single);
    let list = r#"Error at "/event_type": maximum string length is 100 | Error at "/version": property "version" is missing"#;
    check_invalid(&problem, &format!("{SCHEMA}{list}"));
    let errors = json!([
        {"pointer": "/event_type", "rule": "exceeds_max_length",
         "message": "maximum string length is 100", "bound": 100, "actual": 101},
        {"pointer": "/version", "rule": "required", "message": "property \"version\" is missing"},
    ]);
    let document = render(&problem).2;
    assert_eq!(document["errors"], errors);
    assert_eq!(document["instance"], "/api/v1/audit/events");
}

#[test]
fn violations_of_a_batch_say_where() {
    let problem = invalid([missing("version").in_event(3)], Write::Batch);
    let list = r#"Error at "/3/version": property "version" is missing"#;
    check_invalid(&problem, &format!("{BATCH_SCHEMA}{list}"));
    let whole = Violation::at(String::new(), "body", Rule::Type, "value must be an array");
    check_invalid(
        &invalid([whole], Write::Batch),
        &format!("{BATCH_SCHEMA}value must be an array"),
    );
    let empty = Violation::at(
        String::new(),
        "body",
        Rule::EmptyBatch,
        "batch cannot be empty",
    );
    check_invalid(&invalid([empty], Write::Batch), "batch cannot be empty");
}

#[test]
fn a_time_out_of_bounds_alone_has_its_own_words() {
    let text = future().message;
    check_invalid(&invalid([future()], Write::Single), &text);
    let problem = invalid([future().in_event(2), future().in_event(5)], Write::Batch);
    check_invalid(&problem, &format!("event at index 2: {text}"));
}

#[test]
fn a_payload_that_is_no_object_alone_has_its_own_type() {
    let violation = || {
        Violation::of_field(
            "event_data",
            Rule::Type,
            "value must be an object".to_owned(),
        )
    };
    let (slug, title) = ("invalid_event_data", "Invalid Event Data");
    let text = "failed to unmarshal event_data: value must be an object";
    check(
        &invalid([violation()], Write::Single),
        400,
        slug,
        title,
        text,
    );
    let text = format!("event at index 0: {text}");
    check(
        &invalid([violation().in_event(0)], Write::Batch),
        400,
        slug,
        title,
        &text,
    );
}

#[test]
fn a_thousand_violations_are_cut_in_the_text_and_complete_in_the_list() {
    let all = (0..2_000).map(|index| missing("version").in_event(index));
    let (_, _, document) = render(&invalid(all, Write::Batch));
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.len() < 5_000, "{}", detail.len());
    assert!(detail.ends_with(" more errors)"), "{detail}");
    assert_eq!(document["errors"].as_array().unwrap().len(), 2_000);
}

#[test]
fn broken_rules_are_counted_by_field_and_rule() {
    let all = [
        missing("version").in_event(0),
        missing("version").in_event(1),
        future(),
    ];
    let problem = invalid(all, Write::Batch);
    let counted = [
        (("version", "required"), 2),
        (("event_timestamp", "future_timestamp"), 1),
    ];
    assert_eq!(problem.0.failures, counted);
}

#[test]
fn a_body_that_is_no_json_is_told_where_it_breaks() {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let rejection = parse_event(b"{\"a\":x}", now, &Limits::default()).unwrap_err();
    let error = RecordError::Rejected(rejection);
    let detail = "request body has an error: failed to decode request body: \
                  unexpected character at line 1 column 6";
    check_invalid(&Problem::of_record(error, Write::Single), detail);
}

#[test]
fn a_parent_that_is_not_stored_is_named() {
    let violation = || {
        let message = "parent event does not exist";
        Violation::of_field("parent_event_id", Rule::ParentNotFound, message)
    };
    let error = RecordError::ParentNotFound(violation().into());
    check_invalid(
        &Problem::of_record(error, Write::Single),
        "parent event does not exist",
    );
    let error = RecordError::ParentNotFound(violation().in_event(4).into());
    let detail = "event at index 4: parent event does not exist";
    check_invalid(&Problem::of_record(error, Write::Batch), detail);
}

#[test]
fn a_taken_id_is_a_conflict() {
    let id = Uuid::nil();
    let text = format!("audit event {id} is already stored with other content");
    let conflict = || RecordError::Conflict(vec![(0, id)]);
    let problem = Problem::of_record(conflict(), Write::Single);
    check(&problem, 409, "conflict", "Resource Conflict", &text);
    assert_eq!(render(&problem).2["errors"][0]["pointer"], "/event_id");
    let problem = Problem::of_record(conflict(), Write::Batch);
    let detail = format!("event at index 0: {text}");
    check(&problem, 409, "conflict", "Resource Conflict", &detail);
    assert_eq!(render(&problem).2["errors"][0]["pointer"], "/0/event_id");
}

#[test]
fn a_row_that_the_store_refuses_is_the_senders_fault_and_names_the_field() {
    let problem = Problem::of_record(refused("event_version"), Write::Single);
    check_invalid(
        &problem,
        &format!("{SCHEMA}Error at \"/version\": value is refused by the store"),
    );
    let problem = Problem::of_record(refused("some_constraint"), Write::Batch);
    check_invalid(
        &problem,
        &format!("{BATCH_SCHEMA}value is refused by the store"),
    );
    assert!(problem.cause().is_some(), "the operator is told");
}
