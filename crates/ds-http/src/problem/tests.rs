//! Every way to fail, as clients see it.

use std::sync::Arc;

use ds_dlq::BacklogError;
use ds_ingest::{ActionError, NotificationError};
use ds_repository::error::{AppendError, Cause};
use ds_validation::{Limits, Rejection, Violation, Violations, parse_event, parse_notification};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::admin::LetterId;

/// The status, the headers and the document of a problem.
pub(super) fn render(problem: &Problem) -> (StatusCode, HeaderMap, Value) {
    let reply = problem.render("/api/v1/audit/events", "req-1");
    let (parts, body) = reply.into_parts();
    let body = futures_util::FutureExt::now_or_never(body.collect())
        .unwrap()
        .unwrap()
        .to_bytes();
    (
        parts.status,
        parts.headers,
        serde_json::from_slice(&body).unwrap(),
    )
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

pub(super) fn cause() -> Arc<Cause> {
    Arc::new(Cause::Timeout {
        statement: "secret_statement",
        seconds: 5.0,
    })
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

fn time_error() -> ParameterError {
    let message = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    ParameterError::in_query("since", Rule::Time, message)
}

fn limit_error() -> ParameterError {
    let message = "number must be at most 1000";
    ParameterError::in_query("limit", Rule::Range, message).measured(1_000, 1_001)
}

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Value> {
    let long = missing("version").measured(1, 0);
    [
        invalid([long, future()], Write::Single),
        Problem::of_record(refused("event_type"), Write::Single),
        Problem::of_record(RecordError::Conflict(vec![(1, Uuid::nil())]), Write::Batch),
        Problem::of_parameters(time_error()),
        Problem::of_parameters(limit_error()),
        Problem::not_a_uuid(),
        Problem::not_a_letter(),
        Problem::overloaded(overloaded(1_000)),
        Problem::no_route(),
        notification(b"{}"),
        Problem::of_notification(taken(true), Record::Notification),
        Problem::of_notification(taken(false), Record::Delivery),
        Problem::of_notification(
            NotificationError::Unavailable(cause()),
            Record::Notification,
        ),
        Problem::no_notification(),
        action(b"[{}]"),
        Problem::of_action(ActionError::Backward),
        Problem::of_action(action_taken(true)),
        rate_error("time_range=x"),
        incident_error("limit=x"),
        Problem::no_incident(7),
        Problem::not_a_notification(),
        super::workflow::tests::taken(),
        Problem::no_workflow(Uuid::nil()),
        Problem::not_a_workflow(),
    ]
    .iter()
    .map(|problem| render(problem).2)
    .collect()
}

/// The problem with the actions in `body`.
fn action(body: &[u8]) -> Problem {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let rejection = ds_validation::parse_actions(body, now, &Limits::default()).unwrap_err();
    Problem::of_action(ActionError::Rejected(rejection))
}

fn action_taken(is_batch: bool) -> ActionError {
    let taken = vec![(3, "act-1".to_owned())];
    ActionError::Taken { taken, is_batch }
}

fn rate_error(query: &'static str) -> Problem {
    use ds_validation::rate::{RateSubject::MultiDimensional, parse_rate_query};
    let pairs = form_urlencoded::parse(query.as_bytes());
    let errors = parse_rate_query(MultiDimensional, pairs).unwrap_err();
    Problem::of_rate_parameters(&errors, MultiDimensional)
}

fn incident_error(query: &'static str) -> Problem {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let errors = ds_validation::incident::parse_incident_query(pairs).unwrap_err();
    Problem::of_incident_parameters(&errors)
}

#[test]
fn problems_with_actions_name_what_is_wrong() {
    let (status, _, problem) = render(&action(b"[{}]"));
    assert_eq!(status, 400);
    let detail = problem["detail"].as_str().unwrap();
    let expected = "request body has an error: doesn't match schema: Error at \"/0/action_id\": \
                    property \"action_id\" is missing | ";
    assert!(detail.starts_with(expected), "{detail}");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 7);
    let (status, _, problem) = render(&Problem::of_action(action_taken(true)));
    assert_eq!(status, 409);
    assert_eq!(problem["errors"][0]["pointer"], "/3/action_id");
    let (_, _, problem) = render(&Problem::of_action(action_taken(false)));
    assert_eq!(problem["errors"][0]["pointer"], "/action_id");
    let (status, _, problem) = render(&Problem::of_action(ActionError::Backward));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (409, &json!("Resource Conflict"))
    );
    let away = Problem::of_action(ActionError::Unavailable(cause()));
    let (status, headers, problem) = render(&away);
    assert_eq!(status, 503);
    assert_eq!(headers["retry-after"], "5");
    assert!(!problem.to_string().contains("secret_statement"));
    let (status, _, problem) = render(&Problem::of_action(ActionError::Internal(cause())));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (500, &json!("Database Error"))
    );
}

#[test]
fn problems_with_rates_and_incidents_have_the_names_of_the_contract() {
    let (status, _, problem) = render(&rate_error("time_range=x&min_samples=0"));
    assert_eq!(status, 400);
    assert_eq!(problem["title"], "Invalid Query Parameter");
    let first = "at least one dimension filter (incident_type, workflow_id, or action_type) must be \
                 specified";
    assert_eq!(problem["detail"], first);
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    let (_, _, problem) = render(&incident_error("offset=x"));
    assert_eq!(
        problem["type"],
        "https://kubernaut.ai/problems/invalid-offset"
    );
    assert_eq!(
        (&problem["title"], &problem["detail"]),
        (&json!("Invalid Offset"), &json!("offset must be a number"))
    );
    let (status, _, problem) = render(&Problem::no_incident(7));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (404, &json!("Incident Not Found"))
    );
    assert_eq!(problem["detail"], "incident with ID 7 not found");
    let internal = |error: fn(StoreError) -> Problem| {
        let (status, _, problem) = render(&error(StoreError::Internal(cause())));
        assert_eq!(status, 500);
        assert!(!problem.to_string().contains("secret_statement"));
        problem["type"].as_str().unwrap().to_owned()
    };
    assert!(internal(Problem::of_rate).ends_with("/internal-error"));
    assert!(internal(Problem::of_incidents).ends_with("/database-error"));
}

/// The problem with the notification in `body`.
fn notification(body: &[u8]) -> Problem {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let rejection = parse_notification(body, now, &Limits::default()).unwrap_err();
    Problem::of_notification(NotificationError::Rejected(rejection), Record::Notification)
}

fn taken(is_identical: bool) -> NotificationError {
    NotificationError::Taken {
        name: "nt-1".to_owned(),
        is_identical,
    }
}

#[test]
fn a_bad_notification_is_reported_as_the_first_contract_does() {
    let problem = notification(br#"{"status":"lost","escalation_level":101}"#);
    let level = "escalation_level must be at most 100 (got 101)";
    check_invalid(
        &problem,
        &format!("Validation failed for notification_audit: escalation_level - {level}"),
    );
    let document = render(&problem).2;
    assert_eq!(document["instance"], "/audit/notification_audit");
    assert_eq!(document["resource"], "notification_audit");
    let fields = document["field_errors"].as_object().unwrap();
    assert_eq!(fields.len(), 8);
    assert_eq!(fields["escalation_level"], level);
    assert_eq!(fields["recipient"], "recipient is required");
    let words = "sent, failed, acknowledged, escalated, pending";
    assert_eq!(
        fields["status"],
        format!("status must be one of: {words} (got 'lost')")
    );
    assert_eq!(document["errors"].as_array().unwrap().len(), 8);
    assert_eq!(document["errors"][0]["pointer"], "/escalation_level");
    assert!(
        problem
            .0
            .failures
            .contains(&(("status", "invalid_enum"), 1))
    );

    let problem = notification(b"{");
    let text = "invalid JSON: unexpected end of input at line 1 column 2";
    check_invalid(
        &problem,
        &format!("Validation failed for notification_audit: body - {text}"),
    );
    let document = render(&problem).2;
    assert_eq!(document["field_errors"], json!({ "body": text }));
    assert_eq!(
        document["errors"],
        json!([{ "pointer": "", "rule": "invalid_json", "message": text }])
    );
}

#[test]
fn a_name_that_is_taken_is_told_and_whether_it_is_the_same_record() {
    for (is_identical, record, resource, field) in [
        (
            true,
            Record::Notification,
            "notification_audit",
            "notification_id",
        ),
        (
            false,
            Record::Delivery,
            "notification_deliveries",
            "attempt",
        ),
    ] {
        let problem = Problem::of_notification(taken(is_identical), record);
        let detail = format!("Resource {resource} with {field}='nt-1' already exists");
        check(&problem, 409, "conflict", "Resource Conflict", &detail);
        let document = render(&problem).2;
        assert_eq!(document["instance"], format!("/audit/{resource}"));
        assert_eq!(document["resource"], resource);
        assert_eq!(document["field"], field);
        assert_eq!(document["value"], "nt-1");
        assert_eq!(document["identical"], is_identical);
    }
}

#[test]
fn a_notification_that_nobody_takes_is_to_be_sent_again() {
    let unavailable = NotificationError::Unavailable(cause());
    let problem = Problem::of_notification(unavailable, Record::Notification);
    check(
        &problem,
        503,
        "service-unavailable",
        "Service Unavailable",
        "database and DLQ both unavailable - please retry",
    );
    let (_, headers, document) = render(&problem);
    assert_eq!(document["retry"], true);
    assert_eq!(headers["retry-after"], "5");
    let internal = NotificationError::Internal(cause());
    let problem = Problem::of_notification(internal, Record::Notification);
    let detail = "Failed to write notification to database";
    check(&problem, 500, "database-error", "Database Error", detail);
}

#[track_caller]
fn check(problem: &Problem, status: u16, slug: &str, title: &str, detail: &str) {
    let (given, headers, document) = render(problem);
    assert_eq!(given.as_u16(), status);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(
        document["type"],
        format!("https://kubernaut.ai/problems/{slug}")
    );
    assert_eq!(document["title"], title);
    assert_eq!(document["status"], status);
    assert_eq!(document["detail"], detail);
    assert_eq!(document["request_id"], "req-1");
    assert!(
        !document.to_string().contains("secret_statement"),
        "{document}"
    );
}

#[track_caller]
fn check_invalid(problem: &Problem, detail: &str) {
    check(problem, 400, "validation-error", "Validation Error", detail);
}

const SCHEMA: &str =
    "request body has an error: doesn't match schema #/components/schemas/AuditEventRequest: ";
const BATCH_SCHEMA: &str = "request body has an error: doesn't match schema: ";

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

#[test]
fn a_store_that_is_away_says_when_to_come_again() {
    let detail = "the audit store is temporarily unavailable, try again later";
    for problem in [
        Problem::of_record(RecordError::Unavailable(cause()), Write::Single),
        Problem::of_record(RecordError::Unavailable(cause()), Write::Batch),
        Problem::of_query(StoreError::Unavailable(cause())),
    ] {
        check(
            &problem,
            503,
            "service-unavailable",
            "Service Unavailable",
            detail,
        );
        assert_eq!(render(&problem).1["retry-after"], "5");
    }
}

fn overloaded(millis: u64) -> Overloaded {
    Overloaded {
        retry_after: Duration::from_millis(millis),
    }
}

#[test]
fn overload_says_when_to_come_again_and_is_no_line_in_the_log() {
    let detail = "the service has more writes in hand than it can take, try again later";
    for (millis, seconds) in [(1_000, "1"), (1_001, "2"), (30_000, "30")] {
        let error = RecordError::Overloaded(overloaded(millis));
        let problem = Problem::of_record(error, Write::Batch);
        check(&problem, 503, "overloaded", "Service Overloaded", detail);
        assert_eq!(render(&problem).1["retry-after"], seconds);
        assert!(problem.cause().is_none());
    }
}

#[test]
fn nothing_is_promised_to_come_back_when_waiting_does_not_help() {
    let problem = Problem::of_record(RecordError::Internal(cause()), Write::Single);
    assert!(!render(&problem).1.contains_key("retry-after"));
    assert!(!render(&Problem::no_route()).1.contains_key("retry-after"));
}

#[test]
fn what_operators_are_refused_has_a_reason() {
    let id = LetterId::parse("spool:17").unwrap();
    let problem = Problem::no_letter(&id);
    let detail = "dead letter spool:17 does not exist";
    check(&problem, 404, "not-found", "Not Found", detail);
    check(
        &Problem::forbidden("no"),
        403,
        "forbidden",
        "Forbidden",
        "no",
    );
    for problem in [
        Problem::of_backlog(BacklogError(cause())),
        Problem::unaudited(cause()),
    ] {
        let (status, headers, document) = render(&problem);
        assert_eq!(
            (status.as_u16(), &headers["retry-after"]),
            (503, &"5".parse().unwrap())
        );
        assert!(!document.to_string().contains("secret_statement"));
        assert!(problem.cause().is_some(), "the operator is told");
    }
}

#[test]
fn a_store_that_fails_is_reported_by_operation() {
    let (underscore, hyphen, title) = ("database_error", "database-error", "Database Error");
    let problem = Problem::of_record(RecordError::Internal(cause()), Write::Single);
    check(
        &problem,
        500,
        underscore,
        title,
        "Failed to write audit event to database",
    );
    let problem = Problem::of_record(RecordError::Internal(cause()), Write::Batch);
    check(
        &problem,
        500,
        hyphen,
        title,
        "Failed to write audit events batch to database",
    );
    let problem = Problem::of_query(StoreError::Internal(cause()));
    check(
        &problem,
        500,
        hyphen,
        title,
        "Failed to query audit events from database",
    );
}

#[test]
fn a_parameter_out_of_bounds_is_named() {
    let text = r#"parameter "limit" in query has an error: number must be at most 1000"#;
    let problem = Problem::of_parameters(limit_error());
    check_invalid(&problem, text);
    let error = json!({
        "parameter": "limit", "rule": "out_of_range", "message": "number must be at most 1000",
        "bound": 1_000, "actual": 1_001,
    });
    assert_eq!(render(&problem).2["errors"], json!([error]));
    assert_eq!(problem.0.failures, [(("limit", "out_of_range"), 1)]);
    let mut several = ParameterErrors::from(time_error());
    several.add(limit_error());
    several.add(ParameterError::in_query("limit", Rule::Type, "no"));
    check_invalid(
        &Problem::of_parameters(several),
        &format!("{text} (and 2 more errors)"),
    );
}

#[test]
fn every_way_to_ask_wrongly_has_its_rule() {
    let check = |problem: &Problem, parameter: &str, rule: &str| {
        let document = render(problem).2;
        let error = &document["errors"][0];
        assert_eq!(document["errors"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&error["parameter"], &error["rule"]),
            (&json!(parameter), &json!(rule))
        );
    };
    check(&Problem::of_cursor(), "cursor", "invalid_cursor");
    check(
        &Problem::no_stream_from("offset"),
        "offset",
        "mutually_exclusive",
    );
    check(&Problem::not_a_uuid(), "event_id", "invalid_format");
    check(
        &Problem::of_parameters(time_error()),
        "since",
        "invalid_time",
    );
    check(&incident_error("limit=x"), "limit", "invalid_type");
    check(&incident_error("severity=x"), "severity", "invalid_enum");
    check(
        &rate_error("action_type=a&time_range=x"),
        "time_range",
        "invalid_format",
    );
}

#[test]
fn a_time_that_cannot_be_read_is_reported_as_the_first_contract_does() {
    let problem = Problem::of_parameters(time_error());
    let text = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    check_invalid(
        &problem,
        &format!("Validation failed for query parameters: query - {text}"),
    );
    let document = render(&problem).2;
    assert_eq!(document["instance"], "/audit/query parameters");
    assert_eq!(document["resource"], "query parameters");
    assert_eq!(document["field_errors"], json!({"query": text}));
}

#[test]
fn texts_of_clients_are_repeated_only_in_part() {
    let problem = Problem::not_json("x".repeat(100_000).as_bytes());
    assert!(problem.0.detail.len() < 400);
    let document = problem.render(&"/y".repeat(50_000), "r").into_body();
    let size = hyper::body::Body::size_hint(&document).exact().unwrap();
    assert!(size < 1_500, "{size}");
}
