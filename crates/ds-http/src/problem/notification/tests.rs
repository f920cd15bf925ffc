//! Problems with notifications and deliveries, as clients see them.

use ds_validation::{Limits, parse_notification};
use serde_json::json;

use super::*;
use crate::problem::tests::{cause, check, check_invalid, render};

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Problem> {
    let unavailable = NotificationError::Unavailable(cause());
    vec![
        notification(b"{}"),
        Problem::of_notification(taken(true), Record::Notification),
        Problem::of_notification(taken(false), Record::Delivery),
        Problem::of_notification(unavailable, Record::Notification),
        Problem::no_notification(),
        Problem::not_a_notification(),
    ]
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
