//! What a scraper finds on a running server.

use ds_testkit::TestDatabase;

use crate::program::{Server, eventually};

#[tokio::test]
async fn a_start_shows_itself_and_its_partitions() {
    let database = TestDatabase::create().await;
    let server = Server::ready_on(&database).await;
    let (status, metrics) = server.get("/metrics").await.unwrap();
    assert_eq!(status, 200);
    for line in [
        "datastorage_ready 1",
        "datastorage_build_info{version=\"0.1.0\"} 1",
        "datastorage_audit_traces_total{service=\"gateway\",status=\"success\"} 0",
        "datastorage_worker_passes_total{worker=\"partitions\",status=\"success\"} 1",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in {metrics}"
        );
    }
    let horizon = value(&metrics, "datastorage_partition_horizon_days").unwrap();
    assert!(
        (89.0..=125.0).contains(&horizon),
        "three months ahead: {horizon}"
    );
    assert!(value(&metrics, "process_resident_memory_bytes").unwrap() > 1e6);
}

#[tokio::test]
async fn workers_do_their_passes() {
    let database = TestDatabase::create().await;
    let server = Server::ready_on(&database).await;
    for worker in ["pending_lists", "pools", "metrics_upkeep"] {
        let labels = format!("{{worker=\"{worker}\"}}");
        let name = format!("datastorage_worker_last_success_timestamp_seconds{labels}");
        eventually(&name, async || {
            let (_, metrics) = server.get("/metrics").await?;
            value(&metrics, &name)
        })
        .await;
    }
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.parse().ok()
}
