//! Signals, and how the server ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use ds_testkit::TestDatabase;
use tokio_postgres::Client;

use crate::program::{PATIENCE, Program, Server, eventually, exchange, post_event};

/// Holds back every append until it is dropped or committed.
pub(crate) async fn hold_appends(database: &TestDatabase) -> Client {
    let client = database.connect().await;
    client
        .batch_execute("BEGIN; LOCK TABLE audit_events IN SHARE MODE")
        .await
        .unwrap();
    client
}

/// Waits until an append waits for the lock.
pub(crate) async fn append_waits(database: &TestDatabase) {
    let client = database.connect().await;
    eventually("an append waits", async || {
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                       WHERE NOT l.granted AND d.datname = current_database()";
        let row = client.query_one(waiting, &[]).await.unwrap();
        (row.get::<_, i64>(0) > 0).then_some(())
    })
    .await;
}

/// A server on `database` whose appends may wait for a lock as long as a test likes.
async fn patient_server(database: &TestDatabase, drain_timeout: &str) -> Server {
    Program::on(database, &[])
        .with("DS_DATABASE__LOCK_TIMEOUT", "1m")
        .with("DS_DATABASE__APPEND_TIMEOUT", "1m")
        .with("DS_INGEST__FLUSH_TIMEOUT", "1m")
        .with("DS_SHUTDOWN__DRAIN_TIMEOUT", drain_timeout)
        .with("DS_SHUTDOWN__WORKERS_TIMEOUT", "300ms")
        .spawn()
        .ready()
        .await
}

#[tokio::test]
async fn no_request_fails_when_the_load_balancer_heeds_readiness() {
    let database = TestDatabase::create().await;
    let server = Program::on(&database, &[])
        .with("DS_SHUTDOWN__PROPAGATION_PAUSE", "1s")
        .spawn()
        .ready()
        .await;
    let port = server.port();
    let is_over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU32::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    let (status, body) = post_event(port).await.expect("the post is answered");
                    assert_eq!(status, 201, "{body}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    eventually("traffic flows", async || {
        (answered.load(Ordering::SeqCst) > 50).then_some(())
    })
    .await;

    server.signal("TERM");
    let body = eventually("readiness is withdrawn", async || {
        let (status, body) = server.get("/health/ready").await?;
        (status == 503).then_some(body)
    })
    .await;
    assert!(body.contains("shutting_down"), "{body}");
    assert_eq!(server.get("/health/live").await.unwrap().0, 200);
    assert_eq!(server.get("/health").await.unwrap().0, 200);
    let before = answered.load(Ordering::SeqCst);
    eventually("traffic still flows", async || {
        (answered.load(Ordering::SeqCst) > before + 10).then_some(())
    })
    .await;
    is_over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }

    let (code, log) = server.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let stored = database
        .connect()
        .await
        .query_one("SELECT count(*) FROM audit_events", &[])
        .await;
    let stored: i64 = stored.unwrap().get(0);
    assert_eq!(stored, i64::from(answered.load(Ordering::SeqCst)));
    assert!(post_event(port).await.is_none());
}

#[tokio::test]
async fn phases_run_in_their_order() {
    let database = TestDatabase::create().await;
    let server = Server::ready_on(&database).await;
    server.signal("INT");
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let phases: Vec<_> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|line| line["phase"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        phases,
        [
            "propagation pause",
            "drain requests",
            "stop workers",
            "finish own trail",
            "finish writes",
            "close stores"
        ]
    );
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let database = TestDatabase::create().await;
    let server = patient_server(&database, "30s").await;
    let lock = hold_appends(&database).await;
    let port = server.port();
    let post = tokio::spawn(post_event(port));
    append_waits(&database).await;
    server.signal("TERM");
    eventually("connections are refused", async || {
        exchange(port, "GET", "/health/live", "")
            .await
            .is_none()
            .then_some(())
    })
    .await;
    assert!(!post.is_finished());
    lock.batch_execute("COMMIT").await.unwrap();
    let (status, body) = post.await.unwrap().expect("the post is answered");
    assert_eq!(status, 201, "{body}");
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn a_drain_that_takes_too_long_ends_and_is_told() {
    let database = TestDatabase::create().await;
    let server = patient_server(&database, "300ms").await;
    let _lock = hold_appends(&database).await;
    let post = tokio::spawn(post_event(server.port()));
    append_waits(&database).await;
    server.signal("TERM");
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(2), "{log}");
    assert!(
        log.contains("drain requests, unfinished: 1 connections and 1 writes"),
        "{log}"
    );
    assert!(log.contains("Shutdown: close stores, done"), "{log}");
    assert!(post.await.unwrap().is_none());
}

async fn check_second(first: &str, second: &str, code: i32) {
    let database = TestDatabase::create().await;
    let server = Program::on(&database, &[])
        .with("DS_SHUTDOWN__PROPAGATION_PAUSE", "1h")
        .spawn()
        .ready()
        .await;
    server.signal(first);
    server.logged("Shutting down").await;
    server.signal(second);
    let ended = tokio::time::timeout(PATIENCE.min(Duration::from_secs(5)), server.ended()).await;
    let (given, log) = ended.expect("the server ends at once");
    assert_eq!(given, Some(code), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    check_second("TERM", "TERM", 143).await;
    check_second("TERM", "INT", 130).await;
}
