//! Every way to fail, as clients see it.

use std::sync::Arc;

use ds_dlq::BacklogError;
use ds_repository::error::Cause;
use http_body_util::BodyExt;
use serde_json::Value;
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

pub(super) fn cause() -> Arc<Cause> {
    Arc::new(Cause::Timeout {
        statement: "secret_statement",
        seconds: 5.0,
    })
}

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Value> {
    let others = [
        Problem::not_a_letter(),
        Problem::overloaded(overloaded(1_000)),
        Problem::no_route(),
        super::workflow::tests::taken(),
        Problem::no_workflow(Uuid::nil()),
        Problem::not_a_workflow(),
    ];
    let problems = [
        super::refusal::tests::samples(),
        super::query::tests::samples(),
        super::notification::tests::samples(),
        super::action::tests::samples(),
        others.into(),
    ];
    let problems = problems.iter().flatten();
    problems.map(|problem| render(problem).2).collect()
}

#[track_caller]
pub(super) fn check(problem: &Problem, status: u16, slug: &str, title: &str, detail: &str) {
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
pub(super) fn check_invalid(problem: &Problem, detail: &str) {
    check(problem, 400, "validation-error", "Validation Error", detail);
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
fn texts_of_clients_are_repeated_only_in_part() {
    let problem = Problem::not_json("x".repeat(100_000).as_bytes());
    assert!(problem.0.detail.len() < 400);
    let document = problem.render(&"/y".repeat(50_000), "r").into_body();
    let size = hyper::body::Body::size_hint(&document).exact().unwrap();
    assert!(size < 1_500, "{size}");
}
