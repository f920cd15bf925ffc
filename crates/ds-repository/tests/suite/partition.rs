//! Partitions: made ahead of time, by many at once, and never mistaken.

use ds_repository::{Repository, error::StoreError, migrate};
use ds_testkit::TestDatabase;
use futures_util::future::join_all;
use jiff::civil::date;

use crate::event::{SAMPLE, Sample, append, ensure, settings};

const MONTHS: [&str; 5] = [
    "audit_events_2026_10",
    "audit_events_2026_11",
    "audit_events_2026_12",
    "audit_events_2027_01",
    "audit_events_2027_02",
];

const ACTION_MONTHS: [&str; 5] = [
    "resource_action_traces_y2026m10",
    "resource_action_traces_y2026m11",
    "resource_action_traces_y2026m12",
    "resource_action_traces_y2027m01",
    "resource_action_traces_y2027m02",
];

#[tokio::test(flavor = "multi_thread")]
async fn six_passes_at_once_succeed_and_make_each_partition_once() {
    let database = TestDatabase::create().await;
    let repositories: Vec<_> = (0..6)
        .map(|_| Repository::new(settings(&database)).unwrap())
        .collect();
    let today = date(2026, 11, 21);
    let passes = repositories
        .iter()
        .map(|repository| ensure(repository, today));
    let mut created = Vec::new();
    for report in join_all(passes).await {
        let report = report.unwrap();
        assert_eq!(report.covered_until, date(2027, 3, 1));
        created.extend(report.created);
    }
    created.sort();
    assert_eq!(created, [MONTHS, ACTION_MONTHS].concat());
    let again = ensure(&repositories[0], today).await.unwrap();
    assert!(again.created.is_empty());
    let next = ensure(&repositories[0], date(2026, 12, 1)).await.unwrap();
    assert_eq!(
        next.created,
        ["audit_events_2027_03", "resource_action_traces_y2027m03"]
    );
    assert_eq!(next.covered_until, date(2027, 4, 1));
}

#[tokio::test]
async fn the_table_that_ends_first_ends_the_covered_range() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let repository = Repository::new(settings(&database)).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    client
        .batch_execute("DROP TABLE resource_action_traces_y2027m02")
        .await
        .unwrap();
    client
        .batch_execute("CREATE TABLE resource_action_traces_y2027m02 (day date)")
        .await
        .unwrap();
    let error = ensure(&repository, date(2026, 11, 21)).await.unwrap_err();
    assert!(matches!(error, StoreError::Internal(_)), "{error:?}");
    client
        .batch_execute("DROP TABLE resource_action_traces_y2027m02")
        .await
        .unwrap();
    let today = date(2026, 11, 21);
    let two = ds_domain::month::covering(today, 1);
    let report = repository.ensure_partitions(today, &two).await.unwrap();
    assert_eq!(report.covered_until, date(2027, 2, 1));
    let healed = ensure(&repository, today).await.unwrap();
    assert_eq!(healed.created, ["resource_action_traces_y2027m02"]);
}

#[tokio::test]
async fn a_new_partition_has_the_indexes_the_guards_and_no_rights_of_its_own() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    client
        .batch_execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC")
        .await
        .unwrap();
    let repository = Repository::new(settings(&database)).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let one = async |sql: &str| client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    // Every index of the parent, the primary key among them, has its part in each partition.
    let parts = one(
        "SELECT count(*) FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid
         WHERE i.inhparent IN (SELECT indexrelid FROM pg_index
             WHERE indrelid = 'audit_events'::regclass) AND x.indisvalid",
    )
    .await;
    assert_eq!(parts, 5 * 5);
    let indexes =
        one("SELECT count(*) FROM pg_index WHERE indrelid = 'audit_events_2026_11'::regclass");
    assert_eq!(indexes.await, 5, "and no other");
    let rights = one("SELECT count(*) FROM pg_class, aclexplode(relacl) AS a
         WHERE relname LIKE 'audit\\_events\\_2%' AND relkind = 'r' AND a.grantee <> relowner");
    assert_eq!(rights.await, 0);
    append(&repository, &[SAMPLE.new_event()]).await.unwrap();
    for change in [
        "UPDATE audit_events_2026_11 SET severity = 'x'",
        "DELETE FROM audit_events_2026_11",
        "TRUNCATE audit_events_2026_11",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("42501"),
            "{change}"
        );
    }
}

#[tokio::test]
async fn a_table_that_merely_has_the_name_is_never_taken_for_the_partition() {
    for imposter in [
        "CREATE TABLE audit_events_2026_12 (LIKE audit_events)",
        "CREATE VIEW audit_events_2026_12 AS SELECT 1",
        "CREATE TABLE audit_events_2026_12 PARTITION OF audit_events
             FOR VALUES FROM ('2026-12-01') TO ('2026-12-31')",
        "CREATE TABLE other (day date) PARTITION BY RANGE (day);
         CREATE TABLE audit_events_2026_12 PARTITION OF other
             FOR VALUES FROM ('2026-12-01') TO ('2027-01-01')",
    ] {
        let database = TestDatabase::create().await;
        let client = database.connect().await;
        client.batch_execute(imposter).await.unwrap();
        let repository = Repository::new(settings(&database)).unwrap();
        let error = ensure(&repository, date(2026, 11, 21)).await.unwrap_err();
        assert!(matches!(error, StoreError::Internal(_)), "{imposter}");
        // The other months were made all the same.
        let sql = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_events'::regclass
            AND inhrelid <> 'audit_events_2026_12'::regclass";
        assert_eq!(
            client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0),
            4,
            "{imposter}"
        );
    }
}

#[tokio::test]
async fn a_gap_ends_the_covered_range() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let repository = Repository::new(settings(&database)).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    client
        .batch_execute(
            "ALTER TABLE audit_events DETACH PARTITION audit_events_2027_01;
             DROP TABLE audit_events_2027_01;
             CREATE TABLE audit_events_rest PARTITION OF audit_events DEFAULT;",
        )
        .await
        .unwrap();
    // Next month's pass heals what it is responsible for.
    let healed = ensure(&repository, date(2026, 12, 1)).await.unwrap();
    assert_eq!(
        healed.created,
        [
            "audit_events_2027_01",
            "audit_events_2027_03",
            "resource_action_traces_y2027m03"
        ]
    );
    assert_eq!(healed.covered_until, date(2027, 4, 1));
}

#[tokio::test]
async fn making_a_partition_waits_for_neither_readers_nor_writers_and_holds_none_up() {
    let database = TestDatabase::create().await;
    let repository = Repository::new(settings(&database)).unwrap();
    ensure(&repository, date(2026, 10, 21)).await.unwrap();
    let mut busy = settings(&database);
    busy.lock_timeout = std::time::Duration::from_millis(500);
    let maker = Repository::new(busy).unwrap();
    // A reader and a writer that do not finish.
    let other = database.connect().await;
    other
        .batch_execute(
            "BEGIN; SELECT count(*) FROM audit_events;
             INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,
                 event_category, event_action, event_outcome, actor_type, actor_id, resource_type,
                 resource_id, correlation_id, event_data)
             VALUES (gen_random_uuid(), '2026-11-01Z', '2026-11-01', 't', 'gateway', 'a',
                 'success', 'a', 'a', 'r', 'r', 'c', '{}')",
        )
        .await
        .unwrap();
    let report = ensure(&maker, date(2026, 11, 21)).await.unwrap();
    assert_eq!(
        report.created,
        ["audit_events_2027_02", "resource_action_traces_y2027m02"]
    );
    append(&repository, &[SAMPLE.new_event()]).await.unwrap();
}

#[tokio::test]
async fn a_pass_that_cannot_get_its_lock_gives_up_in_time() {
    let database = TestDatabase::create().await;
    let mut settings = settings(&database);
    settings.lock_timeout = std::time::Duration::from_millis(100);
    let repository = Repository::new(settings).unwrap();
    let other = database.connect().await;
    other
        .batch_execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let error = ensure(&repository, date(2026, 11, 21)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

/// The service may log in through a role that can neither change nor remove what is stored.
#[tokio::test]
async fn a_member_of_the_application_role_can_do_its_work_and_nothing_else() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let user = format!("{}_app", database.name());
    client
        .batch_execute(&format!(
            "CREATE ROLE {user} LOGIN PASSWORD 'x' IN ROLE datastorage_app"
        ))
        .await
        .unwrap();
    let mut settings = settings(&database);
    settings.user.clone_from(&user);
    settings.password = Some("x".into());
    // Nothing is missing, so nothing needs the right to change the schema.
    let report = migrate::run(&settings).await.unwrap();
    assert_eq!(report.migrations, [""; 0]);
    let repository = Repository::new(settings).unwrap();
    repository.check_schema().await.unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let event = Sample {
        id: Some(uuid::Uuid::new_v4()),
        ..SAMPLE
    }
    .new_event();
    append(&repository, std::slice::from_ref(&event))
        .await
        .unwrap();
    assert!(
        repository
            .find_event(event.event().event_id)
            .await
            .unwrap()
            .is_some()
    );
    // What became of an action may change, and nothing else.
    let actions = crate::action::one("act-1", "");
    let stored = repository.insert_actions(&[&actions]).await.remove(0);
    stored.unwrap();
    let update = crate::action::update(r#"{"execution_status": "completed"}"#);
    repository.update_action("act-1", &update).await.unwrap();
    client
        .batch_execute(&format!("SET ROLE {user}"))
        .await
        .unwrap();
    for change in [
        "UPDATE audit_events SET severity = 'x'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "TRUNCATE audit_events_2026_11",
        "SELECT 1 FROM audit_events_2026_11",
        "DROP TABLE audit_events_2026_11",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "UPDATE resource_action_traces SET workflow_id = 'w'",
        "UPDATE resource_action_traces SET revision = 7",
        "UPDATE resource_action_revisions SET execution_status = 'failed'",
        "DELETE FROM resource_action_traces",
        "DELETE FROM resource_action_ids",
        "TRUNCATE resource_action_revisions",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("42501"),
            "{change}"
        );
    }
    client.batch_execute("RESET ROLE").await.unwrap();
    drop(repository);
    let clean = format!("DROP OWNED BY {user} CASCADE; DROP ROLE {user}");
    client.batch_execute(&clean).await.unwrap();
}
