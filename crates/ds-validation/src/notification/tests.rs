//! What is accepted, what is refused, and in which words.

use ds_domain::limit::{DELIVERY_TEXT_FIELDS, NOTIFICATION_TEXT_FIELDS, TextField};
use serde_json::{Value, json};

use super::*;
use crate::SecretMode;

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn sample() -> Value {
    json!({
        "remediation_id": "rr-71",
        "notification_id": "nt-71",
        "recipient": "duty@example.org",
        "channel": "email",
        "message_summary": "disk is full",
        "status": "sent",
        "sent_at": "2026-11-21T10:00:00.123456789Z",
    })
}

fn with(changes: Value) -> Value {
    let mut body = sample();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn read(body: &Value) -> Result<Notification, Rejection> {
    let valid = parse_notification(body.to_string().as_bytes(), now(), &Limits::default());
    valid.map(|valid| valid.notification().clone())
}

/// The codes, pointers and messages of what is wrong.
fn wrong(rejection: Rejection) -> Vec<String> {
    match rejection {
        Rejection::Malformed(error) => vec![error.to_string()],
        Rejection::Invalid(violations) => violations
            .iter()
            .map(|one| format!("{} {} {}", one.rule.as_str(), one.pointer, one.message))
            .collect(),
    }
}

#[track_caller]
fn check_refused(body: &Value, expected: &[&str]) {
    assert_eq!(wrong(read(body).unwrap_err()), expected, "{body}");
}

#[test]
fn a_notification_is_read_with_its_defaults() {
    let read = read(&sample()).unwrap();
    let expected = Notification {
        remediation_id: "rr-71".to_owned(),
        notification_id: "nt-71".to_owned(),
        recipient: "duty@example.org".to_owned(),
        channel: Channel::Email,
        message_summary: "disk is full".to_owned(),
        status: NotificationStatus::Sent,
        sent_at: "2026-11-21T10:00:00.123456Z".parse().unwrap(),
        delivery_status: None,
        error_message: None,
        escalation_level: 0,
    };
    assert_eq!(read, expected);
}

#[test]
fn every_word_is_taken_in_upper_and_lower_case() {
    for channel in Channel::ALL {
        let body = with(json!({ "channel": channel.as_str().to_uppercase() }));
        assert_eq!(read(&body).unwrap().channel, *channel);
    }
    for status in NotificationStatus::ALL {
        let body = with(json!({ "status": status.as_str().to_uppercase() }));
        assert_eq!(read(&body).unwrap().status, *status);
    }
}

#[test]
fn what_the_first_service_answers_can_be_sent_again() {
    let body = with(json!({
        "id": 0, "created_at": "0001-01-01T00:00:00Z", "updated_at": "0001-01-01T00:00:00Z",
        "delivery_status": "", "error_message": null, "escalation_level": 100,
        "sent_at": "2024-01-01T00:00:00+05:30",
    }));
    let read = read(&body).unwrap();
    assert_eq!((read.delivery_status, read.error_message), (None, None));
    assert_eq!(read.escalation_level, 100);
    assert_eq!(read.sent_at, "2023-12-31T18:30:00Z".parse().unwrap());
}

#[test]
fn everything_that_is_missing_is_named() {
    let expected = [
        "required /channel channel is required",
        "required /message_summary message_summary is required",
        "required /notification_id notification_id is required",
        "required /recipient recipient is required",
        "required /remediation_id remediation_id is required",
        "required /sent_at sent_at is required",
        "required /status status is required",
    ];
    check_refused(&json!({}), &expected);
}

#[test]
fn blank_texts_and_no_time_count_as_missing() {
    let blank = json!({
        "remediation_id": "", "notification_id": " \t", "recipient": "\u{a0}", "channel": " ",
        "message_summary": "\n", "status": "", "sent_at": "0001-01-01T00:00:00Z",
    });
    let expected = [
        "empty /channel channel is required",
        "empty /message_summary message_summary is required",
        "empty /notification_id notification_id is required",
        "empty /recipient recipient is required",
        "empty /remediation_id remediation_id is required",
        "empty /sent_at sent_at is required",
        "empty /status status is required",
    ];
    check_refused(&with(blank), &expected);
}

#[test]
fn texts_have_the_bounds_of_their_fields_in_code_points() {
    let check = |field: &TextField, parse: &dyn Fn(Value) -> Vec<String>| {
        let chars_max = field.chars_max.unwrap();
        let changed = |chars| json!({ field.name: "ü".repeat(chars) });
        let over = parse(changed(chars_max + 1));
        let name = field.name;
        let expected = format!(
            "exceeds_max_length /{name} {name} must be at most {chars_max} characters (got {})",
            chars_max + 1
        );
        assert_eq!(over, [expected]);
        // The words of an enum are never that long.
        if !["channel", "status"].contains(&name) {
            assert_eq!(parse(changed(chars_max)), [""; 0], "{name}");
        }
    };
    for field in NOTIFICATION_TEXT_FIELDS {
        check(field, &|changes| {
            read(&with(changes)).map_or_else(wrong, |_| Vec::new())
        });
    }
    for field in DELIVERY_TEXT_FIELDS {
        check(field, &|changes| {
            read_delivery(changes).map_or_else(wrong, |_| Vec::new())
        });
    }
}

#[test]
fn other_words_are_refused_with_the_words_there_are() {
    let body = with(json!({ "channel": "pig\u{1}eon", "status": "Delivered" }));
    let expected = [
        "invalid_enum /channel channel must be one of: email, slack, pagerduty, sms, webhook, teams \
         (got 'pigeon')",
        "invalid_enum /status status must be one of: sent, failed, acknowledged, escalated, pending \
         (got 'Delivered')",
    ];
    check_refused(&body, &expected);
}

#[test]
fn levels_and_times_have_bounds() {
    check_refused(
        &with(json!({ "escalation_level": -1 })),
        &["out_of_range /escalation_level escalation_level must be non-negative (got -1)"],
    );
    check_refused(
        &with(json!({ "escalation_level": 101 })),
        &["out_of_range /escalation_level escalation_level must be at most 100 (got 101)"],
    );
    let Err(Rejection::Invalid(found)) = read(&with(json!({ "escalation_level": -1 }))) else {
        panic!("a level below zero is accepted");
    };
    let measured: Vec<_> = found.iter().map(|one| (one.bound, one.actual)).collect();
    assert_eq!(measured, [(Some(0), Some(-1))]);
    assert!(read(&with(json!({ "sent_at": "2026-11-21T10:05:00Z" }))).is_ok());
    check_refused(
        &with(json!({ "sent_at": "2026-11-21T10:05:00.000001Z" })),
        &[
            "future_timestamp /sent_at sent_at cannot be in the future (beyond 5-minute clock skew \
             tolerance)",
        ],
    );
    check_refused(
        &with(json!({ "sent_at": "0000-01-01T00:00:00+01:00" })),
        &["invalid_time /sent_at invalid time: before the first moment that can be stored"],
    );
    check_refused(
        &with(json!({ "sent_at": "9999-12-31T23:59:59Z" })),
        &[
            "future_timestamp /sent_at sent_at cannot be in the future (beyond 5-minute clock skew \
             tolerance)",
        ],
    );
    let body = with(json!({ "sent_at": "2027-01-01T00:00:00Z" })).to_string();
    assert!(parse_notification(body.as_bytes(), now(), &Limits::widest()).is_ok());
}

#[test]
fn shapes_are_told_once() {
    let body = with(json!({ "recipient": 7, "channel": null, "sent_at": "yesterday" }));
    let expected = [
        "not_nullable /channel Value is not nullable",
        "invalid_type /recipient value must be a string",
        "invalid_format /sent_at string doesn't match the format \"date-time\"",
    ];
    check_refused(&body, &expected);
    check_refused(&json!([1]), &["invalid_type  value must be an object"]);
    check_refused(
        &with(json!({ "recipient": "a\u{0}b" })),
        &["contains_nul /recipient string contains a NUL character"],
    );
    let twice = br#"{"status":"sent","status":"failed"}"#;
    let refused = parse_notification(twice, now(), &Limits::default()).unwrap_err();
    assert!(wrong(refused)[0].starts_with("duplicate_key /status"));
    let open = parse_notification(b"{", now(), &Limits::default()).unwrap_err();
    assert!(matches!(open, Rejection::Malformed(_)));
}

fn read_delivery(changes: Value) -> Result<Delivery, Rejection> {
    let mut body = json!({
        "attempt": 2, "status": "acknowledged", "occurred_at": "2026-11-21T10:00:00Z",
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let valid = parse_delivery(body.to_string().as_bytes(), now(), &Limits::default());
    valid.map(|valid| valid.delivery().clone())
}

#[test]
fn a_delivery_is_read() {
    let read = read_delivery(json!({
        "status": "Failed", "delivery_status": "550", "error_message": "no such user",
        "escalation_level": 3,
    }));
    let expected = Delivery {
        attempt: 2,
        status: NotificationStatus::Failed,
        occurred_at: now(),
        delivery_status: Some("550".to_owned()),
        error_message: Some("no such user".to_owned()),
        escalation_level: Some(3),
    };
    assert_eq!(read.unwrap(), expected);
}

#[test]
fn a_delivery_has_a_number_a_state_and_a_time() {
    let check = |changes, expected: &[&str]| {
        assert_eq!(wrong(read_delivery(changes).unwrap_err()), expected);
    };
    let missing = parse_delivery(b"{}", now(), &Limits::default()).unwrap_err();
    let expected = [
        "required /attempt attempt is required",
        "required /occurred_at occurred_at is required",
        "required /status status is required",
    ];
    assert_eq!(wrong(missing), expected);
    check(
        json!({ "attempt": 0 }),
        &["out_of_range /attempt attempt must be at least 1 (got 0)"],
    );
    let over = "out_of_range /attempt attempt must be at most 2147483647 (got 2147483648)";
    check(json!({ "attempt": 2_147_483_648_u64 }), &[over]);
    check(
        json!({ "attempt": 1.5 }),
        &["invalid_type /attempt value must be an integer"],
    );
}

/// A notification with a secret in each of its free texts.
fn leaky() -> String {
    with(json!({
        "recipient": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
        "message_summary": "db says password=hunter2",
        "delivery_status": "Authorization: Bearer 9944b09199c62bcf9418",
        "error_message": "dial redis://:hunter2@cache:6379",
    }))
    .to_string()
}

#[test]
fn secrets_are_taken_out_of_free_texts() {
    let body = leaky();
    let valid = parse_notification(body.as_bytes(), now(), &Limits::default()).unwrap();
    let notification = valid.notification();
    assert_eq!(
        notification.recipient,
        "https://hooks.slack.com/services/[REDACTED]"
    );
    assert_eq!(notification.message_summary, "db says password=[REDACTED]");
    assert_eq!(
        notification.delivery_status.as_deref(),
        Some("Authorization: Bearer [REDACTED]")
    );
    assert_eq!(
        notification.error_message.as_deref(),
        Some("dial redis://:[REDACTED]@cache:6379")
    );
    let rules: Vec<_> = valid
        .screening()
        .redactions
        .iter()
        .map(|one| one.rule)
        .collect();
    assert_eq!(
        rules,
        [
            "slack-token",
            "password-plain",
            "authorization-header",
            "redis-url"
        ]
    );
    let delivery = json!({
        "attempt": 1, "status": "failed", "occurred_at": now(), "error_message": "token=abc123",
    });
    let delivery =
        parse_delivery(delivery.to_string().as_bytes(), now(), &Limits::default()).unwrap();
    assert_eq!(
        delivery.delivery().error_message.as_deref(),
        Some("token=[REDACTED]")
    );
}

#[test]
fn secrets_can_be_refused_or_kept() {
    let body = leaky();
    let limits = Limits {
        secrets: SecretMode::Reject,
        ..Limits::default()
    };
    let refused = parse_notification(body.as_bytes(), now(), &limits).unwrap_err();
    let refused = wrong(refused);
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|line| line.starts_with("contains_secret ")),
        "{refused:?}"
    );
    let kept = parse_notification(body.as_bytes(), now(), &Limits::widest()).unwrap();
    assert_eq!(
        kept.notification().message_summary,
        "db says password=hunter2"
    );
}
