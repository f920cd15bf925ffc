//! What clients of the first service rely on, word for word.

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::service::{BATCH, EVENTS, Service, event, event_with, now};

#[tokio::test]
async fn a_created_event_is_answered_as_generated_clients_expect() {
    let service = Service::start().await;
    let reply = service
        .post(&event_with(json!({ "event_timestamp": now() })))
        .await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.headers["content-type"], "application/json");
    let answer = reply.json();
    assert_eq!(answer["message"], "Audit event created successfully");
    assert_eq!(answer["status"], "created");
    let timestamp = answer["event_timestamp"].as_str().unwrap();
    assert_eq!(
        (timestamp.len(), &timestamp[19..]),
        (20, "Z"),
        "whole seconds: {timestamp}"
    );
    let id = answer["event_id"].as_str().unwrap();
    assert_eq!((id.len(), id.to_lowercase().as_str()), (36, id));
    let reply = service
        .send(Method::POST, BATCH, json!([event(), event()]).to_string())
        .await;
    assert_eq!(
        reply.json()["message"],
        "2 audit events created successfully"
    );
}

#[tokio::test]
async fn times_outside_the_window_are_refused_in_the_known_words() {
    let service = Service::start().await;
    let hours = jiff::SignedDuration::from_hours;
    for (time, words) in [
        (
            now() + hours(1),
            "invalid timestamp: timestamp is in the future (server time: ",
        ),
        (
            now() - hours(24 * 8),
            "invalid timestamp: timestamp is too old (must be within 7 days, age: 192h0m",
        ),
    ] {
        let reply = service
            .post(&event_with(json!({ "event_timestamp": time })))
            .await;
        let problem = reply.json();
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            problem["type"],
            "https://kubernaut.ai/problems/validation-error"
        );
        assert_eq!(problem["title"], "Validation Error");
        assert!(
            problem["detail"].as_str().unwrap().starts_with(words),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn what_happened_shows_in_the_metrics() {
    let service = Service::start().await;
    let event = event_with(json!({ "event_id": "01931c5e-7f00-7000-8000-000000000007" }));
    for _once_more in 0..3 {
        // What is there already is written no second time, and counted no second time.
        assert_eq!(service.post(&event).await.status, StatusCode::CREATED);
    }
    assert_eq!(
        service.send(Method::POST, EVENTS, "{}").await.status,
        StatusCode::BAD_REQUEST
    );
    service.query("correlation_id=rr-1").await;
    let reply = service.send(Method::GET, "/metrics", "").await;
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    for line in [
        r#"datastorage_audit_traces_total{service="gateway",status="success"} 1"#,
        r#"datastorage_audit_lag_seconds_count{service="gateway"} 1"#,
        r#"datastorage_write_duration_seconds_count{table="audit_events"} 3"#,
        r#"datastorage_validation_failures_total{field="event_type",reason="required"} 1"#,
        r#"datastorage_query_total{operation="list",status="success"} 1"#,
        r#"datastorage_http_requests_total{route="/api/v1/audit/events",method="POST",status="201"} 3"#,
        r#"datastorage_worker_passes_total{worker="partitions",status="success"}"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(
        text.contains("datastorage_partition_horizon_days "),
        "{text}"
    );
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
}
