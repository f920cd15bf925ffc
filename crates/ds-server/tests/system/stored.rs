//! What is stored is what was sent.

use hyper::{Method, StatusCode};
use serde_json::{Value, json, value::RawValue};

use crate::service::{BATCH, EVENTS, Service, event, event_with, now};

/// The member `name` of the first event of a query's answer, as text.
fn raw_member(body: &[u8], name: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Vec<std::collections::HashMap<String, &'a RawValue>>,
    }
    let answer: Answer<'_> = serde_json::from_slice(body).unwrap();
    answer.data[0][name].get().to_owned()
}

#[tokio::test]
async fn every_member_is_written_and_returned() {
    let service = Service::start().await;
    let sent = event_with(json!({
        "event_id": "01931c5e-7f00-7000-8000-000000000001",
        "actor_type": "user", "actor_id": "ann", "actor_ip": "2001:db8::7",
        "resource_type": "Pod", "resource_id": "shop/web-1", "resource_name": "web-1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
        "namespace": "shop", "cluster_name": "edge-3", "severity": "high", "duration_ms": 0,
        "error_code": "E_TIMEOUT", "error_message": "too slow — ünïcödé 😀",
        "event_metadata": { "source": "test" }, "retention_days": 90, "is_sensitive": true,
        "correlation_id": "rr-'; DROP TABLE audit_events; --",
    }));
    assert_eq!(service.post(&sent).await.status, StatusCode::CREATED);
    let reply = service
        .send(
            Method::GET,
            &format!("{EVENTS}/{}", sent["event_id"].as_str().unwrap()),
            "",
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let back = reply.json();
    // The id looks like SQL, and is kept: the metadata says so beside what the sender wrote.
    let mut expected = sent.clone();
    expected["event_metadata"]["flags"] =
        json!([{ "pointer": "/correlation_id", "rule": "sql_injection_detected" }]);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&back[name], value, "{name}");
    }
    assert_eq!(
        back["event_date"],
        json!(sent["event_timestamp"].as_str().unwrap()[..10])
    );
    assert!(back["recorded_at"].is_string());
}

#[tokio::test]
async fn absent_members_are_null_or_have_their_default() {
    let service = Service::start().await;
    assert_eq!(service.post(&event()).await.status, StatusCode::CREATED);
    let back = service.query("correlation_id=rr-1").await["data"][0].clone();
    for (name, expected) in [
        ("actor_type", json!("service")),
        ("actor_id", json!("gateway-service")),
        ("resource_type", json!("gateway")),
        ("resource_id", json!("rr-1")),
        ("severity", json!("info")),
        ("retention_days", json!(2555)),
        ("is_sensitive", json!(false)),
        ("duration_ms", Value::Null),
        ("parent_event_id", Value::Null),
        ("parent_event_date", Value::Null),
        ("error_code", Value::Null),
        ("namespace", Value::Null),
    ] {
        assert_eq!(back[name], expected, "{name}");
    }
}

#[tokio::test]
async fn numbers_keep_every_digit() {
    let service = Service::start().await;
    let numbers =
        "[9007199254740993,18446744073709551616,0.1000000000000000055511151231257827,-1.50]";
    let body = event().to_string().replace(
        r#"{"alert_name":"MemPressure"}"#,
        &format!(r#"{{"n":{numbers}}}"#),
    );
    assert_eq!(
        service.send(Method::POST, EVENTS, body).await.status,
        StatusCode::CREATED
    );
    let reply = service
        .send(Method::GET, &format!("{EVENTS}?correlation_id=rr-1"), "")
        .await;
    let data = raw_member(&reply.body, "event_data");
    assert_eq!(data.replace(' ', ""), format!(r#"{{"n":{numbers}}}"#));
}

#[tokio::test]
async fn parents_are_stored_with_their_date() {
    let service = Service::start().await;
    let yesterday = now() - jiff::SignedDuration::from_hours(25);
    let parent = event_with(json!({ "event_timestamp": yesterday, "correlation_id": "parent" }));
    let parent_id = service.post(&parent).await.json()["event_id"].clone();
    let child = event_with(json!({ "parent_event_id": parent_id }));
    assert_eq!(service.post(&child).await.status, StatusCode::CREATED);
    let back = service.query("correlation_id=rr-1").await["data"][0].clone();
    assert_eq!(back["parent_event_id"], parent_id);
    assert_eq!(
        back["parent_event_date"],
        json!(yesterday.to_string()[..10])
    );
}

#[tokio::test]
async fn a_batch_is_stored_whole_with_its_families() {
    let service = Service::start().await;
    let root = "01931c5e-7f00-7000-8000-0000000000aa";
    let mut events: Vec<Value> = (0..700)
        .map(|n| event_with(json!({ "duration_ms": n, "parent_event_id": root })))
        .collect();
    events.push(event_with(json!({ "event_id": root })));
    let reply = service
        .send(Method::POST, BATCH, json!(events).to_string())
        .await;
    assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    let ids = reply.json()["event_ids"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 701);
    assert_eq!(ids[700], json!(root));
    for (index, id) in ids.iter().take(3).enumerate() {
        let path = format!("{EVENTS}/{}", id.as_str().unwrap());
        assert_eq!(
            service.send(Method::GET, &path, "").await.json()["duration_ms"],
            json!(index)
        );
    }
    assert_eq!(service.stored().await, 701);
    let all_or_nothing = json!([event(), event_with(json!({ "event_outcome": "good" }))]);
    let reply = service
        .send(Method::POST, BATCH, all_or_nothing.to_string())
        .await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(service.stored().await, 701);
}

#[tokio::test]
async fn the_largest_batch_is_taken() {
    let service = Service::start().await;
    let events = vec![event(); 5_000];
    let reply = service
        .send(Method::POST, BATCH, json!(events).to_string())
        .await;
    assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body.len());
    assert_eq!(service.stored().await, 5_000);
}
