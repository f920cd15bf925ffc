//! The problems of the audit half, in the words that clients of the first contract match on.

use ds_http::RequestLimits;
use ds_ingest::testing::Mood;
use serde_json::{Value, json};

use crate::{
    client::post,
    server::{Server, Setup, event},
};

const EVENTS: &str = "/api/v1/audit/events";
const BATCH: &str = "/api/v1/audit/events/batch";
const VALIDATION: (u16, &str, &str) = (400, "validation-error", "Validation Error");
const UNREADABLE: (u16, &str, &str) = (400, "invalid_request", "Invalid Request");
const DATA: (u16, &str, &str) = (400, "invalid_event_data", "Invalid Event Data");

/// One row of the catalogue: the request, then status, type and title, then the detail.
type Case = (String, (u16, &'static str, &'static str), String);

/// A request for `target`, without a body.
fn asks(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A valid event in which the JSON text of the member `name` is `text`; `-` leaves it out.
fn with(name: &str, text: &str) -> String {
    let mut members: Vec<(String, String)> =
        serde_json::from_str::<serde_json::Map<String, Value>>(&event(""))
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
    members.retain(|(member, _)| member != name);
    if text != "-" {
        members.push((name.to_owned(), text.to_owned()));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, text)| format!("\"{name}\":{text}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Starts a server with this `setup` and holds every case against it.
async fn check(setup: Setup, cases: Vec<Case>) {
    let server = Server::start(setup).await;
    for (request, (status, slug, title), detail) in cases {
        let mut client = server.client().await;
        client.send(&request).await;
        let answer = client.answer().await;
        let line = request.lines().next().unwrap();
        let problem = answer.problem(status, slug);
        assert_eq!(problem["title"], title, "{line}");
        assert_eq!(problem["detail"], *detail, "{line}");
        check_members(line, &problem);
        assert!(answer.body.len() < 2_000, "{line}: {}", answer.body);
    }
}

/// Whether the members are those that the document has, and nothing of a schema or of our code.
#[track_caller]
fn check_members(line: &str, problem: &Value) {
    let path = line.split([' ', '?']).nth(1).unwrap();
    let resource = problem["resource"].as_str();
    let instance = resource.map_or(path.to_owned(), |resource| format!("/audit/{resource}"));
    assert_eq!(problem["instance"], instance, "{line}");
    let known = [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
        "resource",
        "field_errors",
        "errors",
    ];
    for name in problem.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{line}: {name}");
    }
    if [400, 409, 413, 415].contains(&problem["status"].as_u64().unwrap()) {
        let first = &problem["errors"][0];
        assert!(first["rule"].is_string(), "{line}: {problem}");
        assert!(first["message"].is_string(), "{line}: {problem}");
        let places = ["pointer", "parameter"].map(|place| first[place].is_string());
        assert_eq!(
            places.iter().filter(|is| **is).count(),
            1,
            "{line}: {first}"
        );
    }
    let text = problem.to_string();
    for noise in ["Schema:", "Value:", "secret_", "panic"] {
        assert!(!text.contains(noise), "{line}: {text}");
    }
}

fn body_error(reason: &str) -> String {
    format!("request body has an error: {reason}")
}

fn mismatch(list: &str) -> String {
    let schema = "doesn't match schema #/components/schemas/AuditEventRequest";
    body_error(&format!("{schema}: {list}"))
}

fn member_error(name: &str, reason: &str) -> String {
    mismatch(&format!("Error at \"/{name}\": {reason}"))
}

#[tokio::test]
async fn events_that_break_the_schema() {
    let words = r#"value is not one of the allowed values ["success","failure","pending"]"#;
    let secret = format!("\"{}\"", "secret_".repeat(8));
    let values = [
        ("version", "-", "property \"version\" is missing"),
        ("version", "\"\"", "minimum string length is 1"),
        ("version", secret.as_str(), "maximum string length is 10"),
        ("event_type", "7", "value must be a string"),
        (
            "event_timestamp",
            "\"secret_\"",
            "string doesn't match the format \"date-time\"",
        ),
        ("event_outcome", "\"secret_\"", words),
        ("correlation_id", "null", "Value is not nullable"),
        ("event_data", "null", "Value is not nullable"),
        ("duration_ms", "\"secret_\"", "value must be an integer"),
        ("duration_ms", "-1", "number must be at least 0"),
        ("retention_days", "99999", "number must be at most 36525"),
        ("is_sensitive", "\"secret_\"", "value must be a boolean"),
    ];
    let mut cases: Vec<Case> = values
        .iter()
        .map(|(name, value, reason)| {
            let request = post(EVENTS, &with(name, value));
            (request, VALIDATION, member_error(name, reason))
        })
        .collect();
    let several = r#"{"severity":1,"event_outcome":"success","event_data":{}}"#;
    let missing = [
        "version",
        "event_type",
        "event_timestamp",
        "event_category",
        "event_action",
    ];
    let missing: Vec<String> = missing
        .iter()
        .chain(&["correlation_id"])
        .map(|name| format!(" | Error at \"/{name}\": property \"{name}\" is missing"))
        .collect();
    let list = format!(
        "Error at \"/severity\": value must be a string{}",
        missing.concat()
    );
    cases.push((post(EVENTS, several), VALIDATION, mismatch(&list)));
    let array = post(EVENTS, "[]");
    cases.push((array, VALIDATION, mismatch("value must be an object")));
    check(Setup::default(), cases).await;
}

#[tokio::test]
async fn bodies_that_are_no_events_at_all() {
    let typed = |media_type: &str| {
        let media_type = format!("content-type: {media_type}");
        post(EVENTS, "{}").replace("content-type: application/json", &media_type)
    };
    let decode = "failed to decode request body: unexpected end of input at line 1 column 2";
    let media = "header Content-Type has unexpected value \"text/plain\"";
    let missing = "value is required but missing";
    let large = Setup {
        requests: RequestLimits {
            body_bytes_max: 100,
            ..RequestLimits::default()
        },
        ..Setup::default()
    };
    let mut cases = vec![
        (post(EVENTS, "{"), VALIDATION, body_error(decode)),
        (post(EVENTS, ""), VALIDATION, body_error(missing)),
        (asks("POST", EVENTS), VALIDATION, body_error(missing)),
        (typed("text/plain"), VALIDATION, body_error(media)),
    ];
    let compressed = post(EVENTS, "{}").replace("host: x", "host: x\r\ncontent-encoding: gzip");
    let title = "Unsupported Media Type";
    let detail = "request body has an unsupported Content-Encoding \"gzip\"";
    cases.push((
        compressed,
        (415, "unsupported-media-type", title),
        detail.to_owned(),
    ));
    let detail = "request body is larger than 100 bytes";
    let title = "Payload Too Large";
    let body = post(EVENTS, &event(""));
    cases.push((body, (413, "payload-too-large", title), detail.to_owned()));
    check(large, cases).await;
}

#[tokio::test]
async fn events_that_fail_behind_the_schema() {
    let future = "invalid timestamp: timestamp is in the future (server time: \
                  2026-11-21T12:00:00Z, event time: 2026-11-21T12:05:01Z)";
    let old = "invalid timestamp: timestamp is too old (must be within 7 days, age: 168h0m1s)";
    let parent = "parent event does not exist";
    let data = "failed to unmarshal event_data: value must be an object";
    let id = "parent_event_id: invalid UUID length: 3";
    let time = "event_timestamp: invalid time: offset is missing";
    let unknown = "\"01931c5e-7f00-7000-8000-000000000099\"";
    let mut cases = Vec::new();
    for (name, value, kind, detail) in [
        (
            "event_timestamp",
            "\"2026-11-21T12:05:01Z\"",
            VALIDATION,
            future,
        ),
        (
            "event_timestamp",
            "\"2026-11-14T11:59:59Z\"",
            VALIDATION,
            old,
        ),
        ("parent_event_id", unknown, VALIDATION, parent),
        ("event_data", "[\"secret_\"]", DATA, data),
        ("parent_event_id", "\"abc\"", UNREADABLE, id),
        (
            "event_timestamp",
            "\"2026-11-21T12:00:00\"",
            UNREADABLE,
            time,
        ),
    ] {
        let bad = with(name, value);
        cases.push((post(EVENTS, &bad), kind, detail.to_owned()));
        let batch = format!("[{},{bad}]", event(""));
        let detail = format!("event at index 1: {detail}");
        cases.push((post(BATCH, &batch), kind, detail));
    }
    let two_kinds = format!(
        "[{},{}]",
        with("event_data", "1"),
        with("event_id", "\"abc\"")
    );
    let list = "doesn't match schema: Error at \"/0/event_data\": value must be an object \
                | Error at \"/1/event_id\": invalid UUID length: 3";
    cases.push((post(BATCH, &two_kinds), VALIDATION, body_error(list)));
    let empty = "batch cannot be empty".to_owned();
    cases.push((post(BATCH, "[]"), VALIDATION, empty));
    let array = body_error("doesn't match schema: value must be an array");
    cases.push((post(BATCH, "{}"), VALIDATION, array));
    check(Setup::default(), cases).await;
}

#[tokio::test]
async fn ids_that_are_taken() {
    let id = "01931c5e-7f00-7000-8000-000000000001";
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let first = with("event_id", &format!("\"{id}\""));
    assert_eq!(client.post(EVENTS, &first).await.status, 201);
    let other = first.replace("rr-1", "rr-2");
    let detail = format!("audit event {id} is already stored with other content");
    for (path, body, detail) in [
        (EVENTS, other.clone(), detail.clone()),
        (
            BATCH,
            format!("[{other}]"),
            format!("event at index 0: {detail}"),
        ),
    ] {
        let problem = client.post(path, &body).await.problem(409, "conflict");
        assert_eq!(problem["title"], "Resource Conflict");
        assert_eq!(problem["detail"], detail);
        check_members(&format!("POST {path}"), &problem);
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_used() {
    let parameter =
        |name: &str, reason: &str| format!("parameter \"{name}\" in query has an error: {reason}");
    let words = r#"value is not one of the allowed values ["success","failure","pending"]"#;
    let mut cases = Vec::new();
    for (query, name, reason) in [
        ("limit=0", "limit", "number must be at least 1"),
        ("limit=1001", "limit", "number must be at most 1000"),
        ("offset=-1", "offset", "number must be at least 0"),
        (
            "limit=abc",
            "limit",
            "value abc: an invalid integer: invalid syntax",
        ),
        (
            "limit=99999999999999999999",
            "limit",
            "value 99999999999999999999: an invalid integer: value out of range",
        ),
        ("event_type=", "event_type", "empty value is not allowed"),
        ("event_outcome=secret_", "event_outcome", words),
        (
            "limit=0&offset=-1",
            "limit",
            "number must be at least 1 (and 1 more errors)",
        ),
    ] {
        let request = asks("GET", &format!("{EVENTS}?{query}"));
        cases.push((request, VALIDATION, parameter(name, reason)));
    }
    let time = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    let detail = format!("Validation failed for query parameters: query - {time}");
    let request = asks("GET", &format!("{EVENTS}?since=soon"));
    cases.push((request, VALIDATION, detail));
    let server = Server::start(Setup::default()).await;
    let target = format!("GET {EVENTS}?until=soon");
    let problem = server.client().await.ask(&target, "").await;
    let problem = problem.problem(400, "validation-error");
    assert_eq!(problem["field_errors"], json!({ "query": time }));
    check(Setup::default(), cases).await;
}

/// Asks for each target, and checks what a program is told: of each error the parameter and the rule,
/// with bound and actual where there are any.
async fn check_told(cases: &[(&str, &str, &[&str])]) {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for (target, slug, expected) in cases {
        let answer = client.ask(&format!("GET /api/v1/{target}"), "").await;
        let problem = answer.problem(400, slug);
        let told = |error: &Value| {
            assert!(error["message"].is_string(), "{target}");
            let (parameter, rule) = (error["parameter"].as_str(), error["rule"].as_str());
            let mut told = format!("{} {}", parameter.unwrap(), rule.unwrap());
            if let (Value::Number(bound), Value::Number(actual)) =
                (&error["bound"], &error["actual"])
            {
                told.push_str(&format!(" {bound} {actual}"));
            }
            told
        };
        let errors = problem["errors"].as_array().unwrap();
        let errors: Vec<String> = errors.iter().map(told).collect();
        assert_eq!(errors, *expected, "{target}");
    }
}

#[tokio::test]
async fn every_rule_that_parameters_of_the_audit_break_is_told_to_programs() {
    let long = "x".repeat(300);
    let events =
        format!("audit/events?limit=0&offset=-1&severity={long}&severity=&until=soon&count=all");
    let broken = [
        "severity exceeds_max_length 20 300",
        "severity empty 1 0",
        "until invalid_time",
        "limit out_of_range 1 0",
        "offset out_of_range 0 -1",
        "count invalid_enum",
    ];
    let correlation = format!("audit/correlations/{long}?limit=x");
    let slug = "validation-error";
    check_told(&[
        (&events, slug, &broken),
        (
            "audit/notifications?status=lost&cursor=&offset=7",
            slug,
            &["status invalid_enum", "offset mutually_exclusive"],
        ),
        (
            &correlation,
            slug,
            &[
                "correlation_id exceeds_max_length 255 300",
                "limit invalid_type",
            ],
        ),
        ("audit/event-types?category=", slug, &["category empty 1 0"]),
        ("audit/events/7", slug, &["event_id invalid_format"]),
    ])
    .await;
}

#[tokio::test]
async fn every_rule_that_parameters_of_workflows_and_actions_break_is_told_to_programs() {
    let long = "x".repeat(300);
    let workflows = format!("workflows?component={long}&custom_labels[a%20b]=&limit=1001");
    let incidents = format!("incidents?limit=1001&severity=x&cluster={long}");
    let slug = "validation-error";
    check_told(&[
        (
            &workflows,
            slug,
            &[
                "component exceeds_max_length 255 300",
                "custom_labels invalid_format",
                "custom_labels empty 1 0",
                "limit out_of_range 1000 1001",
            ],
        ),
        ("workflows/7", slug, &["workflow_id invalid_format"]),
        (
            "success-rate/workflow?time_range=7w&min_samples=0",
            slug,
            &[
                "workflow_id required",
                "time_range invalid_format",
                "min_samples out_of_range 1 0",
            ],
        ),
        (
            &incidents,
            "invalid-limit",
            &[
                "limit out_of_range 1000 1001",
                "severity invalid_enum",
                "cluster exceeds_max_length 255 300",
            ],
        ),
        ("incidents/7x", "invalid-id", &["id invalid_type"]),
    ])
    .await;
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let no_path = "no resource has this path".to_owned();
    let not_found = (404, "not-found", "Not Found");
    let no_method = "the resource does not have this method".to_owned();
    let cases = vec![
        (asks("GET", "/api/v1/audit"), not_found, no_path.clone()),
        (asks("GET", "/api/v1/audit/events/"), not_found, no_path),
        (
            asks("DELETE", EVENTS),
            (405, "method-not-allowed", "Method Not Allowed"),
            no_method,
        ),
    ];
    check(Setup::default(), cases).await;
}

/// What a single event is answered, and what a batch, while the write path is as `setup` says.
async fn check_writes(
    setup: Setup,
    kinds: [(u16, &'static str, &'static str); 2],
    details: [&str; 2],
) {
    let bodies = [
        post(EVENTS, &event("")),
        post(BATCH, &format!("[{}]", event(""))),
    ];
    let cases = bodies.into_iter().zip(kinds).zip(details);
    let cases = cases.map(|((request, kind), detail)| (request, kind, detail.to_owned()));
    check(setup, cases.collect()).await;
}

#[tokio::test]
async fn writes_that_the_service_cannot_do() {
    let away = Setup {
        mood: Mood::Away,
        ..Setup::default()
    };
    let kind = (503, "service-unavailable", "Service Unavailable");
    let detail = "the audit store is temporarily unavailable, try again later";
    check_writes(away, [kind; 2], [detail; 2]).await;

    let broken = Setup {
        mood: Mood::Broken,
        ..Setup::default()
    };
    // The slugs differ in the first contract, too.
    let kinds = [(500, "database_error"), (500, "database-error")];
    let kinds = kinds.map(|(status, slug)| (status, slug, "Database Error"));
    let details = [
        "Failed to write audit event to database",
        "Failed to write audit events batch to database",
    ];
    check_writes(broken, kinds, details).await;

    let starting = Setup {
        starting: true,
        ..Setup::default()
    };
    let detail = "the service is starting, try again later";
    check_writes(starting, [kind; 2], [detail; 2]).await;
}

#[tokio::test]
async fn failures_that_nobody_foresaw() {
    let panicking = Setup {
        rendering_panics: true,
        ..Setup::default()
    };
    let kind = (500, "internal-error", "Internal Server Error");
    let detail = "the request failed for a reason that the service has logged";
    let case = (asks("GET", "/metrics"), kind, detail.to_owned());
    check(panicking, vec![case]).await;
}

#[tokio::test]
async fn queries_without_a_database() {
    let kind = (503, "service-unavailable", "Service Unavailable");
    let detail = "the audit store is temporarily unavailable, try again later";
    let one = format!("{EVENTS}/01931c5e-7f00-7000-8000-000000000001");
    let cases = [EVENTS.to_owned(), one];
    let cases = cases.map(|target| (asks("GET", &target), kind, detail.to_owned()));
    check(Setup::default(), cases.into()).await;
}
