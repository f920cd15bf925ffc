//! Passwords and tokens in the texts of events: nothing that is kept anywhere holds them.

use ds_testkit::{Durability, PostgresServer};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    program::{Program, eventually},
    service::{BATCH, EVENTS, Service, event, event_with, now},
    stage::Stage,
};

/// What no place may hold.
const SECRET: &str = "s3cr3tm4rker";

/// Secrets wherever there may be one; the name of one member is spelled with an escape.
fn leaky(event_id: &str) -> String {
    let event = event_with(json!({
        "event_id": event_id,
        "actor_id": format!("token={SECRET}"),
        "error_message": format!("dial postgres://app:{SECRET}@db:5432/shop: refused"),
        "event_data": {
            "password": SECRET,
            "headers": { "Authorization": [format!("Basic {SECRET}")] },
            "env": [{ "name": "DB_PASSWORD", "value": SECRET }],
            "log": format!("first\n{{\"client_secret\":\"{SECRET}\"}} é"),
            (format!("pwd={SECRET}")): 1,
            "kept": "password required; delete_pod",
            "escaped": SECRET,
        },
        "event_metadata": { "source": "test", "note": format!("--token {SECRET}") },
    }));
    event
        .to_string()
        .replace(r#""escaped""#, r#""api\u005fk\u0065y""#)
}

fn holds_secret(bytes: &[u8]) -> bool {
    bytes
        .windows(SECRET.len())
        .any(|window| window == SECRET.as_bytes())
}

fn id(n: u32) -> String {
    format!("01931c5e-7f00-7000-8000-0000000000{n:02}")
}

/// The stored event with this id.
async fn stored(service: &Service, id: &str) -> Value {
    let reply = service
        .send(Method::GET, &format!("{EVENTS}/{id}"), "")
        .await;
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    assert!(!holds_secret(&reply.body), "{:?}", reply.body);
    reply.json()
}

fn check_cleaned(event: &Value) {
    assert_eq!(event["actor_id"], "token=[REDACTED]");
    assert_eq!(
        event["error_message"],
        "dial postgres://app:[REDACTED]@db:5432/shop: refused"
    );
    let data = &event["event_data"];
    assert_eq!(data["password"], "[REDACTED]");
    assert_eq!(data["api_key"], "[REDACTED]");
    assert_eq!(data["headers"]["Authorization"][0], "Basic [REDACTED]");
    assert_eq!(data["env"][0]["value"], "[REDACTED]");
    assert_eq!(data["log"], "first\n{\"client_secret\":\"[REDACTED]\"} é");
    assert_eq!(data["kept"], "password required; delete_pod");
    assert_eq!(data["pwd=[REDACTED]"], 1);
    let metadata = &event["event_metadata"];
    assert_eq!(metadata["source"], "test");
    assert_eq!(metadata["note"], "--token [REDACTED]");
    let found: Vec<(&str, &str)> = metadata["redactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["pointer"].as_str().unwrap(),
                entry["rule"].as_str().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("/actor_id", "token-plain"),
        ("/error_message", "postgresql-url"),
        ("/event_data/password", "password-json"),
        ("/event_data/api_key", "api-key-json"),
        ("/event_data/env/0/value", "password-json"),
        ("/event_data/log", "secret-json"),
        ("/event_data/pwd=[REDACTED]", "password-plain"),
        ("/event_metadata/note", "command-option"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
}

#[tokio::test]
async fn a_secret_is_in_no_table_queue_spool_or_log() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let program = stage.program().with("DS_LOGGING__LEVEL", "debug");
    let service = Service::of(program, &stage.database).await;
    let post = async |n| service.send(Method::POST, EVENTS, leaky(&id(n))).await;

    let first = leaky(&id(1));
    for _ in 0..2 {
        let reply = service.send(Method::POST, EVENTS, first.clone()).await;
        assert_eq!(
            reply.status,
            StatusCode::CREATED,
            "it is the same event still"
        );
    }
    let batch = format!("[{},{}]", event(), leaky(&id(2)));
    let reply = service.send(Method::POST, BATCH, batch).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    for n in 1..=2 {
        check_cleaned(&stored(&service, &id(n)).await);
    }

    postgres.stop().await;
    assert_eq!(post(3).await.status, StatusCode::ACCEPTED);
    let queued = stage.redis(&["XRANGE", "audit:dlq:events", "-", "+"]).await;
    let queued = queued.pieces().concat();
    assert!(String::from_utf8_lossy(&queued).contains(&id(3)));
    assert!(!holds_secret(&queued));
    stage.redis.stop().await;
    assert_eq!(post(4).await.status, StatusCode::ACCEPTED);
    let spooled = stage.spooled();
    assert!(String::from_utf8_lossy(&spooled).contains(&id(4)));
    assert!(!holds_secret(&spooled));

    stage.redis.restart().await;
    postgres.restart().await;
    eventually("all are stored", async || {
        let reply = service.try_send(Method::GET, EVENTS, "").await?;
        (reply.status == StatusCode::OK && reply.json()["data"].as_array()?.len() == 5)
            .then_some(())
    })
    .await;
    for n in 3..=4 {
        check_cleaned(&stored(&service, &id(n)).await);
    }
    let rows = stage.database.connect().await;
    let rows = rows
        .query("SELECT row_to_json(e)::text FROM audit_events e", &[])
        .await
        .unwrap();
    for row in rows {
        let row: String = row.get(0);
        assert!(!holds_secret(row.as_bytes()), "{row}");
    }
    let series = r#"datastorage_redactions_total{rule="postgresql-url"}"#;
    assert!(service.metric(series).await.unwrap() >= 4.0);
    let log = service.server().log();
    assert!(!log.is_empty() && !holds_secret(log.as_bytes()), "{log}");
}

#[tokio::test]
async fn secrets_are_refused_where_that_is_asked_for() {
    let stage = Stage::shared().await;
    let program = Program::on(&stage.database, &[]).with("DS_VALIDATION__SECRETS", "reject");
    let service = Service::of(program, &stage.database).await;
    let batch = format!("[{},{}]", event(), leaky(&id(1)));
    for (path, body, prefix) in [(EVENTS, leaky(&id(1)), ""), (BATCH, batch, "/1")] {
        let reply = service.send(Method::POST, path, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(!holds_secret(&reply.body), "{:?}", reply.body);
        let problem = reply.json();
        let errors = problem["errors"].as_array().unwrap();
        let at = |pointer: &str| {
            let pointer = format!("{prefix}{pointer}");
            errors.iter().find(|error| error["pointer"] == pointer)
        };
        let error = at("/event_data/password").expect("the problem says where");
        assert_eq!(error["rule"], "contains_secret");
        assert!(
            error["message"].as_str().unwrap().contains("password-json"),
            "{error}"
        );
        assert!(at("/error_message").is_some());
    }
    assert_eq!(service.stored().await, 0);
    let series =
        r#"datastorage_validation_failures_total{field="event_data",reason="contains_secret"}"#;
    assert!(service.metric(series).await.unwrap() >= 1.0);
    assert_eq!(service.post(&event()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn secrets_are_stored_where_nobody_minds() {
    let stage = Stage::shared().await;
    let program = Program::on(&stage.database, &[])
        .with("DS_VALIDATION__SECRETS", "off")
        .with("DS_VALIDATION__MARKUP", "off");
    let service = Service::of(program, &stage.database).await;
    let sent = event_with(json!({
        "event_id": id(1), "event_data": { "password": SECRET, "html": "<script>" },
    }));
    assert_eq!(service.post(&sent).await.status, StatusCode::CREATED);
    let reply = service
        .send(Method::GET, &format!("{EVENTS}/{}", id(1)), "")
        .await;
    assert_eq!(reply.json()["event_data"], sent["event_data"]);
    assert_eq!(reply.json()["event_metadata"], Value::Null);
}

#[tokio::test]
async fn an_event_is_known_again_after_settings_have_changed() {
    let stage = Stage::shared().await;
    let with = async |secrets, markup| {
        let program = Program::on(&stage.database, &[])
            .with("DS_VALIDATION__SECRETS", secrets)
            .with("DS_VALIDATION__MARKUP", markup);
        Service::of(program, &stage.database).await
    };
    let (redacts, keeps) = (with("redact", "flag").await, with("off", "off").await);
    for (n, first, then) in [(1, &redacts, &keeps), (2, &keeps, &redacts)] {
        let leaky = leaky(&id(n)).replace("delete_pod", "<script>");
        let sent = first.send(Method::POST, EVENTS, leaky.clone()).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{:?}", sent.body);
        let again = then.send(Method::POST, EVENTS, leaky.clone()).await;
        assert_eq!(again.status, StatusCode::CREATED, "{:?}", again.body);
        assert_eq!(sent.json(), again.json());
        let batch = format!("[{},{leaky}]", event());
        let again = then.send(Method::POST, BATCH, batch).await;
        assert_eq!(again.status, StatusCode::CREATED, "{:?}", again.body);
        let other = leaky.replace("<script>", "<iframe>");
        let other = then.send(Method::POST, EVENTS, other).await;
        assert_eq!(other.status, StatusCode::CONFLICT);
    }
    assert_eq!(redacts.stored().await, 4);
}

#[tokio::test]
async fn markup_is_kept_flagged_and_counted() {
    let service = Service::start().await;
    let sent = event_with(json!({
        "event_id": id(1),
        "event_data": { "html": "<script>alert(1)</script>", "action": "delete_pod" },
        "resource_name": "' OR '1'='1",
    }));
    assert_eq!(service.post(&sent).await.status, StatusCode::CREATED);
    let event = stored(&service, &id(1)).await;
    assert_eq!(event["event_data"], sent["event_data"]);
    assert_eq!(event["resource_name"], sent["resource_name"]);
    assert_eq!(
        event["event_metadata"],
        json!({ "flags": [
            { "pointer": "/resource_name", "rule": "sql_injection_detected" },
            { "pointer": "/event_data/html", "rule": "xss_detected" },
        ] })
    );
    for rule in ["xss_detected", "sql_injection_detected"] {
        let series = format!(r#"datastorage_content_flags_total{{rule="{rule}"}}"#);
        assert_eq!(service.metric(&series).await, Some(1.0));
    }
}

#[tokio::test]
async fn a_notification_keeps_no_secret() {
    let service = Service::start().await;
    let path = "/api/v1/audit/notifications";
    let sent = json!({
        "remediation_id": "rr-1", "notification_id": "nt-1", "channel": "slack", "status": "failed",
        "recipient": format!("https://ops:{SECRET}@chat.example/hook"), "sent_at": now(),
        "message_summary": format!("db says password={SECRET}"),
        "error_message": format!("Authorization: Bearer {SECRET}"),
    });
    let reply = service.send(Method::POST, path, sent.to_string()).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(!holds_secret(&reply.body), "{:?}", reply.body);
    let again = service.send(Method::POST, path, sent.to_string()).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(
        again.json()["identical"],
        true,
        "it is the same record still"
    );
    assert!(!holds_secret(&again.body), "{:?}", again.body);

    let rows = service.database.connect().await;
    let select = "SELECT row_to_json(n) FROM notification_audit n";
    let row: Value = rows.query_one(select, &[]).await.unwrap().get(0);
    assert_eq!(row["recipient"], "https://ops:[REDACTED]@chat.example/hook");
    assert_eq!(row["message_summary"], "db says password=[REDACTED]");
    assert_eq!(row["error_message"], "Authorization: Bearer [REDACTED]");
    let series = r#"datastorage_redactions_total{rule="password-url"}"#;
    assert_eq!(service.metric(series).await, Some(1.0));
}
