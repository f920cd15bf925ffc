//! Redis is away, too: the spool is next, and after it an honest 503.

use ds_testkit::{ChaosProxy, Durability, PostgresServer};
use hyper::StatusCode;

use crate::{
    program::{Program, eventually},
    service::{Reply, Service, event},
    stage::Stage,
    traffic::{Habits, Traffic, send_batch, send_one},
};

#[tokio::test]
async fn without_both_stores_events_are_spooled_and_stored_later() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let traffic = Traffic::start(&service, &stage.journal, Habits::default());
    stage.stored_more(50).await;
    postgres.stop().await;
    stage.accepted(50).await;
    stage.redis.stop().await;
    let spooled = r#"datastorage_parked_events_total{backlog="spool"}"#;
    eventually("events are spooled", async || {
        (service.metric(spooled).await? > 100.0).then_some(())
    })
    .await;
    let (status, body) = service.server().get("/health/ready").await.unwrap();
    assert_eq!(status, 200, "who is taken care of is welcome: {body}");

    stage.redis.restart().await;
    postgres.restart().await;
    stage.stored_more(50).await;
    traffic.stop().await;
    stage.check_statuses(&[201, 202]);
    stage.check_delivered().await;
    eventually("the spool is empty", async || {
        (service.metric("datastorage_spool_entries").await? == 0.0).then_some(())
    })
    .await;
}

fn check_unavailable(reply: Option<Reply>) {
    let reply = reply.expect("it is answered");
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    let wait: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let problem = reply.json();
    assert_eq!(problem["status"], 503);
    assert_eq!(
        problem["type"],
        "https://kubernaut.ai/problems/service-unavailable"
    );
}

#[tokio::test]
async fn without_any_place_events_are_refused_with_a_time_to_come_again() {
    let stage = Stage::shared().await;
    let network = ChaosProxy::in_front_of(stage.database.url()).await.unwrap();
    let program = Program::at(&network.url().parse().unwrap(), &[])
        .with("DS_REDIS__ADDR", stage.redis_address());
    let service = Service::of(program, &stage.database).await;
    let caller = service.caller();
    network.refuse().await;
    network.cut();
    stage.redis.stop().await;
    for _ in 0..6 {
        check_unavailable(send_one(&caller, &stage.journal, Habits::default()).await);
        check_unavailable(send_batch(&caller, &stage.journal, Habits::default(), 5).await);
    }
    let (status, body) = service.server().get("/health/ready").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("database_unreachable"), "{body}");

    stage.redis.restart().await;
    eventually("Redis takes them", async || {
        let reply = send_one(&caller, &stage.journal, Habits::default()).await?;
        (reply.status == StatusCode::ACCEPTED).then_some(())
    })
    .await;
    network.heal().await;
    eventually("PostgreSQL takes them", async || {
        (service.post(&event()).await.status == StatusCode::CREATED).then_some(())
    })
    .await;
    stage.check_delivered().await;
}
