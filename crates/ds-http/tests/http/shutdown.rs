//! The orderly end of a listener.

use std::time::Duration;

use ds_http::Drained;

use crate::{
    client::{PATIENCE, post},
    server::{Append, Server, Setup, event},
};

const EVENTS: &str = "/api/v1/audit/events";

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let server = Server::start(Setup {
        append: Append::Held,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    client.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    let ending = server.shut_down(PATIENCE);
    ending.refuses_connections().await;
    ending.store.release();
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (201, "close".to_owned())
    );
    client.closed().await;
    assert!(ending.ended().await.is_complete());
}

#[tokio::test]
async fn connections_without_a_request_are_closed() {
    let server = Server::start(Setup::default()).await;
    let mut kept = server.client().await;
    assert_eq!(kept.ask("GET /health/live", "").await.status, 200);
    let mut fresh = server.client().await;
    // Accepted for sure once a later connection is answered.
    assert_eq!(
        server
            .client()
            .await
            .ask("GET /health/live", "")
            .await
            .status,
        200
    );
    let ending = server.shut_down(PATIENCE);
    kept.closed().await;
    fresh.closed().await;
    assert!(ending.ended().await.is_complete());
}

#[tokio::test]
async fn a_write_whose_client_left_is_awaited() {
    let server = Server::start(Setup {
        append: Append::Held,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    client.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    drop(client);
    let ending = server.shut_down(PATIENCE);
    ending.refuses_connections().await;
    let store = std::sync::Arc::clone(&ending.store);
    store.release();
    assert!(ending.ended().await.is_complete());
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn what_takes_longer_than_the_budget_is_cut_and_told() {
    let server = Server::start(Setup {
        append: Append::Held,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    client.send(post(EVENTS, &event(""))).await;
    server.store.append_begun().await;
    let ending = server.shut_down(Duration::from_millis(50));
    let store = std::sync::Arc::clone(&ending.store);
    let drained = ending.ended().await;
    assert_eq!(
        drained,
        Drained {
            connections_left: 1,
            writes_left: 1
        }
    );
    client.closed().await;
    store.release();
}
