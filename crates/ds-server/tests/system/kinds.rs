//! Events that are not like others of their type, as the process is set to take them.

use std::sync::Arc;

use ds_testkit::TestDatabase;
use hyper::Method;
use serde_json::json;

use crate::{
    program::Program,
    service::{BATCH, Service, event_with},
};

/// The service, set to `mode`.
async fn service(mode: &str) -> Service {
    let database = Arc::new(TestDatabase::create().await);
    let program = Program::on(&database, &[]).with("DS_VALIDATION__EVENT_KINDS", mode);
    Service::of(program, &database).await
}

fn odd() -> serde_json::Value {
    event_with(json!({
        "event_type": "gateway.error.occurred",
        "event_action": "error_occurred",
        "event_data": {"error_type": "a", "error_message": "b", "retry_count": "two"},
    }))
}

const WARNINGS: &str = "x-validation-warnings";

#[tokio::test]
async fn by_default_they_are_stored_and_told() {
    let service = Service::start().await;
    let reply = service.post(&odd()).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    let told = concat!(
        "payload_member_type;at=\"/event_data/retry_count\", ",
        "payload_member_missing;at=\"/event_data/will_retry\"",
    );
    assert_eq!(reply.headers[WARNINGS], told);
    let series = "datastorage_event_kind_findings_total\
                  {event_type=\"gateway.error.occurred\",rule=\"payload_member_type\"}";
    assert_eq!(service.metric(series).await, Some(1.0));
    let stored = service.query("event_type=gateway.error.occurred").await;
    assert_eq!(stored["data"][0]["event_data"], odd()["event_data"]);
}

#[tokio::test]
async fn enforcing_refuses_them_and_what_they_came_with() {
    let service = service("enforce").await;
    let batch = json!([event_with(json!({"event_type": "of.our.own"})), odd()]).to_string();
    let reply = service.send(Method::POST, BATCH, batch).await;
    assert_eq!(reply.status, 400);
    let problem = reply.json();
    let errors: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["pointer"].as_str().unwrap(),
                error["rule"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("/1/event_data/retry_count", "payload_member_type"),
        ("/1/event_data/will_retry", "payload_member_missing"),
    ];
    assert_eq!(errors, expected);
    let series = "datastorage_validation_failures_total{field=\"event_data\",reason=\"payload_member_type\"}";
    assert_eq!(service.metric(series).await, Some(1.0));
    let unknown = event_with(json!({"event_type": "of.our.own"}));
    assert_eq!(service.post(&unknown).await.status, 201);
    assert_eq!(service.stored().await, 1);
}

#[tokio::test]
async fn off_they_are_events_like_any_other() {
    let service = service("off").await;
    let reply = service.post(&odd()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.headers.get(WARNINGS)),
        (201, None)
    );
}
