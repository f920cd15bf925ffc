//! The process ends while stores are away: what it has acknowledged is stored by the next one.

use std::time::{Duration, Instant};

use ds_testkit::{Durability, PostgresServer};

use crate::{
    program::eventually,
    service::Service,
    stage::Stage,
    traffic::{Habits, Traffic},
};

/// Longest orderly end: every phase but those that wait for clients is short.
const END_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_kill_without_both_stores_costs_nothing() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let traffic = Traffic::start(&service, &stage.journal, Habits::default());
    stage.stored_more(50).await;
    postgres.kill().await;
    stage.accepted(50).await;
    stage.redis.kill().await;
    let before = stage.journal.tally().accepted;
    stage.accepted(before + 200).await;
    service.kill();
    traffic.stop().await;
    service.ended().await;

    let service = Service::new(stage.program().spawn(), &stage.database);
    let server = service.server();
    eventually("it lives", async || {
        (server.get("/health/live").await?.0 == 200).then_some(())
    })
    .await;
    let (status, body) = server.get("/health/ready").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("starting"), "{body}");

    stage.redis.restart().await;
    postgres.restart().await;
    let service = service.ready().await;
    stage.check_delivered().await;
    service.terminate().await;
}

/// Which stores are away while the server is asked to end.
struct Away {
    postgres: bool,
    redis: bool,
}

async fn check_end(away: Away) {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let traffic = Traffic::start(&service, &stage.journal, Habits::default());
    stage.stored_more(50).await;
    if away.redis {
        stage.redis.stop().await;
    }
    if away.postgres {
        postgres.stop().await;
        stage.accepted(100).await;
    } else {
        stage.stored_more(100).await;
    }
    let asked = Instant::now();
    service.terminate().await;
    assert!(asked.elapsed() < END_MAX, "{:?}", asked.elapsed());
    traffic.stop().await;
    // Between the end and the next start a client has no answer, which promises nothing.
    let refused = stage.journal.statuses();
    let refused = refused.iter().filter(|(status, _)| *status >= 203);
    assert_eq!(refused.count(), 0, "{:?}", stage.journal.statuses());

    stage.redis.restart().await;
    postgres.restart().await;
    stage.check_kept().await;
    let service = stage.service().await;
    stage.check_delivered().await;
    service.terminate().await;
}

#[tokio::test]
async fn an_end_without_postgresql_loses_nothing() {
    check_end(Away {
        postgres: true,
        redis: false,
    })
    .await;
}

#[tokio::test]
async fn an_end_without_redis_loses_nothing() {
    check_end(Away {
        postgres: false,
        redis: true,
    })
    .await;
}

#[tokio::test]
async fn an_end_without_either_loses_nothing() {
    check_end(Away {
        postgres: true,
        redis: true,
    })
    .await;
}
