//! Notifications through the real binary: stored once, parked when they cannot be, and found again.

use ds_testkit::{Durability, PostgresServer, Reply as Said};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    program::eventually,
    service::{EVENTS, Reply, Service, event, now},
    stage::Stage,
};

const NOTIFICATIONS: &str = "/api/v1/audit/notifications";
const STREAM: &str = "audit:dlq:notifications";

/// Texts that must come back as they are.
const STRANGE: [&str; 6] = [
    "größer 🚀 \u{202e}rtl",
    "'; DROP TABLE notification_audit; --",
    "a/b?c=d&e#f%2F",
    "\\ \" ' ` $1 {} %s",
    "line\nbreak\ttab\u{1}",
    "..%2f..",
];

fn notification(id: &str) -> Value {
    json!({
        "remediation_id": "rr-1",
        "notification_id": id,
        "recipient": "duty@example.org",
        "channel": "email",
        "message_summary": "disk is full",
        "status": "sent",
        "sent_at": now(),
    })
}

fn with(id: &str, changes: Value) -> Value {
    let mut body = notification(id);
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn post(service: &Service, body: &Value) -> Reply {
    service
        .send(Method::POST, NOTIFICATIONS, body.to_string())
        .await
}

async fn get(service: &Service, path: &str) -> Reply {
    service
        .send(Method::GET, &format!("{NOTIFICATIONS}{path}"), "")
        .await
}

/// An id as it stands in a path.
fn encoded(id: &str) -> String {
    let bytes = id.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// The ids in the table, in order.
async fn stored(stage: &Stage) -> Vec<String> {
    let client = stage.database.connect().await;
    let select = "SELECT notification_id FROM notification_audit ORDER BY notification_id";
    let rows = client.query(select, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Sends a notification whose id is taken, by the same record or by another one.
async fn assert_taken(service: &Service, body: &Value, identical: bool) {
    let reply = post(service, body).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    let problem = reply.json();
    assert_eq!(problem["title"], "Resource Conflict");
    assert_eq!(problem["identical"], identical);
    assert_eq!(
        (&problem["field"], &problem["value"]),
        (&json!("notification_id"), &body["notification_id"])
    );
}

#[tokio::test]
async fn a_notification_is_stored_once_and_comes_back_as_it_was_sent() {
    let service = Service::start().await;
    let sent = with(
        "nt-1",
        json!({
            "sent_at": "2024-02-29T12:00:00.123456Z", "channel": "Teams", "status": "Escalated",
            "delivery_status": "202", "error_message": "late", "escalation_level": 7,
            "id": 99, "created_at": "2001-01-01T00:00:00Z",
        }),
    );
    let reply = post(&service, &sent).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let record = reply.json();
    for name in [
        "notification_id",
        "sent_at",
        "delivery_status",
        "error_message",
        "escalation_level",
    ] {
        assert_eq!(record[name], sent[name], "{name}");
    }
    assert_eq!(
        (&record["channel"], &record["status"]),
        (&json!("teams"), &json!("escalated"))
    );
    assert_eq!(
        record["id"], 1,
        "what the sender says about the row is not heard"
    );
    assert_eq!(record["created_at"], record["updated_at"]);
    assert!(record["created_at"].as_str().unwrap() > "2026");

    assert_taken(&service, &sent, true).await;
    let other = with("nt-1", json!({ "recipient": "bob" }));
    assert_taken(&service, &other, false).await;
    let bad = post(
        &service,
        &json!({ "notification_id": "nt-2", "status": "lost" }),
    )
    .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(bad.json()["resource"], "notification_audit");

    let mut detail = get(&service, "/nt-1").await.json();
    assert_eq!(detail["deliveries"].take(), json!([]));
    detail.as_object_mut().unwrap().remove("deliveries");
    assert_eq!(detail, record);
    assert_eq!(get(&service, "/nt-2").await.status, StatusCode::NOT_FOUND);
    let counted = r#"datastorage_audit_traces_total{service="notification",status="success"}"#;
    assert_eq!(service.metric(counted).await, Some(1.0));
    let timed = r#"datastorage_write_duration_seconds_count{table="notification_audit"}"#;
    assert_eq!(service.metric(timed).await, Some(3.0));
    let refused = r#"datastorage_validation_failures_total{field="status",reason="invalid_enum"}"#;
    assert_eq!(service.metric(refused).await, Some(1.0));
}

#[tokio::test]
async fn strange_texts_are_kept_and_harm_nobody() {
    let service = Service::start().await;
    for text in STRANGE {
        let body = with(
            text,
            json!({
                "remediation_id": text, "recipient": text, "message_summary": text,
                "delivery_status": text, "error_message": text,
            }),
        );
        assert_eq!(
            post(&service, &body).await.status,
            StatusCode::CREATED,
            "{text:?}"
        );
        let path = format!("/{}", encoded(text));
        let back = get(&service, &path).await.json();
        for name in [
            "notification_id",
            "remediation_id",
            "recipient",
            "message_summary",
        ] {
            assert_eq!(back[name], text, "{name}");
        }
        assert_eq!(
            (&back["delivery_status"], &back["error_message"]),
            (&json!(text), &json!(text))
        );
        let query = format!("?recipient={}", encoded(text));
        let list = get(&service, &query).await.json();
        assert_eq!(list["pagination"]["total"], 1, "{text:?}");
        assert_eq!(list["data"][0]["notification_id"], text);
    }
}

#[tokio::test]
async fn the_history_of_a_notification_only_grows() {
    let service = Service::start().await;
    let deliver = async |id: &str, body: Value| {
        let path = format!("{NOTIFICATIONS}/{id}/deliveries");
        service.send(Method::POST, &path, body.to_string()).await
    };
    let delivery = |attempt: i32, status: &str| json!({ "attempt": attempt, "status": status, "occurred_at": "2026-11-21T10:00:00Z" });
    assert_eq!(
        post(&service, &notification("a/1")).await.status,
        StatusCode::CREATED
    );
    let first = deliver("a%2F1", delivery(1, "failed")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = deliver("a%2F1", delivery(1, "failed")).await;
    assert_eq!(
        (again.status, again.json()),
        (StatusCode::CREATED, first.json())
    );
    let other = deliver("a%2F1", delivery(1, "sent")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.json()["identical"], false);
    let second = deliver("a%2F1", delivery(2, "Acknowledged")).await;
    assert_eq!(second.json()["status"], "acknowledged");
    assert_eq!(
        deliver("a%2F1", json!({})).await.status,
        StatusCode::BAD_REQUEST
    );
    // The queue is empty, but that is looked up only now and then.
    eventually("an unknown notification is unknown", async || {
        let reply = deliver("a", delivery(1, "sent")).await;
        (reply.status == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    let detail = get(&service, "/a%2F1").await.json();
    let statuses: Vec<&Value> = detail["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| &delivery["status"])
        .collect();
    assert_eq!(statuses, ["failed", "acknowledged"]);
    assert_eq!(detail["status"], "sent", "the record itself stays as it is");
}

#[tokio::test]
async fn a_list_has_filters_and_pages() {
    let service = Service::start().await;
    for n in 0..5 {
        let changes = json!({
            "sent_at": format!("2026-11-0{}T00:00:00Z", n + 1),
            "remediation_id": format!("rr-{}", n % 2),
            "channel": if n == 4 { "sms" } else { "email" },
            "status": if n == 0 { "failed" } else { "sent" },
        });
        let body = with(&format!("nt-{n}"), changes);
        assert_eq!(post(&service, &body).await.status, StatusCode::CREATED);
    }
    for (query, expected) in [
        ("", "nt-4 nt-3 nt-2 nt-1 nt-0"),
        ("?limit=2&offset=1", "nt-3 nt-2"),
        ("?remediation_id=rr-0", "nt-4 nt-2 nt-0"),
        ("?remediation_id=rr-0&remediation_id=rr-1&limit=1", "nt-4"),
        ("?channel=SMS", "nt-4"),
        ("?status=failed&status=pending", "nt-0"),
        ("?since=2026-11-02&until=2026-11-03T00:00:00Z", "nt-2 nt-1"),
        ("?recipient=nobody", ""),
    ] {
        let reply = get(&service, query).await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {reply:?}");
        let list = reply.json();
        let names = list["data"].as_array().unwrap().iter();
        let names: Vec<&str> = names
            .map(|one| one["notification_id"].as_str().unwrap())
            .collect();
        assert_eq!(names.join(" "), expected, "{query}");
    }
    let page = get(&service, "?limit=2&offset=1").await.json()["pagination"].clone();
    assert_eq!(
        (&page["total"], &page["has_more"]),
        (&json!(5), &json!(true))
    );
    for query in ["?channel=pigeon", "?limit=0", "?since=soon", "?recipient="] {
        assert_eq!(
            get(&service, query).await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

/// The first dead letter is the notification `id`, which another record has taken.
async fn assert_dead(service: &Service, id: &str) {
    let letters = service
        .send(Method::GET, "/api/v1/admin/dlq/dead-letters", "")
        .await
        .json();
    let letter = &letters["dead_letters"][0];
    assert_eq!(letter["notification_id"], id);
    assert!(
        letter["id"].as_str().unwrap().starts_with("notifications:"),
        "{letter}"
    );
    let reason = "notification id is taken by a record with other content";
    assert_eq!(letter["reason"], reason);
}

#[tokio::test]
async fn notifications_wait_in_redis_through_a_kill_and_are_stored_once() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    assert_eq!(
        post(&service, &notification("before")).await.status,
        StatusCode::CREATED
    );
    postgres.stop().await;
    for n in 0..10 {
        let id = format!("nt-{n}");
        let reply = post(&service, &notification(&id)).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        assert_eq!(reply.json()["notification_id"], id);
    }
    // Sent twice, as after a lost answer, and once as something else.
    let twice = notification("twice");
    for _ in 0..2 {
        assert_eq!(post(&service, &twice).await.status, StatusCode::ACCEPTED);
    }
    let other = with("before", json!({ "recipient": "other" }));
    assert_eq!(post(&service, &other).await.status, StatusCode::ACCEPTED);
    let delivery = json!({ "attempt": 1, "status": "sent", "occurred_at": now() });
    let path = format!("{NOTIFICATIONS}/nt-1/deliveries");
    let away = service
        .send(Method::POST, &path, delivery.to_string())
        .await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stage.redis(&["XLEN", STREAM]).await, Said::Integer(13));
    service.kill();
    service.ended().await;

    postgres.restart().await;
    let service = stage.service().await;
    eventually("notifications are stored", async || {
        (stored(&stage).await.len() == 12).then_some(())
    })
    .await;
    let dead = r#"datastorage_dlq_dead_letters{stream="notifications"}"#;
    eventually("the one that differs is a dead letter", async || {
        let depth = r#"datastorage_dlq_depth{stream="notifications"}"#;
        let is_drained = service.metric(depth).await == Some(0.0);
        (is_drained && service.metric(dead).await == Some(1.0)).then_some(())
    })
    .await;
    let back = get(&service, "/twice").await.json();
    for (name, value) in twice.as_object().unwrap() {
        assert_eq!(&back[name], value, "{name}");
    }
    assert_eq!(
        get(&service, "/before").await.json()["recipient"],
        "duty@example.org"
    );
    assert_dead(&service, "before").await;
    service.terminate().await;
}

#[tokio::test]
async fn without_redis_notifications_wait_in_the_spool() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    stage.redis.stop().await;
    postgres.stop().await;
    for n in 0..5 {
        let reply = post(&service, &notification(&format!("nt-{n}"))).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    }
    let reply = service
        .send(Method::POST, EVENTS, event().to_string())
        .await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "the spool has both");
    service.kill();
    service.ended().await;
    postgres.restart().await;
    let service = stage.service().await;
    eventually("all are stored", async || {
        let events = service.stored().await;
        (stored(&stage).await.len() == 5 && events == 1).then_some(())
    })
    .await;
    eventually("the spool is empty", async || {
        (service.metric("datastorage_spool_entries").await? == 0.0).then_some(())
    })
    .await;
}

/// A notification as the first service left it in its queue.
fn legacy(id: &str, recipient: &str) -> String {
    json!({
        "type": "notification_audit",
        "payload": {
            "id": 0, "remediation_id": "rr-1", "notification_id": id, "recipient": recipient,
            "channel": "slack", "message_summary": "done", "status": "sent",
            "sent_at": "2025-11-21T10:00:00.123456789+01:00", "delivery_status": "",
            "escalation_level": 0, "created_at": "0001-01-01T00:00:00Z",
            "updated_at": "0001-01-01T00:00:00Z",
        },
        "timestamp": "2026-11-21T09:30:00.987654321Z", "retry_count": 0, "last_error": "refused",
    })
    .to_string()
}

#[tokio::test]
async fn the_queue_of_the_first_service_drains_and_poison_becomes_a_dead_letter() {
    let stage = Stage::shared().await;
    let entries = [
        "{not json".to_owned(),
        legacy("go-1", "ann"),
        legacy("go-2", ""),
        legacy("go-1", "ann"),
        legacy("go-3", "bob"),
    ];
    for entry in &entries {
        stage.redis(&["XADD", STREAM, "*", "message", entry]).await;
    }
    let service = stage.service().await;
    eventually("the queue is drained", async || {
        let depth = r#"datastorage_dlq_depth{stream="notifications"}"#;
        let dead = r#"datastorage_dlq_dead_letters{stream="notifications"}"#;
        let is_drained = service.metric(depth).await == Some(0.0);
        (is_drained && service.metric(dead).await == Some(2.0)).then_some(())
    })
    .await;
    assert_eq!(stored(&stage).await, ["go-1", "go-3"]);
    let back = get(&service, "/go-1").await.json();
    assert_eq!(back["sent_at"], "2025-11-21T09:00:00.123456Z");
    assert_eq!(back.get("delivery_status"), None);
    let report = service
        .send(Method::GET, "/api/v1/admin/dlq", "")
        .await
        .json();
    assert_eq!(report["notifications"]["dead"], 2);
    let letters = service
        .send(Method::GET, "/api/v1/admin/dlq/dead-letters", "")
        .await
        .json();
    let names: Vec<&Value> = letters["dead_letters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| &letter["notification_id"])
        .collect();
    assert_eq!(names, [&Value::Null, &json!("go-2")]);
    service.terminate().await;
}
