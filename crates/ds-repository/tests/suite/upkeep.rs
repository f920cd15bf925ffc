//! Pending lists: merged by whoever may call the function, and by nobody else.

use std::time::Duration;

use ds_domain::month::{self, Month};
use ds_repository::{Repository, migrate};
use ds_testkit::TestDatabase;
use jiff::civil::date;
use tokio_postgres::Client;

use crate::event::{SAMPLE, Sample, append, ensure, settings};

fn months() -> Vec<Month> {
    month::covering(date(2026, 11, 21), 1)
}

/// Stores events whose index entries wait in the lists of two months.
async fn fill(repository: &Repository) {
    let october = Sample {
        at: "2026-10-21T10:00:00Z",
        ..SAMPLE
    };
    let events: Vec<_> = (0..200)
        .flat_map(|_| [SAMPLE.new_event(), october.new_event()])
        .collect();
    append(repository, &events).await.unwrap();
}

/// A migrated database, and a repository of a user who may insert and read.
async fn of_member(database: &TestDatabase, client: &Client) -> (Repository, String) {
    let user = format!("{}_app", database.name());
    let create = format!("CREATE ROLE {user} LOGIN PASSWORD 'x' IN ROLE datastorage_app");
    client.batch_execute(&create).await.unwrap();
    let mut settings = settings(database);
    settings.user.clone_from(&user);
    settings.password = Some("x".into());
    (Repository::new(settings).unwrap(), user)
}

#[tokio::test]
async fn lists_are_merged_once_by_the_owner_and_by_the_service() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let (member, user) = of_member(&database, &client).await;
    let owner = Repository::new(settings(&database)).unwrap();
    ensure(&owner, date(2026, 11, 21)).await.unwrap();
    for repository in [&owner, &member] {
        fill(repository).await;
        let merged = repository.clean_pending_lists(&months()).await.unwrap();
        assert!(merged >= 2, "{merged}");
        let again = repository.clean_pending_lists(&months()).await.unwrap();
        assert_eq!(again, 0);
    }
    let rights = "SELECT has_function_privilege('public',
        'audit_events_clean_pending_lists(date[])', 'EXECUTE')";
    let public: bool = client.query_one(rights, &[]).await.unwrap().get(0);
    assert!(!public);
    drop(member);
    let clean = format!("DROP OWNED BY {user} CASCADE; DROP ROLE {user}");
    client.batch_execute(&clean).await.unwrap();
}

#[tokio::test]
async fn months_without_a_partition_and_locked_ones_are_left_out() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let repository = Repository::new(settings(&database)).unwrap();
    assert_eq!(repository.clean_pending_lists(&months()).await.unwrap(), 0);
    assert_eq!(repository.clean_pending_lists(&[]).await.unwrap(), 0);
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    fill(&repository).await;
    client
        .batch_execute(
            "BEGIN; LOCK TABLE audit_events_2026_10 IN ACCESS EXCLUSIVE MODE;
             REINDEX TABLE audit_events_2026_10",
        )
        .await
        .unwrap();
    let months = months();
    let cleaning = repository.clean_pending_lists(&months);
    let merged = tokio::time::timeout(Duration::from_secs(5), cleaning).await;
    assert!(merged.unwrap().unwrap() > 0, "the other month's list");
}

#[tokio::test]
async fn names_are_not_looked_up_where_the_caller_says() {
    let (database, repository) = crate::event::repository().await;
    fill(&repository).await;
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE SCHEMA trap; CREATE TABLE trap.audit_events ();
             CREATE FUNCTION trap.gin_clean_pending_list(regclass) RETURNS bigint
                 LANGUAGE sql AS 'SELECT 1/0::bigint';
             SET search_path = trap, pg_catalog, public",
        )
        .await
        .unwrap();
    let sql = "SELECT audit_events_clean_pending_lists(ARRAY['2026-11-01'::date])";
    let merged: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert!(merged > 0);
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    // As the first release left it.
    let first = include_str!("../../../../migrations/V1__audit_events.sql");
    client.batch_execute(first).await.unwrap();
    let full = TestDatabase::create().await;
    let row = full.connect().await;
    let history =
        "SELECT name, applied_on, checksum FROM refinery_schema_history WHERE version = 1";
    let row = row.query_one(history, &[]).await.unwrap();
    let (name, applied_on, checksum): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
    client
        .batch_execute(
            "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY,
                 name varchar(255), applied_on varchar(255), checksum varchar(255))",
        )
        .await
        .unwrap();
    let insert = "INSERT INTO refinery_schema_history VALUES (1, $1, $2, $3)";
    client
        .execute(insert, &[&name, &applied_on, &checksum])
        .await
        .unwrap();
    let repository = Repository::new(settings(&database)).unwrap();
    for month in months() {
        repository.ensure_partition(month).await.unwrap();
    }
    fill(&repository).await;

    assert!(repository.check_schema().await.is_err());
    let report = migrate::run(&settings(&database)).await.unwrap();
    assert_eq!(report.migrations[0], "V2__clean_pending_lists");
    repository.check_schema().await.unwrap();
    let merged = repository.clean_pending_lists(&months()).await.unwrap();
    assert!(merged > 0);
}
