//! `migrate`, and what a start does about a schema that does not fit.

use ds_testkit::TestDatabase;

use crate::program::Program;

/// Whether the table of events exists.
async fn has_table(database: &TestDatabase) -> bool {
    let client = database.connect().await;
    let row = client
        .query_one("SELECT to_regclass('audit_events') IS NOT NULL", &[])
        .await;
    row.unwrap().get(0)
}

/// Makes the database look as if a later release had migrated it.
async fn age(database: &TestDatabase) {
    database
        .connect()
        .await
        .batch_execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES (999, 'later', '2026-01-01T00:00:00Z', '1')",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_dry_run_says_what_is_missing_and_changes_nothing() {
    let database = TestDatabase::empty().await;
    let ended = Program::on(&database, &["migrate", "--dry-run"])
        .run()
        .await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(
        ended.stdout.starts_with("would apply V1__"),
        "{}",
        ended.stdout
    );
    assert!(!has_table(&database).await);
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let database = TestDatabase::empty().await;
    let first = Program::on(&database, &["migrate"]).run().await;
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    assert!(first.stdout.starts_with("applied V1__"), "{}", first.stdout);
    assert!(has_table(&database).await);
    for (arguments, expected) in [
        (["migrate", "--dry-run"].as_slice(), "nothing is missing"),
        (&["migrate"], "nothing was missing"),
    ] {
        let again = Program::on(&database, arguments).run().await;
        assert_eq!(again.code, Some(0));
        assert!(!again.stdout.contains("appl"), "{}", again.stdout);
        assert!(again.stdout.contains(expected), "{}", again.stdout);
    }
}

#[tokio::test]
async fn migrations_at_once_all_succeed_and_one_applies() {
    let database = TestDatabase::empty().await;
    let running: Vec<_> = (0..6)
        .map(|_| tokio::spawn(Program::on(&database, &["migrate"]).run()))
        .collect();
    let mut applied = 0;
    for ending in running {
        let ended = ending.await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        applied += usize::from(ended.stdout.contains("applied V1__"));
    }
    assert_eq!(applied, 1);
}

#[tokio::test]
async fn a_start_applies_what_is_missing() {
    let database = TestDatabase::empty().await;
    let server = Program::on(&database, &[]).spawn().ready().await;
    assert_eq!(server.post_event().await.unwrap().0, 201);
    assert!(
        server.log().contains("Applied migration V1__"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn a_start_that_may_not_migrate_refuses_what_is_missing() {
    let database = TestDatabase::empty().await;
    let ended = Program::on(&database, &[])
        .with("DS_DATABASE__MIGRATE_ON_START", "false")
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    let last = ended.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("ds-server: cannot use database "),
        "{last}"
    );
    assert!(
        last.contains("schema version 0, this binary needs "),
        "{last}"
    );
    assert!(last.ends_with("run `ds-server migrate`"), "{last}");
    assert!(!has_table(&database).await);
}

#[tokio::test]
async fn a_newer_database_is_refused_either_way() {
    let database = TestDatabase::create().await;
    age(&database).await;
    for migrate in ["true", "false"] {
        let ended = Program::on(&database, &[])
            .with("DS_DATABASE__MIGRATE_ON_START", migrate)
            .run()
            .await;
        assert_eq!(ended.code, Some(1));
        let last = ended.stderr.lines().last().unwrap();
        assert!(
            last.contains("schema version 999, newer than this binary's "),
            "{last}"
        );
    }
    let ended = Program::on(&database, &["migrate"]).run().await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("newer than this binary's"),
        "{}",
        ended.stderr
    );
}
