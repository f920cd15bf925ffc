//! Streams of all events, one a line.

use http_body_util::Full;
use hyper::{Method, StatusCode, body::Bytes};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    program::{PATIENCE, Program, eventually},
    service::{BATCH, EVENTS, Reply, Service, event_with, now},
};

const NDJSON: &str = "application/x-ndjson";

/// Stores `count` events of about `bytes` each, the newest one last.
async fn seed(service: &Service, count: i64, bytes: usize) {
    let start = now() - jiff::SignedDuration::from_hours(1);
    let padding = "x".repeat(bytes);
    let event = |n: i64| {
        event_with(json!({
            "event_timestamp": start + jiff::SignedDuration::from_millis(n / 3),
            "severity": if n % 2 == 0 { "high" } else { "low" },
            "duration_ms": n,
            "event_data": { "n": n, "padding": padding },
        }))
    };
    let numbers: Vec<i64> = (0..count).collect();
    for batch in numbers.chunks(100) {
        let events: Vec<Value> = batch.iter().map(|n| event(*n)).collect();
        let reply = service
            .send(Method::POST, BATCH, json!(events).to_string())
            .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    }
}

async fn export(service: &Service, query: &str) -> Reply {
    let request = service
        .request(Method::GET, &format!("{EVENTS}?{query}"))
        .header("accept", NDJSON)
        .body(Full::<Bytes>::default())
        .unwrap();
    service.try_exchange(request).await.unwrap()
}

fn numbers(reply: &Reply) -> Vec<i64> {
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    assert_eq!(reply.headers["content-type"], NDJSON);
    let text = std::str::from_utf8(&reply.body).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["duration_ms"].as_i64().unwrap()
        })
        .collect()
}

/// All numbers that a walk page by page shows.
async fn walked(service: &Service, query: &str) -> Vec<i64> {
    let mut path = format!("{EVENTS}?{query}&limit=1000&cursor=");
    let mut seen = Vec::new();
    loop {
        let page = service.send(Method::GET, &path, "").await.json();
        let events = page["data"].as_array().unwrap();
        seen.extend(
            events
                .iter()
                .map(|event| event["duration_ms"].as_i64().unwrap()),
        );
        match page["pagination"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn every_event_is_one_line_in_the_order_of_pages() {
    let service = Service::start().await;
    assert!(numbers(&export(&service, "").await).is_empty());
    seed(&service, 1_300, 10).await;
    for query in ["", "severity=high", "severity=none", "since=2h"] {
        let expected = walked(&service, query).await;
        assert_eq!(numbers(&export(&service, query).await), expected, "{query}");
    }
    let reply = export(&service, "limit=7&severity=low").await;
    assert_eq!(numbers(&reply), walked(&service, "severity=low").await[..7]);
    let varies = reply.headers.get_all("vary").iter();
    let varies: Vec<_> = varies.map(|name| name.to_str().unwrap()).collect();
    assert_eq!(varies, ["Accept", "Origin"]);

    let page = service.query("limit=100&cursor=").await;
    let next = page["pagination"]["next"].as_str().unwrap();
    let cursor = next.rsplit_once("cursor=").unwrap().1;
    let rest = export(&service, &format!("cursor={cursor}")).await;
    assert_eq!(numbers(&rest), walked(&service, "").await[100..]);
    let line = rest.body.split(|byte| *byte == b'\n').next().unwrap();
    let single = serde_json::from_slice::<Value>(line).unwrap();
    let path = format!("{EVENTS}/{}", single["event_id"].as_str().unwrap());
    assert_eq!(service.send(Method::GET, &path, "").await.json(), single);

    for wrong in ["offset=3", "cursor=x", "limit=0", "severity="] {
        let reply = export(&service, wrong).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

/// A client that reads when the test says so.
async fn slow_client(service: &Service, query: &str) -> TcpStream {
    let address = ("127.0.0.1", service.server().port());
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {EVENTS}?{query} HTTP/1.1\r\nhost: x\r\naccept: {NDJSON}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 15];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    socket
}

/// Waits until a metric of the service has this value.
async fn shows(service: &Service, series: &str, value: f64) {
    eventually(series, async || {
        (service.metric(series).await == Some(value)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_slow_reader_holds_no_connection_and_too_many_are_told_to_come_again() {
    let database = std::sync::Arc::new(ds_testkit::TestDatabase::create().await);
    let program = Program::on(&database, &[]).with("DS_SERVER__EXPORTS_MAX", "1");
    let service = Service::of(program, &database).await;
    // More than sockets buffer.
    seed(&service, 1_500, 20_000).await;
    let socket = slow_client(&service, "").await;
    let client = database.connect().await;
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
        AND pid <> pg_backend_pid() AND (state <> 'idle' OR xact_start IS NOT NULL) \
        AND query LIKE '-- export%'";
    eventually("nothing is at work for it", async || {
        let row = client.query_one(at_work, &[]).await.unwrap();
        (row.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    assert_eq!(
        service.metric("datastorage_exports_active").await,
        Some(1.0)
    );

    let refused = export(&service, "").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(
        refused.json()["type"],
        "https://kubernaut.ai/problems/overloaded"
    );
    assert_eq!(
        service.metric("datastorage_exports_refused_total").await,
        Some(1.0)
    );
    assert_eq!(service.query("limit=1").await["pagination"]["total"], 1_500);

    drop(socket);
    shows(&service, "datastorage_exports_active", 0.0).await;
    shows(
        &service,
        "datastorage_exports_total{status=\"client_left\"}",
        1.0,
    )
    .await;
    assert_eq!(numbers(&export(&service, "").await).len(), 1_500);
    shows(
        &service,
        "datastorage_exports_total{status=\"complete\"}",
        1.0,
    )
    .await;
    service.terminate().await;
}

#[tokio::test]
async fn a_stream_that_the_store_cannot_finish_is_broken_off_visibly() {
    let service = Service::start().await;
    seed(&service, 1_500, 20_000).await;
    let mut socket = slow_client(&service, "").await;
    let client = service.database.connect().await;
    // From here on no statement on events succeeds.
    client
        .batch_execute("ALTER TABLE audit_events RENAME TO gone")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    read.unwrap().ok();
    assert!(rest.len() > 1_000, "something was sent before");
    assert!(
        !rest.ends_with(b"\r\n0\r\n\r\n"),
        "the last chunk is missing"
    );
    shows(
        &service,
        "datastorage_exports_total{status=\"broken_off\"}",
        1.0,
    )
    .await;

    // A client library says so, too.
    let request = service
        .request(Method::GET, EVENTS)
        .header("accept", NDJSON)
        .body(Full::<Bytes>::default())
        .unwrap();
    let reply = service.try_exchange(request).await.unwrap();
    assert_eq!(
        reply.status,
        StatusCode::INTERNAL_SERVER_ERROR,
        "before the first line"
    );
}

#[tokio::test]
async fn the_end_of_the_process_waits_for_a_stream() {
    let service = Service::start().await;
    seed(&service, 600, 20_000).await;
    let mut socket = slow_client(&service, "").await;
    service.server().signal("TERM");
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    read.unwrap().unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "all of it was sent");
    let lines = rest.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines > 600, "{lines}");
    service.ended().await;
}
