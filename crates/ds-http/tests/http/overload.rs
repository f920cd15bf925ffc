//! More writes than can be taken: refused before their bodies are read.

use std::time::Duration;

use ds_http::RequestLimits;
use tokio::time::{Instant, timeout};

use crate::{
    client::{Client, PATIENCE, post},
    server::{Append, Server, Setup, event, metric},
};

const EVENTS: &str = "/api/v1/audit/events";
const BATCH: &str = "/api/v1/audit/events/batch";
const POST: &str =
    "POST /api/v1/audit/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

/// A server that has one write in hand at a time.
async fn narrow(append: Append) -> Server {
    let writes = ds_ingest::Settings {
        writes_in_flight_max: 1,
        ..ds_ingest::Settings::default()
    };
    let requests = RequestLimits {
        body_bytes_max: 100_000,
        body_read_timeout: Duration::from_millis(300),
        ..RequestLimits::default()
    };
    Server::start(Setup {
        append,
        writes,
        requests,
        ..Setup::default()
    })
    .await
}

/// Such a server, and the client whose write it has in hand until it is released.
async fn busy() -> (Server, Client) {
    let server = narrow(Append::Held).await;
    let mut first = server.client().await;
    first.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    (server, first)
}

async fn check_refused(client: &mut Client) {
    let answer = client.answer().await;
    let document = answer.problem(503, "overloaded");
    assert_eq!(document["title"], "Service Overloaded");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn one_write_too_many_is_refused_before_its_body_comes() {
    let (server, mut first) = busy().await;
    let series = r#"datastorage_ingest_writes_refused_total{reason="writes_in_flight"} "#;
    let before = metric(series);
    for framing in [
        "content-length: 900",
        "content-length: 90000",
        "content-length: 99999999999",
        "transfer-encoding: chunked",
        "expect: 100-continue\r\ncontent-length: 900",
    ] {
        let mut client = server.client().await;
        client.send(format!("{POST}{framing}\r\n\r\n")).await;
        check_refused(&mut client).await;
    }
    assert!(metric(series) >= before + 5.0);
    server.store.release();
    assert_eq!(first.answer().await.status, 201);
    assert_eq!(server.store.len(), 1);
}

#[tokio::test]
async fn a_refusal_does_not_take_long() {
    let (server, _first) = busy().await;
    let mut client = server.client().await;
    // Of several, because this machine may have other things to do.
    let mut fastest = PATIENCE;
    for _ in 0..20 {
        let started = Instant::now();
        client.send(post(EVENTS, &event(""))).await;
        check_refused(&mut client).await;
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < Duration::from_millis(10), "{fastest:?}");
    let mut fastest = PATIENCE;
    for _ in 0..20 {
        let mut client = server.client().await;
        let started = Instant::now();
        client
            .send(format!("{POST}content-length: 900\r\n\r\n"))
            .await;
        check_refused(&mut client).await;
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < Duration::from_millis(20), "{fastest:?}");
}

#[tokio::test]
async fn a_small_body_that_is_refused_leaves_the_connection_usable() {
    let (server, _first) = busy().await;
    let mut client = server.client().await;
    for path in [EVENTS, BATCH, EVENTS] {
        let answer = client.post(path, &event("")).await;
        answer.problem(503, "overloaded");
        assert_eq!(answer.header("connection"), "");
    }
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_the_refusal_all_the_same() {
    let (server, _first) = busy().await;
    let mut client = server.client().await;
    let megabytes = vec![b' '; 8 * 1024 * 1024];
    let length = megabytes.len();
    client
        .send(format!("{POST}content-length: {length}\r\n\r\n"))
        .await;
    client.send(megabytes).await;
    check_refused(&mut client).await;
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_never_sends_what_it_announced_is_let_go() {
    let (server, _first) = busy().await;
    let mut client = server.client().await;
    client
        .send(format!("{POST}content-length: 90000\r\n\r\n"))
        .await;
    check_refused(&mut client).await;
    client.closed().await;
}

#[tokio::test]
async fn what_is_no_write_is_answered_under_overload() {
    let (server, _first) = busy().await;
    let mut client = server.client().await;
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
    assert_eq!(client.ask("GET /metrics", "").await.status, 200);
}

/// Checks that the one place of `server` is free, or becomes so.
async fn check_free(server: &Server) {
    let mut client = server.client().await;
    let admitted = async {
        while client.post(EVENTS, &event("")).await.status != 201 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, admitted)
        .await
        .expect("the place is free");
}

async fn check_given_back(request: &str, status: u16) {
    let server = narrow(Append::AtOnce).await;
    let mut client = server.client().await;
    client.send(request).await;
    assert_eq!(client.answer().await.status, status, "{request:.300}");
    check_free(&server).await;
}

#[tokio::test]
async fn every_answer_gives_the_place_back() {
    check_given_back(&post(EVENTS, &event("")), 201).await;
    check_given_back(&post(EVENTS, "{}"), 400).await;
    check_given_back(&post(BATCH, "no JSON"), 400).await;
    check_given_back(&post(EVENTS, ""), 400).await;
    check_given_back(&post(EVENTS, &" ".repeat(100_001)), 413).await;
    let text = POST.replace("application/json", "text/plain");
    check_given_back(&format!("{text}content-length: 2\r\n\r\n{{}}"), 400).await;
    let head = format!("{POST}content-encoding: gzip\r\n");
    check_given_back(&format!("{head}content-length: 2\r\n\r\n{{}}"), 415).await;
    check_given_back(&format!("{POST}content-length: 2\r\n\r\n{{"), 408).await;
    check_given_back(
        &format!("{POST}transfer-encoding: chunked\r\n\r\nx\r\n"),
        400,
    )
    .await;
}

#[tokio::test]
async fn a_panic_gives_the_place_back() {
    let server = narrow(Append::Panics).await;
    let child = r#","parent_event_id":"0193f3a1-0000-7000-8000-000000000009""#;
    let answer = server.client().await.post(EVENTS, &event(child)).await;
    answer.problem(500, "internal-error");
    check_free(&server).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_gives_the_place_back() {
    let server = narrow(Append::AtOnce).await;
    let mut client = server.client().await;
    client
        .send(format!(
            "{POST}expect: 100-continue\r\ncontent-length: 900\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status, 100, "the body is waited for");
    client.send("{").await;
    client.vanish();
    check_free(&server).await;
}

#[tokio::test]
async fn the_place_is_taken_until_the_write_is_done_even_when_its_client_has_left() {
    let (server, first) = busy().await;
    first.vanish();
    let mut client = server.client().await;
    client
        .post(EVENTS, &event(""))
        .await
        .problem(503, "overloaded");
    for _ in 0..2 {
        server.store.release();
    }
    check_free(&server).await;
    assert_eq!(server.store.len(), 2);
}

#[tokio::test]
async fn a_queue_of_writers_that_is_full_is_overload_too() {
    let writes = ds_ingest::Settings {
        queue_rows_max: 1,
        ..ds_ingest::Settings::default()
    };
    let server = Server::start(Setup {
        writes,
        queue: Some(10),
        ..Setup::default()
    })
    .await;
    let batch = format!("[{},{}]", event(""), event(""));
    let answer = server.client().await.post(BATCH, &batch).await;
    answer.problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(server.queue().is_empty(), "overload is no reason to park");
}
