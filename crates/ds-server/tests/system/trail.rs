//! The trail that the service leaves itself: searches of the catalogue become audit events, and none
//! is lost when the process ends.

use ds_testkit::{Durability, PostgresServer};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::{
    program::eventually,
    search::{Workflow, ask, search},
    service::Service,
    stage::Stage,
};

const SEARCHED: &str = "workflow.catalog.search_completed";

/// The events of searches that are stored, the oldest first.
async fn searches(service: &Service, count: usize) -> Vec<Value> {
    eventually("searches are audited", async || {
        let query = format!("event_type={SEARCHED}&limit=1000");
        let mut found = service.query(&query).await["data"].as_array()?.clone();
        found.reverse();
        (found.len() >= count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn each_search_is_an_event_also_one_that_finds_nothing() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    Workflow::named("raise-limit").insert(&client).await;
    let mut body = search(json!({ "custom_labels": { "team": ["a"] } }));
    body["remediation_id"] = json!("rr-71");
    body["top_k"] = json!(7);
    assert_eq!(ask(&service, &body).await.status, StatusCode::OK);
    let nothing = search(json!({ "component": "node" }));
    assert_eq!(ask(&service, &nothing).await.status, StatusCode::OK);
    // One that is refused is not a search.
    assert_eq!(
        ask(&service, &json!({})).await.status,
        StatusCode::BAD_REQUEST
    );

    let found = searches(&service, 2).await;
    assert_eq!(found.len(), 2);
    let first = &found[0];
    for (member, expected) in [
        ("event_category", json!("workflow")),
        ("event_action", json!("search_completed")),
        ("event_outcome", json!("success")),
        ("actor_type", json!("service")),
        ("actor_id", json!("datastorage")),
        ("resource_type", json!("workflow_catalog")),
        ("correlation_id", json!("rr-71")),
        ("retention_days", json!(90)),
        ("is_sensitive", json!(false)),
    ] {
        assert_eq!(first[member], expected, "{member}");
    }
    let data = &first["event_data"];
    assert_eq!(data["query"]["top_k"], 7);
    assert_eq!(data["query"]["filters"]["signal_type"], "OOMKilled");
    assert_eq!(data["results"]["total_found"], 1);
    assert_eq!(data["results"]["returned"], 1);
    let workflow = &data["results"]["workflows"][0];
    assert_eq!(workflow["title"], "raise-limit");
    assert_eq!(workflow["scoring"]["confidence"], 0.5);
    let metadata = data["search_metadata"].as_object().unwrap();
    assert!(metadata["duration_ms"].is_u64());
    assert_eq!(
        metadata.len(),
        1,
        "what was removed is not told: {metadata:?}"
    );

    let second = &found[1];
    assert_eq!(second["event_data"]["results"]["total_found"], 0);
    // Without a remediation the search is its own correlation.
    assert_eq!(second["correlation_id"], second["resource_id"]);
    let written = r#"audit_events_written_total{service="datastorage"}"#;
    assert_eq!(service.metric(written).await, Some(2.0));
    let dropped = r#"audit_events_dropped_total{service="datastorage"}"#;
    assert_eq!(service.metric(dropped).await, Some(0.0));
    let size = r#"audit_buffer_size{service="datastorage"}"#;
    assert_eq!(service.metric(size).await, Some(0.0));
    service.terminate().await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_process_ends() {
    let service = Service::start().await;
    let database = std::sync::Arc::clone(&service.database);
    let asking = (0..50).map(|_| async { ask(&service, &search(json!({}))).await.status });
    let statuses = futures_util::future::join_all(asking).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    service.terminate().await;
    let client = database.connect().await;
    let count = "SELECT count(*) FROM audit_events WHERE event_type = $1";
    let count: i64 = client.query_one(count, &[&SEARCHED]).await.unwrap().get(0);
    assert_eq!(count, 50);
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_waits_until_it_can() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let client = stage.database.connect().await;
    // Searching works, storing events does not.
    let break_events = "ALTER TABLE audit_events RENAME TO audit_events_away";
    client.batch_execute(break_events).await.unwrap();
    assert_eq!(
        ask(&service, &search(json!({}))).await.status,
        StatusCode::OK
    );
    let failed = r#"audit_batches_failed_total{service="datastorage"}"#;
    eventually("the trail has failed", async || {
        service
            .metric(failed)
            .await
            .filter(|failures| *failures > 0.0)
    })
    .await;
    let mend = "ALTER TABLE audit_events_away RENAME TO audit_events";
    client.batch_execute(mend).await.unwrap();
    assert_eq!(searches(&service, 1).await.len(), 1);
    service.terminate().await;
}
