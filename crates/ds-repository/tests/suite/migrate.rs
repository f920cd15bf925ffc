//! Migrations: concurrent, planned, refused.

use std::time::Duration;

use ds_repository::{
    Repository,
    error::{SchemaError, StoreError},
    migrate::{MigrateError, plan, run},
};
use ds_testkit::TestDatabase;
use futures_util::future::join_all;

use crate::event::settings;

/// Every migration, in order.
const MIGRATIONS: &[&str] = &[
    "V1__audit_events",
    "V2__clean_pending_lists",
    "V3__notifications",
    "V4__cursor_key",
    "V5__workflow_catalog",
    "V6__action_traces",
    "V7__search_of_inactive_workflows",
    "V8__changes_of_workflows",
];

#[tokio::test(flavor = "multi_thread")]
async fn six_runs_at_once_on_an_empty_database_all_succeed() {
    let database = TestDatabase::empty().await;
    let runs = (0..6).map(|_| tokio::spawn(run_owned(settings(&database))));
    let mut applied = 0;
    for report in join_all(runs).await {
        let report = report.unwrap().unwrap();
        assert_eq!(usize::try_from(report.version), Ok(MIGRATIONS.len()));
        applied += report.migrations.len();
    }
    assert_eq!(applied, MIGRATIONS.len(), "one of them did the work");
    Repository::new(settings(&database))
        .unwrap()
        .check_schema()
        .await
        .unwrap();
}

async fn run_owned(
    settings: ds_repository::settings::Settings,
) -> Result<ds_repository::migrate::Report, MigrateError> {
    run(&settings).await
}

#[tokio::test]
async fn a_plan_says_what_a_run_would_do_and_changes_nothing() {
    let database = TestDatabase::empty().await;
    let settings = settings(&database);
    let client = database.connect().await;
    let planned = plan(&settings).await.unwrap();
    assert_eq!(planned.migrations, MIGRATIONS);
    let objects = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(
        client
            .query_one(objects, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );
    assert_eq!(run(&settings).await.unwrap(), planned);
    assert_eq!(plan(&settings).await.unwrap().migrations, [""; 0]);
    assert_eq!(run(&settings).await.unwrap().migrations, [""; 0]);
}

/// Changes the history of a migrated database, and says what becomes of all who look at it.
async fn check(change: &str, expected: &str) {
    let database = TestDatabase::create().await;
    let settings = settings(&database);
    database
        .connect()
        .await
        .batch_execute(change)
        .await
        .unwrap();
    let found = Repository::new(settings.clone())
        .unwrap()
        .check_schema()
        .await
        .unwrap_err();
    assert_eq!(format!("{found:?}"), expected);
    if !matches!(found, SchemaError::Older { .. }) {
        for error in [
            run(&settings).await.unwrap_err(),
            plan(&settings).await.unwrap_err(),
        ] {
            assert!(!error.is_retryable());
            let MigrateError::Schema(error) = error else {
                panic!("{error:?}")
            };
            assert_eq!(format!("{error:?}"), expected);
        }
    }
}

#[tokio::test]
async fn a_history_that_is_not_ours_is_refused() {
    let newest = MIGRATIONS.len();
    let older = format!("Older {{ found: 0, needed: {newest} }}");
    check(
        "INSERT INTO refinery_schema_history VALUES (99, 'future', '2027-01-01T00:00:00Z', '1')",
        &format!("Newer {{ found: 99, known: {newest} }}"),
    )
    .await;
    check(
        "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
        "Divergent { version: 2 }",
    )
    .await;
    check(
        "UPDATE refinery_schema_history SET name = 'x'",
        "Divergent { version: 1 }",
    )
    .await;
    check(
        "DELETE FROM refinery_schema_history WHERE version = 1",
        "Missing { version: 1 }",
    )
    .await;
    check("DELETE FROM refinery_schema_history", &older).await;
    check("DROP TABLE refinery_schema_history", &older).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_or_is_busy_is_worth_another_try() {
    let database = TestDatabase::empty().await;
    let mut settings = settings(&database);
    // A relation of the history's name is being made by somebody who does not finish.
    let other = database.connect().await;
    other
        .batch_execute("BEGIN; CREATE TABLE refinery_schema_history ()")
        .await
        .unwrap();
    settings.lock_timeout = Duration::from_millis(200);
    let error = run(&settings).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    drop(other);

    settings.port = 1;
    for error in [
        run(&settings).await.unwrap_err(),
        plan(&settings).await.unwrap_err(),
    ] {
        assert!(error.is_retryable(), "{error:?}");
        let store = matches!(
            error,
            MigrateError::Schema(SchemaError::Store(StoreError::Unavailable(_)))
        );
        assert!(store);
    }
}
