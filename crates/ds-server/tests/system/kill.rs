//! `kill -9` in a stream of writes: what was answered 201 is in the table.

use std::{collections::HashSet, sync::Arc};

use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use crate::service::{EVENTS, Service, event_with};

#[tokio::test]
async fn every_acknowledged_event_survives_kill_9() {
    let service = Arc::new(Service::start().await);
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (service, acknowledge) = (Arc::clone(&service), acknowledge.clone());
        writers.spawn(async move {
            for n in 0.. {
                let event = event_with(json!({ "event_data": { "writer": writer, "n": n } }));
                let reply = service
                    .try_send(Method::POST, EVENTS, event.to_string())
                    .await;
                let Some(reply) = reply.filter(|reply| reply.status == StatusCode::CREATED) else {
                    return;
                };
                let id = reply.json()["event_id"].as_str().unwrap().to_owned();
                acknowledge.send(id).unwrap();
            }
        });
    }
    drop(acknowledge);
    let mut ids = HashSet::new();
    while ids.len() < 300 {
        ids.insert(
            acknowledged
                .recv()
                .await
                .expect("writers go on until the kill"),
        );
    }
    service.kill();
    writers.join_all().await;
    while let Some(id) = acknowledged.recv().await {
        ids.insert(id);
    }
    let database = Arc::into_inner(service)
        .expect("writers have ended")
        .ended()
        .await;
    let rows = database.connect().await;
    let rows = rows
        .query("SELECT event_id::text FROM audit_events", &[])
        .await
        .unwrap();
    let stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let distinct: HashSet<String> = stored.iter().cloned().collect();
    assert_eq!(distinct.len(), stored.len(), "nothing is stored twice");
    let lost: Vec<_> = ids.difference(&distinct).collect();
    assert!(
        lost.is_empty(),
        "of {} acknowledged events {} are lost",
        ids.len(),
        lost.len()
    );

    // The next process takes the database as it is.
    let service = Service::start_on(database).await;
    assert_eq!(
        service.post(&event_with(json!({}))).await.status,
        StatusCode::CREATED
    );
}
