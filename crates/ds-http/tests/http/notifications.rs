//! Notifications on their way into the store.

use ds_ingest::testing::Mood;

use crate::server::{Server, Setup, metric};

const NOTIFICATIONS: &str = "/api/v1/audit/notifications";

/// A name that has to be encoded in a path, and the path of its deliveries.
const NAME: &str = "nt/1 ü?#%";
const DELIVERIES: &str = "/api/v1/audit/notifications/nt%2F1%20%C3%BC%3F%23%25/deliveries";

fn notification(recipient: &str) -> String {
    format!(
        r#"{{"remediation_id":"rr-1","notification_id":"{NAME}","recipient":"{recipient}",
            "channel":"Slack","message_summary":"m","status":"sent",
            "sent_at":"2026-11-21T12:00:00.5Z"}}"#
    )
}

const DELIVERY: &str = r#"{"attempt":1,"status":"failed","occurred_at":"2026-11-21T12:00:00Z",
    "error_message":"no such user"}"#;

#[tokio::test]
async fn a_stored_notification_is_answered_with_its_record() {
    let server = Server::start(Setup::default()).await;
    let answer = server
        .client()
        .await
        .post(NOTIFICATIONS, &notification("ann"))
        .await;
    let expected = concat!(
        r#"{"id":1,"remediation_id":"rr-1","notification_id":"nt/1 ü?#%","recipient":"ann","#,
        r#""channel":"slack","message_summary":"m","status":"sent","#,
        r#""sent_at":"2026-11-21T12:00:00.5Z","escalation_level":0,"#,
        r#""created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00Z"}"#,
    );
    assert_eq!((answer.status, answer.body.as_str()), (201, expected));
}

#[tokio::test]
async fn a_name_that_is_taken_is_answered_409_with_whether_it_is_the_same_record() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    assert_eq!(
        client
            .post(NOTIFICATIONS, &notification("ann"))
            .await
            .status,
        201
    );
    for (recipient, identical) in [("ann", true), ("bob", false)] {
        let again = client.post(NOTIFICATIONS, &notification(recipient)).await;
        let document = again.problem(409, "conflict");
        assert_eq!(document["identical"], identical);
        assert_eq!(document["value"], NAME);
    }
}

#[tokio::test]
async fn a_bad_notification_is_refused_and_its_fields_are_named_and_counted() {
    let server = Server::start(Setup::default()).await;
    let series = r#"datastorage_validation_failures_total{field="channel",reason="invalid_enum"} "#;
    let before = metric(series);
    let bad = notification(" ").replace("Slack", "pigeon");
    let answer = server.client().await.post(NOTIFICATIONS, &bad).await;
    let document = answer.problem(400, "validation-error");
    let fields = document["field_errors"].as_object().unwrap();
    assert_eq!(fields.len(), 2);
    assert_eq!(fields["recipient"], "recipient is required");
    assert!(metric(series) > before);
}

#[tokio::test]
async fn without_the_store_a_notification_waits_and_without_a_place_it_is_to_be_sent_again() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        notification_queue: Some(1),
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let answer = client.post(NOTIFICATIONS, &notification("ann")).await;
    let expected = concat!(
        r#"{"notification_id":"nt/1 ü?#%","message":"audit record queued for processing","#,
        r#""status":"accepted"}"#,
    );
    assert_eq!((answer.status, answer.body.as_str()), (202, expected));
    assert_eq!(server.notification_queue().len(), 1);
    let answer = client.post(NOTIFICATIONS, &notification("ann")).await;
    let document = answer.problem(503, "service-unavailable");
    assert_eq!(document["retry"], true);
    assert_eq!(
        document["detail"],
        "database and DLQ both unavailable - please retry"
    );
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn a_delivery_is_stored_once_under_a_name_in_the_path() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    client
        .post(DELIVERIES, DELIVERY)
        .await
        .problem(404, "not-found");
    client.post(NOTIFICATIONS, &notification("ann")).await;
    let first = client.post(DELIVERIES, DELIVERY).await;
    let expected = concat!(
        r#"{"attempt":1,"status":"failed","occurred_at":"2026-11-21T12:00:00Z","#,
        r#""error_message":"no such user","recorded_at":"1970-01-01T00:00:00Z"}"#,
    );
    assert_eq!((first.status, first.body.as_str()), (201, expected));
    let again = client.post(DELIVERIES, DELIVERY).await;
    assert_eq!((again.status, again.body.as_str()), (201, expected));
    let other = DELIVERY.replace("failed", "sent");
    let document = client
        .post(DELIVERIES, &other)
        .await
        .problem(409, "conflict");
    assert_eq!(document["field"], "attempt");
    assert_eq!(document["identical"], false);
    let document = client
        .post(DELIVERIES, "{}")
        .await
        .problem(400, "validation-error");
    assert_eq!(document["resource"], "notification_deliveries");
}

#[tokio::test]
async fn a_name_that_is_no_text_is_refused() {
    let server = Server::start(Setup::default()).await;
    for name in ["%FF", "a%00b"] {
        let line = format!("GET {NOTIFICATIONS}/{name}");
        let answer = server.client().await.ask(&line, "").await;
        let document = answer.problem(400, "validation-error");
        assert_eq!(document["errors"][0]["parameter"], "notification_id");
    }
}
