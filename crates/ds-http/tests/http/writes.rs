//! Events on their way into the store.

use ds_ingest::testing::Mood;

use crate::{
    client::post,
    server::{Append, Server, Setup, event, metric, until},
};

const EVENTS: &str = "/api/v1/audit/events";
const BATCH: &str = "/api/v1/audit/events/batch";
const ID: &str = r#","event_id":"0193f3a1-0000-7000-8000-000000000001""#;

#[tokio::test]
async fn a_stored_event_is_answered_with_its_id() {
    let server = Server::start(Setup::default()).await;
    let answer = server.client().await.post(EVENTS, &event(ID)).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let expected = concat!(
        r#"{"event_id":"0193f3a1-0000-7000-8000-000000000001","#,
        r#""event_timestamp":"2026-11-21T12:00:00Z","#,
        r#""message":"Audit event created successfully","status":"created"}"#,
    );
    assert_eq!((answer.status, answer.body.as_str()), (201, expected));
    assert_eq!(server.store.len(), 1);
}

#[tokio::test]
async fn a_stored_batch_is_answered_with_its_ids() {
    let server = Server::start(Setup::default()).await;
    let batch = format!("[{},{}]", event(""), event(ID));
    let answer = server.client().await.post(BATCH, &batch).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let document = answer.json();
    assert_eq!(document["message"], "2 audit events created successfully");
    assert_eq!(
        document["event_ids"][1],
        "0193f3a1-0000-7000-8000-000000000001"
    );
    assert_eq!(server.store.len(), 2);
}

#[tokio::test]
async fn a_bad_event_is_refused_and_its_fields_are_named_and_counted() {
    let server = Server::start(Setup::default()).await;
    let body = event(r#","severity":"much too long for the column""#).replace("success", "maybe");
    let series =
        r#"datastorage_validation_failures_total{field="event_outcome",reason="invalid_enum"} "#;
    let before = metric(series);
    let document = server
        .client()
        .await
        .post(EVENTS, &body)
        .await
        .problem(400, "validation-error");
    let detail = document["detail"].as_str().unwrap();
    assert!(
        detail.contains(r#"Error at "/event_outcome": value is not one of"#),
        "{detail}"
    );
    assert!(
        detail.contains(r#"Error at "/severity": maximum string length is 20"#),
        "{detail}"
    );
    assert_eq!(document["errors"].as_array().unwrap().len(), 2);
    assert!(metric(series) > before);
    assert_eq!(server.store.len(), 0);
}

async fn check_mood(mood: Mood, status: u16, single: &str, batch: &str) {
    let server = Server::start(Setup {
        mood,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    client
        .post(EVENTS, &event(""))
        .await
        .problem(status, single);
    client
        .post(BATCH, &format!("[{}]", event("")))
        .await
        .problem(status, batch);
}

#[tokio::test]
async fn a_store_that_does_not_store_is_never_answered_with_success() {
    check_mood(
        Mood::Away,
        503,
        "service-unavailable",
        "service-unavailable",
    )
    .await;
    check_mood(Mood::Broken, 500, "database_error", "database-error").await;
    check_mood(Mood::Refusing, 400, "validation-error", "validation-error").await;
}

#[tokio::test]
async fn what_the_store_cannot_take_waits_and_is_answered_202_until_there_is_no_room() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        queue: Some(1),
        spool: Some(2),
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let answer = client.post(EVENTS, &event(ID)).await;
    let expected = concat!(
        r#"{"event_id":"0193f3a1-0000-7000-8000-000000000001","#,
        r#""event_timestamp":"2026-11-21T12:00:00Z","#,
        r#""message":"audit event queued for async processing","status":"accepted"}"#,
    );
    assert_eq!((answer.status, answer.body.as_str()), (202, expected));
    assert_eq!((server.queue().len(), server.spool().len()), (1, 0));

    let batch = format!("[{},{}]", event(""), event(""));
    let answer = client.post(BATCH, &batch).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let document = answer.json();
    let message = "2 audit events queued for async processing";
    assert_eq!(
        (&document["message"], &document["status"]),
        (&message.into(), &"accepted".into())
    );
    assert_eq!(document["event_ids"].as_array().unwrap().len(), 2);
    assert_eq!((server.queue().len(), server.spool().len()), (1, 2));

    for (path, body) in [(EVENTS, event("")), (BATCH, format!("[{}]", event("")))] {
        let answer = client.post(path, &body).await;
        answer.problem(503, "service-unavailable");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(server.store.len(), 0);
    let series = r#"datastorage_http_requests_total{route="/api/v1/audit/events",method="POST",status="202"} "#;
    assert!(metric(series) >= 1.0);
}

#[tokio::test]
async fn a_bad_event_is_refused_whatever_the_store_does() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        queue: Some(10),
        ..Setup::default()
    })
    .await;
    let answer = server.client().await.post(EVENTS, "{}").await;
    answer.problem(400, "validation-error");
    assert!(server.queue().is_empty());
}

#[tokio::test]
async fn the_same_event_again_is_answered_as_before_and_another_is_a_conflict() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let first = client.post(EVENTS, &event(ID)).await;
    let again = client.post(EVENTS, &event(ID)).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    let other = client
        .post(EVENTS, &event(ID).replace("rr-1", "rr-2"))
        .await;
    assert_eq!(other.problem(409, "conflict")["title"], "Resource Conflict");
    assert_eq!(server.store.len(), 1);
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What is stored as trace and span of each event of a request with these header lines.
async fn traces(path: &str, body: &str, headers: &str) -> Vec<(Option<String>, Option<String>)> {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let request = post(path, body).replace("host: x\r\n", &format!("host: x\r\n{headers}"));
    client.send(request).await;
    assert_eq!(client.answer().await.status, 201, "{headers}");
    let stored = server.store.events("gateway.signal.received");
    let ids = stored
        .into_iter()
        .map(|event| (event.trace_id, event.span_id));
    ids.collect()
}

#[tokio::test]
async fn events_belong_to_the_trace_of_their_request_unless_they_say_otherwise() {
    let header = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\n");
    let ours = || (Some(TRACE.to_owned()), Some(SPAN.to_owned()));
    let stored = traces(EVENTS, &event(""), &header).await;
    assert_eq!(stored, [ours()]);
    let own = event(r#","trace_id":"t","span_id":"s""#);
    let batch = format!("[{},{own},{}]", event(""), event(""));
    let stored = traces(BATCH, &batch, &header).await;
    let own = (Some("t".to_owned()), Some("s".to_owned()));
    assert_eq!(stored, [ours(), own, ours()]);
}

#[tokio::test]
async fn a_trace_that_cannot_be_read_is_no_trace() {
    let header = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\n");
    for headers in [
        String::new(),
        header.repeat(2),
        header.replace(SPAN, "0000000000000000"),
        "traceparent: x\r\n".to_owned(),
        "traceparent: \u{e9}\r\n".to_owned(),
    ] {
        assert_eq!(traces(EVENTS, &event(""), &headers).await, [(None, None)]);
    }
}

#[tokio::test]
async fn a_panic_in_a_write_is_answered_and_counted() {
    let server = Server::start(Setup {
        append: Append::Panics,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let before = metric("datastorage_http_panics_total ");
    let child = r#","parent_event_id":"0193f3a1-0000-7000-8000-000000000009""#;
    let answer = client.post(EVENTS, &event(child)).await;
    answer.problem(500, "internal-error");
    assert!(!answer.body.contains("the test says so"), "{answer:?}");
    assert!(metric("datastorage_http_panics_total ") > before);
    assert_eq!(
        client.ask("GET /health/live", "").await.status,
        200,
        "the connection lives on"
    );
}

#[tokio::test]
async fn a_panic_in_a_read_is_answered_and_counted() {
    let server = Server::start(Setup {
        rendering_panics: true,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let before = metric("datastorage_http_panics_total ");
    client
        .ask("GET /metrics", "")
        .await
        .problem(500, "internal-error");
    assert!(metric("datastorage_http_panics_total ") > before);
    assert_eq!(
        client.ask("GET /health/live", "").await.status,
        200,
        "the connection lives on"
    );
}

#[tokio::test]
async fn a_client_that_has_finished_sending_still_gets_its_answers() {
    let server = Server::start(Setup::default()).await;
    for _ in 0..20 {
        let mut client = server.client().await;
        client.send(post(EVENTS, &event("")).repeat(5)).await;
        client.finish_sending().await;
        for _ in 0..5 {
            assert_eq!(client.answer().await.status, 201);
        }
        client.closed().await;
    }
}

#[tokio::test]
async fn a_write_that_was_begun_is_finished_after_its_client_left() {
    let server = Server::start(Setup {
        append: Append::Held,
        ..Setup::default()
    })
    .await;
    let open = r#"datastorage_http_connections "#;
    let mut client = server.client().await;
    client.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    let connected = metric(open);
    client.vanish();
    assert_eq!(server.store.len(), 0);
    server.store.release();
    until(|| server.store.len() == 1).await;
    until(|| metric(open) < connected).await;
}
