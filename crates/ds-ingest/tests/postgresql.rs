//! PostgreSQL keeps the contract that the store in memory keeps: a fake cannot drift.

use ds_domain::{month, time::utc_date};
use ds_ingest::testing::{CountingIds, event_store_contract};
use ds_repository::Repository;
use ds_testkit::TestDatabase;
use jiff::Timestamp;

#[tokio::test]
async fn postgresql_keeps_the_contract() {
    let database = TestDatabase::create().await;
    let repository = Repository::new(database.settings()).unwrap();
    // The first of a month: yesterday is in another partition.
    let now: Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    let today = utc_date(now);
    let months = month::covering(today, 3);
    repository.ensure_partitions(today, &months).await.unwrap();
    event_store_contract(&repository, now, &CountingIds::default()).await;
}
