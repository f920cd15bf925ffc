//! Many at once: everybody is answered 201.

use hyper::StatusCode;

use crate::{
    program::Program,
    service::{Service, event},
};
use ds_testkit::TestDatabase;
use std::sync::Arc;

/// Posts `count` events at the same time; all must be stored.
async fn check(service: &Service, count: usize) {
    let posts = (0..count).map(|_| async { service.post(&event()).await });
    let replies = futures_util::future::join_all(posts).await;
    for reply in replies {
        assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    }
}

#[tokio::test]
async fn a_hundred_and_fifty_at_once_are_stored() {
    let service = Service::start().await;
    check(&service, 150).await;
    assert_eq!(service.stored().await, 150);
}

#[tokio::test]
async fn burst_after_burst_is_stored() {
    let service = Service::start().await;
    for _ in 0..3 {
        check(&service, 100).await;
    }
    assert_eq!(service.stored().await, 300);
}

#[tokio::test]
async fn more_clients_than_connections_are_served() {
    let database = Arc::new(TestDatabase::create().await);
    let program = Program::on(&database, &[]).with("DS_DATABASE__MAX_OPEN_CONNS", "25");
    let service = Service::of(program, &database).await;
    check(&service, 50).await;
    assert_eq!(service.stored().await, 50);
}
