//! One id, one event: retries never double, and never overwrite.

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::service::{BATCH, EVENTS, Service, event_with, now};

const ID: &str = "01931c5e-7f00-7000-8000-000000000042";

#[tokio::test]
async fn a_repeated_event_gets_the_original_answer() {
    let service = Service::start().await;
    let event = event_with(json!({ "event_id": ID, "event_data": { "n": 1.50, "s": "é" } }));
    let first = service.post(&event).await;
    let again = service.post(&event).await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(first.json(), again.json());
    assert_eq!(service.stored().await, 1);
}

#[tokio::test]
async fn an_event_that_is_sent_again_in_another_span_is_the_same_event() {
    let service = Service::start().await;
    let event = event_with(json!({ "event_id": ID })).to_string();
    let mut answers = Vec::new();
    for span in ["00f067aa0ba902b7", "00f067aa0ba902b8"] {
        let header = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01");
        let request = service.request(Method::POST, EVENTS);
        let request = request.header("traceparent", header);
        let request = request.body(event.clone().into()).unwrap();
        answers.push(service.try_exchange(request).await.expect("is answered"));
    }
    assert_eq!(answers[0].status, StatusCode::CREATED);
    assert_eq!(answers[1].status, StatusCode::CREATED);
    assert_eq!(answers[0].json(), answers[1].json());
    let stored = service.query("correlation_id=rr-1").await["data"][0].clone();
    assert_eq!(stored["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(stored["span_id"], "00f067aa0ba902b7");
    assert_eq!(service.stored().await, 1);
}

#[tokio::test]
async fn other_content_under_a_taken_id_is_a_conflict() {
    let service = Service::start().await;
    let event = event_with(json!({ "event_id": ID }));
    assert_eq!(service.post(&event).await.status, StatusCode::CREATED);
    let yesterday = now() - jiff::SignedDuration::from_hours(24);
    for change in [
        json!({ "event_data": { "alert_name": "Other" } }),
        json!({ "event_timestamp": yesterday }),
        json!({ "severity": "" }),
        json!({ "duration_ms": 0 }),
        json!({ "actor_ip": "10.0.0.1" }),
    ] {
        let mut other = event.clone();
        other
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let reply = service.post(&other).await;
        assert_eq!(
            reply.status,
            StatusCode::CONFLICT,
            "{change}: {:?}",
            reply.body
        );
        let batch = json!([event_with(json!({})), other]).to_string();
        let reply = service.send(Method::POST, BATCH, batch).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{change}");
        let pointer = &reply.json()["errors"][0]["pointer"];
        assert_eq!(pointer, "/1/event_id", "the problem names the event");
    }
    assert_eq!(service.stored().await, 1);
}

#[tokio::test]
async fn concurrent_retries_store_one_event() {
    let service = Service::start().await;
    let event = event_with(json!({ "event_id": ID }));
    let yesterday = now() - jiff::SignedDuration::from_hours(24);
    let elsewhere = event_with(json!({ "event_id": ID, "event_timestamp": yesterday }));
    let posts = (0..40).map(|n| service.post(if n % 2 == 0 { &event } else { &elsewhere }));
    let replies = futures_util::future::join_all(posts).await;
    assert_eq!(service.stored().await, 1);
    let created = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CREATED)
        .count();
    let refused = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CONFLICT)
        .count();
    assert_eq!((created, refused), (20, 20));
}
