//! Bad requests: each gets a problem that names the field, none is stored, none costs a connection.

use ds_domain::limit::EVENT_TEXT_FIELDS;
use http_body_util::Full;
use hyper::{Method, StatusCode, body::Bytes};
use serde_json::{Value, json};

use crate::service::{BATCH, EVENTS, Reply, Service, event, event_with, now};

/// A valid event without the member `name`.
fn without(name: &str) -> String {
    let mut event = event();
    event.as_object_mut().unwrap().remove(name);
    event.to_string()
}

fn with(name: &str, value: Value) -> String {
    event_with(json!({ name: value })).to_string()
}

/// A bad event: what is wrong, the member it concerns, the body.
type Bad = (String, &'static str, String);

/// Every way to get a text member wrong.
fn bad_texts() -> Vec<Bad> {
    let mut bad = Vec::new();
    for field in EVENT_TEXT_FIELDS {
        let name = field.name;
        let mut add = |what: &str, body| bad.push((format!("{name} {what}"), name, body));
        for value in [json!(7), json!(true), json!([]), json!({})] {
            add(&format!("is {value}"), with(name, value));
        }
        add("has NUL", with(name, json!("a\0b")));
        if let Some(max) = field.chars_max {
            add("is too long by one", with(name, json!("x".repeat(max + 1))));
            add(
                "is too long by one é",
                with(name, json!("é".repeat(max + 1))),
            );
        }
        if field.required {
            add("is missing", without(name));
            add("is empty", with(name, json!("")));
        }
        if !field.nullable {
            add("is null", with(name, Value::Null));
        }
    }
    bad
}

/// Every way to get a member wrong that is no text.
fn bad_values() -> Vec<Bad> {
    let hour = jiff::SignedDuration::from_hours(1);
    let unknown = "01931c5e-7f00-7000-8000-000000000001";
    let values = [
        ("event_category", json!(["workflow_catalog", "Gateway"])),
        ("event_outcome", json!(["ok", "Success"])),
        (
            "event_timestamp",
            json!([null, "", 1, [1], now() + hour, now() - 24 * 8 * hour]),
        ),
        (
            "event_timestamp",
            json!(["9999-12-31T23:59:59Z", "-0001-01-01T00:00:00Z"]),
        ),
        (
            "event_timestamp",
            json!(["2026-11-21T10:00:00", "2026-11-21", "now"]),
        ),
        (
            "event_data",
            json!([null, "", 1, [1], { "a": "b\0c" }, { "a\0": 1 }]),
        ),
        ("event_metadata", json!(["x", 1, [1]])),
        ("event_id", json!(["x", "", 5])),
        ("parent_event_id", json!(["x", "", 5, unknown])),
        ("parent_event_date", json!(["yesterday", "", 5])),
        ("actor_ip", json!(["999.1.1.1", "", 5])),
        (
            "duration_ms",
            json!([-1, 99_999_999_999_i64, "5", 1.5, true]),
        ),
        ("retention_days", json!([0, 1_000_000, "5"])),
        ("is_sensitive", json!(["yes", 1])),
    ];
    let mut bad = Vec::new();
    for (name, values) in values {
        for value in values.as_array().unwrap() {
            bad.push((
                format!("{name} is {value}"),
                name,
                with(name, value.clone()),
            ));
        }
    }
    for name in ["event_timestamp", "event_data"] {
        bad.push((format!("{name} is missing"), name, without(name)));
    }
    bad
}

/// Every way to write an event that a JSON library would not notice.
fn bad_texts_of_json() -> Vec<Bad> {
    let raw = |data: &str| {
        event()
            .to_string()
            .replace(r#"{"alert_name":"MemPressure"}"#, data)
    };
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let payloads = [
        ("duplicate key", r#"{"a":1,"a":1}"#),
        ("deep duplicate key", r#"{"b":[{"a":1,"\u0061":1}]}"#),
        ("lone surrogate", r#"{"a":"\ud800"}"#),
        ("huge exponent", r#"{"a":1e130000}"#),
        ("depth 10,000", &format!(r#"{{"a":{deep}}}"#)),
    ];
    let bad = payloads
        .iter()
        .map(|(what, data)| ((*what).to_owned(), "event_data", raw(data)));
    let twice = event().to_string().replacen('{', r#"{"version":"0.9","#, 1);
    bad.chain([("version twice".to_owned(), "version", twice)])
        .collect()
}

#[track_caller]
fn check_problem(what: &str, reply: &Reply, field: &str) {
    assert!(
        reply.status.is_client_error(),
        "{what}: {} {:?}",
        reply.status,
        reply.body
    );
    let content_type = reply.headers["content-type"].to_str().unwrap();
    assert_eq!(content_type, "application/problem+json", "{what}");
    let problem = reply.json();
    assert_eq!(problem["status"], json!(reply.status.as_u16()), "{what}");
    assert!(
        problem["detail"].as_str().unwrap().contains(field),
        "{what}: {problem}"
    );
    assert!(reply.body.len() < 2_000, "{what}: the problem is no echo");
}

#[tokio::test]
async fn every_bad_member_is_refused_by_name_and_nothing_is_stored() {
    let service = Service::start().await;
    for (what, field, body) in [bad_texts(), bad_values(), bad_texts_of_json()].concat() {
        let reply = service.send(Method::POST, EVENTS, body.clone()).await;
        // Two messages of the contract call their member by half its name.
        let word = match field {
            "parent_event_id" => "parent",
            "event_timestamp" => "timestamp",
            _ => field,
        };
        check_problem(&what, &reply, word);
        let problem = reply.json();
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().collect();
        let named = format!("/{field}");
        let is_named = |error: &&Value| error["pointer"].as_str().unwrap().starts_with(&named);
        assert!(pointers.iter().any(is_named), "{what}: {problem}");

        let batch = format!("[{},{body}]", event());
        let reply = service.send(Method::POST, BATCH, batch).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what} in a batch");
        let named = format!("/1/{field}");
        let problem = reply.json();
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with(&named), "{what} in a batch: {problem}");
    }
    assert_eq!(service.stored().await, 0);
}

#[tokio::test]
async fn every_bad_body_is_refused_and_nothing_is_stored() {
    let service = Service::start().await;
    let whole = event().to_string();
    for (what, body, word) in [
        ("empty", String::new(), "value is required but missing"),
        (
            "truncated",
            whole[..whole.len() / 2].to_owned(),
            "failed to decode request body",
        ),
        (
            "no JSON",
            "hello".to_owned(),
            "failed to decode request body",
        ),
        (
            "trailing",
            format!("{whole} x"),
            "failed to decode request body",
        ),
        ("an array", format!("[{whole}]"), "value must be an object"),
        ("a number", "1".to_owned(), "value must be an object"),
        ("10,000 brackets", "[".repeat(10_000), ""),
    ] {
        let reply = service.send(Method::POST, EVENTS, body).await;
        check_problem(what, &reply, word);
    }
    let invalid_utf8 = Bytes::from_static(b"{\"version\":\"\xff\"}");
    let reply = service.send(Method::POST, EVENTS, invalid_utf8).await;
    check_problem("invalid UTF-8", &reply, "UTF-8");
    for (what, body, word) in [
        ("empty batch", "[]".to_owned(), "batch cannot be empty"),
        ("no batch", whole.clone(), "array"),
        (
            "5,001 events",
            format!("[{}]", vec!["{}"; 5_001].join(",")),
            "5000",
        ),
    ] {
        let reply = service.send(Method::POST, BATCH, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what}");
        assert!(
            String::from_utf8_lossy(&reply.body).contains(word),
            "{what}: {:?}",
            reply.json()["detail"]
        );
    }
    for content_type in ["text/plain", "", "application/jsonx", "multipart/form-data"] {
        let request = service
            .request(Method::POST, EVENTS)
            .header("content-type", content_type)
            .body(Full::from(whole.clone()));
        let mut request = request.unwrap();
        request
            .headers_mut()
            .insert("content-type", content_type.parse().unwrap());
        let reply = service.try_exchange(request).await.expect("is answered");
        check_problem(content_type, &reply, "Content-Type");
    }
    assert_eq!(service.stored().await, 0);
}

#[tokio::test]
async fn a_body_of_6_mib_is_answered_413() {
    let service = Service::start().await;
    let body = with("error_message", json!("x".repeat(6 << 20)));
    let reply = service.send(Method::POST, EVENTS, body).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    check_problem("6 MiB", &reply, "");
    assert_eq!(service.post(&event()).await.status, StatusCode::CREATED);
    assert_eq!(service.stored().await, 1);
}
