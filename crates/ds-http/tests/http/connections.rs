//! Connections that wait, dribble, pipeline or never read.

use std::time::Duration;

use ds_http::ConnectionLimits;
use tokio::time::{Instant, timeout};

use crate::{
    client::{PATIENCE, post},
    server::{Append, Server, Setup, event, metric},
};

const EVENTS: &str = "/api/v1/audit/events";
const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

const HEADER: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_millis(600);

/// A server that loses patience quickly; idle connections may live longer than half a head.
async fn impatient(append: Append) -> Server {
    let connections = ConnectionLimits {
        header_read_timeout: HEADER,
        idle_timeout: IDLE,
        write_stall_timeout: HEADER,
        ..ConnectionLimits::default()
    };
    Server::start(Setup {
        append,
        connections,
        ..Setup::default()
    })
    .await
}

#[track_caller]
fn check_elapsed(since: Instant, expected: Duration) {
    let elapsed = since.elapsed();
    // Generous upwards: the machine may be busy. Timers never fire early.
    let latest = expected + Duration::from_secs(3);
    assert!(
        (expected..latest).contains(&elapsed),
        "{elapsed:?}, not {expected:?}"
    );
}

async fn check_closed_after(beginning: &str) {
    let server = impatient(Append::AtOnce).await;
    let started = Instant::now();
    let mut client = server.client().await;
    client.send(beginning).await;
    client.closed().await;
    check_elapsed(started, HEADER);
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    check_closed_after("").await;
}

#[tokio::test]
async fn a_connection_with_half_a_head_is_closed() {
    check_closed_after("GET /health/live HTTP/1.1\r\nhost:").await;
}

#[tokio::test]
async fn a_connection_with_half_a_preface_of_http_2_is_closed() {
    check_closed_after("PRI * HT").await;
}

#[tokio::test]
async fn a_connection_that_dribbles_its_head_is_closed() {
    let server = impatient(Append::AtOnce).await;
    let mut client = server.client().await;
    let started = Instant::now();
    while client.try_send(b"G").await {
        assert!(started.elapsed() < PATIENCE, "the server reads on and on");
        tokio::time::sleep(HEADER / 20).await;
    }
    check_elapsed(started, HEADER);
}

#[tokio::test]
async fn a_connection_that_dribbles_its_second_head_is_closed() {
    let server = impatient(Append::AtOnce).await;
    let mut client = server.client().await;
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
    let started = Instant::now();
    while client.try_send(b"G").await {
        assert!(started.elapsed() < PATIENCE, "the server reads on and on");
        tokio::time::sleep(HEADER / 20).await;
    }
    check_elapsed(started, HEADER);
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_a_slow_one() {
    let server = impatient(Append::AtOnce).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        assert_eq!(client.ask("GET /health/live", "").await.status, 200);
        tokio::time::sleep(IDLE / 2).await;
    }
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
    let started = Instant::now();
    client.closed().await;
    check_elapsed(started, IDLE - Duration::from_millis(50));
}

#[tokio::test]
async fn a_connection_whose_request_is_at_work_is_not_closed() {
    let server = impatient(Append::Held).await;
    let mut client = server.client().await;
    client.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    tokio::time::sleep(IDLE * 2).await;
    server.store.release();
    assert_eq!(client.answer().await.status, 201);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off() {
    let server = impatient(Append::AtOnce).await;
    let mut client = server.client().await;
    let many = "GET /openapi.yaml HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let flood = async { while client.try_send(many.as_bytes()).await {} };
    timeout(PATIENCE, flood)
        .await
        .expect("the server stops waiting");
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_cut_off() {
    let stall = Duration::from_secs(1);
    let connections = ConnectionLimits {
        write_stall_timeout: stall,
        ..ConnectionLimits::default()
    };
    let setup = Setup {
        connections,
        ..Setup::default()
    };
    let server = Server::start(setup).await;
    let mut client = server.client().await;
    let many = "GET /openapi.yaml HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500);
    client.send(many).await;
    let started = Instant::now();
    // A third of what the system holds for it lasts longer than the bound.
    while started.elapsed() < stall * 4 {
        assert!(
            client.takes(20_000).await,
            "cut off after {:?}",
            started.elapsed()
        );
        tokio::time::sleep(stall / 20).await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let one = |n| format!("GET /health/live HTTP/1.1\r\nhost: x\r\nx-request-id: {n}\r\n\r\n");
    let body = event("");
    let requests: String = (0..20).map(|n| one(n) + &post(EVENTS, &body)).collect();
    client.send(requests).await;
    for n in 0..20 {
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.header("x-request-id")),
            (200, n.to_string())
        );
        assert_eq!(client.answer().await.status, 201);
    }
    assert_eq!(server.store.len(), 20);
}

#[tokio::test]
async fn a_connection_is_kept_until_the_client_closes_it() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        let answer = client.ask("GET /health/live", "").await;
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, String::new())
        );
    }
    let answer = client
        .ask("GET /health/live", "connection: close\r\n")
        .await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, "close".to_owned())
    );
    client.closed().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_and_counted() {
    let connections = ConnectionLimits {
        connections_max: 1,
        ..ConnectionLimits::default()
    };
    let server = Server::start(Setup {
        connections,
        ..Setup::default()
    })
    .await;
    let mut first = server.client().await;
    assert_eq!(first.ask("GET /health/live", "").await.status, 200);
    let refused = metric("datastorage_http_connections_refused_total ");
    server.client().await.closed().await;
    assert!(metric("datastorage_http_connections_refused_total ") > refused);
    assert_eq!(first.ask("GET /health/live", "").await.status, 200);

    drop(first);
    let accepted = async {
        loop {
            let mut next = server.client().await;
            if next.try_send(LIVE.as_bytes()).await && next.is_answered().await {
                break;
            }
        }
    };
    timeout(PATIENCE, accepted)
        .await
        .expect("the place is free again");
}
