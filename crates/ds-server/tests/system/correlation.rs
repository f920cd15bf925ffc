//! One remediation from its first event to its last.

use hyper::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::service::{BATCH, Reply, Service, event_with, now};

const CORRELATIONS: &str = "/api/v1/audit/correlations";

fn id(n: u32) -> String {
    format!("01931c5e-7f00-7000-8000-{n:012}")
}

/// A root at hour 0, two children at 1 and 2, a child of the first of them at 3, and an event of
/// another remediation that has its parent in this one.
async fn seeded(correlation_id: &str) -> Service {
    let service = Service::start().await;
    let start = now() - SignedDuration::from_hours(10);
    let event = |n: u32, parent: Option<u32>, correlation_id: &str| {
        event_with(json!({
            "event_id": id(n),
            "event_timestamp": start + SignedDuration::from_hours(i64::from(n)),
            "event_category": if n == 0 { "gateway" } else { "workflow" },
            "event_outcome": if n == 3 { "failure" } else { "success" },
            "parent_event_id": parent.map(id),
            "correlation_id": correlation_id,
        }))
    };
    // In no order.
    let events = json!([
        event(3, Some(1), correlation_id),
        event(1, Some(0), correlation_id),
        event(2, Some(0), correlation_id),
        event(0, None, correlation_id),
        event(4, Some(2), "another"),
    ]);
    let reply = service.send(Method::POST, BATCH, events.to_string()).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    service
}

async fn get(service: &Service, path: &str) -> Reply {
    service.send(Method::GET, path, "").await
}

fn shown(answer: &Value) -> Vec<(String, Value, Value)> {
    let events = answer["data"].as_array().unwrap();
    let shown = |event: &Value| {
        let id = event["event_id"].as_str().unwrap().to_owned();
        (
            id,
            event["parent_event_id"].clone(),
            event["child_event_ids"].clone(),
        )
    };
    events.iter().map(shown).collect()
}

#[tokio::test]
async fn events_come_in_order_with_their_parents_and_children() {
    let service = seeded("rr-7").await;
    let reply = get(&service, &format!("{CORRELATIONS}/rr-7")).await;
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    let answer = reply.json();
    let expected = [
        (id(0), Value::Null, json!([id(1), id(2)])),
        (id(1), json!(id(0)), json!([id(3)])),
        (id(2), json!(id(0)), json!([])),
        (id(3), json!(id(1)), json!([])),
    ];
    assert_eq!(shown(&answer), expected);
    assert_eq!(answer["correlation_id"], "rr-7");
    assert_eq!(answer["total"], 4);
    assert_eq!(
        answer["by_category"],
        json!({ "gateway": 1, "workflow": 3 })
    );
    assert_eq!(answer["by_outcome"], json!({ "success": 3, "failure": 1 }));
    assert_eq!(
        answer["first_event_at"],
        answer["data"][0]["event_timestamp"]
    );
    assert_eq!(
        answer["last_event_at"],
        answer["data"][3]["event_timestamp"]
    );
    assert_eq!(answer["data"][0]["child_count"], 2);
    assert_eq!(
        answer["pagination"],
        json!({ "limit": 1000, "has_more": false })
    );
}

#[tokio::test]
async fn a_long_remediation_is_read_in_parts() {
    let service = seeded("rr-7").await;
    let mut path = format!("{CORRELATIONS}/rr-7?limit=3");
    let mut seen = Vec::new();
    for part in [3, 1] {
        let reply = get(&service, &path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {:?}", reply.body);
        let answer = reply.json();
        assert_eq!(
            (answer["total"].clone(), shown(&answer).len()),
            (json!(4), part)
        );
        seen.extend(shown(&answer).into_iter().map(|(id, ..)| id));
        let next = answer["pagination"]["next"].as_str();
        assert_eq!(next.is_some(), part == 3);
        assert_eq!(next.is_some(), reply.headers.contains_key("link"));
        path = next.unwrap_or(&path).to_owned();
    }
    assert_eq!(seen, [id(0), id(1), id(2), id(3)]);
    for wrong in [
        path.replace("rr-7", "another"),
        format!("{CORRELATIONS}/rr-7?cursor=x"),
        format!("{CORRELATIONS}/rr-7?limit=1001"),
        format!("{CORRELATIONS}/rr-7%00"),
        format!("{CORRELATIONS}/%FF"),
        format!("{CORRELATIONS}/{}", "x".repeat(256)),
    ] {
        let reply = get(&service, &wrong).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn ids_may_hold_any_character() {
    let strange = "a/b?c#d %\"'; DROP TABLE audit_events; -- ünï😀+";
    let service = seeded(strange).await;
    let encoded: String = strange.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("{CORRELATIONS}/{encoded}");
    let answer = get(&service, &format!("{path}?limit=2")).await.json();
    assert_eq!(answer["correlation_id"], strange);
    let next = answer["pagination"]["next"].as_str().unwrap();
    assert!(next.starts_with(&path), "{next}");
    let rest = get(&service, next).await.json();
    assert_eq!(shown(&rest).len(), 2);
    for unknown in ["rr-7", "a", "%2527", "a%2Fb"] {
        let reply = get(&service, &format!("{CORRELATIONS}/{unknown}")).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{unknown}");
        assert_eq!(
            reply.json()["type"],
            "https://kubernaut.ai/problems/not-found"
        );
    }
}
