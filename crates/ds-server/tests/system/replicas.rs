//! Several processes on one database and one queue.

use ds_testkit::{Durability, PostgresServer, Reply};

use crate::{
    lifecycle::{append_waits, hold_appends},
    program::eventually,
    service::Service,
    stage::Stage,
    traffic::{Habits, Traffic},
};

const STREAM: &str = "audit:dlq:events";
const GROUP: &str = "audit-dlq-workers";

async fn replica(stage: &Stage) -> Service {
    Service::of(stage.program_without_spool(), &stage.database).await
}

fn start(service: &Service, stage: &Stage) -> Traffic {
    Traffic::start(service, &stage.journal, Habits::default())
}

#[tokio::test]
async fn what_both_park_is_stored_once() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let (one, other) = (replica(&stage).await, replica(&stage).await);
    let traffic = [start(&one, &stage), start(&other, &stage)];
    stage.stored_more(50).await;
    postgres.stop().await;
    stage.accepted(500).await;
    postgres.restart().await;
    stage.stored_more(50).await;
    for traffic in traffic {
        traffic.stop().await;
    }
    stage.check_delivered().await;
    stage.check_statuses(&[201, 202]);
    let replayed = r#"datastorage_replayed_entries_total{backlog="queue",outcome="stored"}"#;
    let counts = [one.metric(replayed).await, other.metric(replayed).await];
    let sum: f64 = counts.into_iter().flatten().sum();
    assert!(sum >= 500.0, "{counts:?}");
}

/// Entries that were taken and not settled.
async fn taken(stage: &Stage) -> Vec<Vec<String>> {
    let pending = ["XPENDING", STREAM, GROUP, "-", "+", "10000"];
    let Reply::Array(entries) = stage.redis(&pending).await else {
        panic!("a list of entries")
    };
    let texts = |entry: &Reply| {
        let pieces = entry.pieces();
        pieces
            .into_iter()
            .map(|piece| String::from_utf8_lossy(piece).into_owned())
            .collect()
    };
    entries.iter().map(texts).collect()
}

#[tokio::test]
async fn what_a_killed_replica_had_in_hand_is_stored_by_another() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let one = replica(&stage).await;
    let traffic = start(&one, &stage);
    stage.stored_more(20).await;
    postgres.stop().await;
    stage.accepted(200).await;
    traffic.stop().await;
    // It replays, and cannot finish.
    postgres.restart().await;
    let lock = hold_appends(&stage.database).await;
    append_waits(&stage.database).await;
    eventually("entries are taken", async || {
        (!taken(&stage).await.is_empty()).then_some(())
    })
    .await;
    one.kill();
    one.ended().await;
    let orphans = taken(&stage).await;
    assert!(!orphans.is_empty());
    lock.batch_execute("COMMIT").await.unwrap();
    stage.check_kept().await;

    let other = replica(&stage).await;
    // Nobody waits a minute for the lease to end: the entries are made as old as that.
    let consumer = &orphans[0][1];
    for orphan in &orphans {
        let claim = [
            "XCLAIM", STREAM, GROUP, consumer, "0", &orphan[0], "IDLE", "3600000", "JUSTID",
        ];
        stage.redis(&claim).await;
    }
    stage.check_delivered().await;
    other.terminate().await;
}
