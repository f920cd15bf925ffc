//! Queries: filters, times, pages and order.

use hyper::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::service::{BATCH, EVENTS, Service, event_with, now};

/// Stores 150 events, one a minute back from now.
async fn seeded() -> Service {
    let service = Service::start().await;
    let start = now();
    let events: Vec<Value> = (0..150_i32)
        .map(|n| {
            event_with(json!({
                "event_timestamp": start - SignedDuration::from_mins(i64::from(n)),
                "event_type": if n % 2 == 0 { "even" } else { "odd" },
                "event_category": if n % 3 == 0 { "workflow" } else { "gateway" },
                "event_outcome": if n % 5 == 0 { "failure" } else { "success" },
                "severity": if n % 7 == 0 { "high" } else { "low" },
                "duration_ms": n,
            }))
        })
        .collect();
    let reply = service
        .send(Method::POST, BATCH, json!(events).to_string())
        .await;
    assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    service
}

fn numbers(answer: &Value) -> Vec<i64> {
    let events = answer["data"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["duration_ms"].as_i64().unwrap())
        .collect()
}

/// Where a page stands, without the links to others.
fn place(answer: &Value) -> Value {
    let mut place = answer["pagination"].clone();
    place
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !["next", "prev"].contains(&&**name));
    place
}

async fn check(service: &Service, query: &str, expected: impl Iterator<Item = i64>) {
    let expected: Vec<i64> = expected.collect();
    let answer = service.query(&format!("limit=1000&{query}")).await;
    assert_eq!(numbers(&answer), expected, "{query}");
    assert_eq!(
        answer["pagination"]["total"],
        json!(expected.len()),
        "{query}"
    );
}

#[tokio::test]
async fn filters_are_combined_and_bounds_are_inclusive() {
    let service = seeded().await;
    check(&service, "correlation_id=rr-1", 0..150).await;
    check(&service, "correlation_id=rr-2", 0..0).await;
    check(&service, "event_type=odd", (0..150).filter(|n| n % 2 == 1)).await;
    check(
        &service,
        "event_category=workflow",
        (0..150).filter(|n| n % 3 == 0),
    )
    .await;
    check(
        &service,
        "event_outcome=failure",
        (0..150).filter(|n| n % 5 == 0),
    )
    .await;
    check(&service, "severity=high", (0..150).filter(|n| n % 7 == 0)).await;
    let both = "event_category=workflow&event_outcome=failure";
    check(&service, both, (0..150).filter(|n| n % 15 == 0)).await;
    check(&service, "since=30m30s", 0..31).await;
    let answer = service.query("limit=1&offset=100").await;
    let exact = answer["data"][0]["event_timestamp"]
        .as_str()
        .unwrap()
        .to_owned();
    check(&service, &format!("since={exact}"), 0..101).await;
    check(&service, &format!("until={exact}"), 100..150).await;
    check(&service, &format!("since={exact}&until={exact}"), 100..101).await;
    check(&service, &format!("since={}&until=2d", &exact), 0..0).await;
}

#[tokio::test]
async fn values_of_one_filter_are_alternatives() {
    let service = seeded().await;
    let either = "event_type=odd&event_type=even&event_type=none";
    check(&service, either, 0..150).await;
    let either = "event_category=workflow&severity=high&severity=none";
    check(&service, either, (0..150).filter(|n| n % 21 == 0)).await;
    let data = "data=%7B%22alert_name%22%3A%22MemPressure%22%7D";
    check(&service, data, 0..150).await;
    check(&service, "data=%7B%22alert_name%22%3A7%7D", 0..0).await;
    let strange = event_with(json!({
        "namespace": "'; DROP TABLE audit_events; -- 😀",
        "duration_ms": 7,
        "event_data": { "a'b\"c": ["ünï"] },
    }));
    assert_eq!(service.post(&strange).await.status, StatusCode::CREATED);
    let namespace = "namespace=%27%3B+DROP+TABLE+audit_events%3B+--+%F0%9F%98%80";
    let data = "data=%7B%22a%27b%5C%22c%22%3A%5B%22%C3%BCn%C3%AF%22%5D%7D";
    check(&service, &format!("{namespace}&{data}"), 7..8).await;
}

#[tokio::test]
async fn the_total_is_counted_estimated_or_left_out() {
    let service = seeded().await;
    let pagination = async |query: &str| place(&service.query(query).await);
    let expected = json!({ "limit": 50, "offset": 0, "has_more": true });
    assert_eq!(pagination("count=none").await, expected);
    let last = json!({ "limit": 50, "offset": 100, "has_more": false });
    assert_eq!(pagination("count=none&offset=100").await, last);
    let estimated = pagination("count=estimated").await;
    assert_eq!(estimated["total_is_estimate"], true);
    assert!(estimated["total"].as_i64() > Some(50), "{estimated}");
    let exact = json!({ "limit": 50, "offset": 0, "total": 150, "has_more": true });
    assert_eq!(pagination("count=exact").await, exact);
}

#[tokio::test]
async fn pages_tile_the_answer_newest_first() {
    let service = seeded().await;
    let mut seen = Vec::new();
    for offset in [0, 50, 100] {
        let answer = service
            .query(&format!("correlation_id=rr-1&offset={offset}"))
            .await;
        let expected =
            json!({ "limit": 50, "offset": offset, "total": 150, "has_more": offset < 100 });
        assert_eq!(place(&answer), expected);
        seen.extend(numbers(&answer));
    }
    assert_eq!(seen, (0..150).collect::<Vec<_>>());
    let beyond = service.query("offset=1000").await;
    assert_eq!(beyond["data"], json!([]));
    assert_eq!(beyond["pagination"]["total"], 150);
}

#[tokio::test]
async fn bad_parameters_are_refused_by_name() {
    let service = Service::start().await;
    for (query, word) in [
        ("limit=0", "must be at least 1"),
        ("limit=1001", "must be at most 1000"),
        ("limit=x", "limit"),
        ("offset=-1", "must be at least 0"),
        ("since=invalid", "invalid time format"),
        ("until=2026-02-30", "invalid time format"),
        ("event_outcome=maybe", "event_outcome"),
        ("event_type=", "event_type"),
        ("count=all", "count"),
        ("parent_event_id=7", "parent_event_id"),
        ("data=%5B%5D", "data"),
        ("data=%7B", "data"),
        ("correlation_id=a%00b", "correlation_id"),
        ("correlation_id=%FF%FE", ""),
    ] {
        let reply = service
            .send(Method::GET, &format!("{EVENTS}?{query}"), "")
            .await;
        if word.is_empty() {
            assert!(!reply.status.is_server_error(), "{query}");
            continue;
        }
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        let problem = reply.json();
        assert_eq!(
            problem["type"], "https://kubernaut.ai/problems/validation-error",
            "{query}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(word),
            "{query}: {problem}"
        );
    }
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let service = Service::start().await;
    let path = format!("{EVENTS}/01931c5e-7f00-7000-8000-000000000001");
    assert_eq!(
        service.send(Method::GET, &path, "").await.status,
        StatusCode::NOT_FOUND
    );
    let path = format!("{EVENTS}/no-uuid");
    assert_eq!(
        service.send(Method::GET, &path, "").await.status,
        StatusCode::BAD_REQUEST
    );
}
