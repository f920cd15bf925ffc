//! Connections are handed on clean, or closed.

use std::time::Duration;

use ds_testkit::TestDatabase;
use tokio_postgres::Client;

use super::*;
use crate::{error::StoreError, tls};

const SLEEP: Statement = Statement::new("-- sleep\nSELECT pg_sleep(60)");
const SETTINGS: Statement = Statement::new(
    "-- settings
SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
    current_setting('idle_in_transaction_session_timeout'), current_setting('TimeZone'),
    current_setting('plan_cache_mode')",
);

const BUDGET: Duration = Duration::from_secs(20);

fn settings(database: &TestDatabase) -> Settings {
    let mut settings = Settings::from_url(database.url()).unwrap();
    settings.read_connections_max = 1;
    settings
}

fn pool(settings: &Settings, purpose: Purpose) -> Pool {
    Pool::new(settings, purpose, tls::connector(settings).unwrap()).unwrap()
}

/// Waits until no session but our own runs anything in this database.
async fn await_quiet(client: &Client) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND state <> 'idle'";
    let quiet = async {
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), quiet)
        .await
        .unwrap();
}

async fn pid(pool: &Pool) -> i32 {
    let pid = Statement::new("-- pid\nSELECT pg_backend_pid()");
    pool.query(pid, &[], BUDGET).await.unwrap()[0].get(0)
}

#[tokio::test]
async fn a_leaked_transaction_cannot_reach_the_next_user() {
    let database = TestDatabase::empty().await;
    for purpose in [Purpose::Maintenance, Purpose::Read] {
        let pool = pool(&settings(&database), purpose);
        let lease = pool.lease().await.unwrap();
        lease
            .batch_execute("BEGIN; SELECT set_config('a.tenant', 'x', false)")
            .await
            .unwrap();
        let careless: i32 = lease
            .query_one("SELECT pg_backend_pid()", &[])
            .await
            .unwrap()
            .get(0);
        drop(lease);

        assert_ne!(
            pid(&pool).await,
            careless,
            "the connection is closed, not handed on"
        );
        let state = Statement::new(
            "-- state
SELECT coalesce(current_setting('a.tenant', true), ''), pg_current_xact_id_if_assigned() IS NULL",
        );
        let rows = pool.query(state, &[], BUDGET).await.unwrap();
        assert_eq!(rows[0].get::<_, &str>(0), "");
        assert!(rows[0].get::<_, bool>(1));
    }
}

#[tokio::test]
async fn sessions_start_with_their_limits() {
    let database = TestDatabase::empty().await;
    let settings = settings(&database);
    for purpose in [Purpose::Maintenance, Purpose::Read] {
        let rows = pool(&settings, purpose)
            .query(SETTINGS, &[], BUDGET)
            .await
            .unwrap();
        let setting = |at: usize| rows[0].get::<_, String>(at);
        assert_eq!([setting(0), setting(1), setting(2)], ["10s", "5s", "10s"]);
        assert_eq!([setting(3), setting(4)], ["UTC", "auto"]);
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_cancelled_on_the_server_and_its_connection_closed() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let pool = pool(&settings(&database), Purpose::Read);
    let before = pid(&pool).await;
    let error = pool
        .query(SLEEP, &[], Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Cause::Timeout {
                statement: "sleep",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(matches!(
        StoreError::from(error),
        StoreError::Unavailable(_)
    ));
    assert_ne!(pid(&pool).await, before);
    await_quiet(&client).await;
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_nothing_running() {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    let pool = pool(&settings(&database), Purpose::Read);
    let running = pool.query(SLEEP, &[], BUDGET);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), running)
            .await
            .is_err()
    );
    await_quiet(&client).await;
    pid(&pool).await;
}

#[tokio::test]
async fn the_server_ends_a_statement_by_itself_and_the_connection_lives_on() {
    let database = TestDatabase::empty().await;
    let mut settings = settings(&database);
    settings.query_timeout = Duration::from_millis(100);
    let pool = pool(&settings, Purpose::Read);
    let before = pid(&pool).await;
    let error = pool.query(SLEEP, &[], BUDGET).await.unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!(pid(&pool).await, before);
}

#[tokio::test]
async fn waiting_for_a_connection_ends() {
    let database = TestDatabase::empty().await;
    let mut settings = settings(&database);
    settings.pool_wait_max = Duration::from_millis(50);
    let pool = pool(&settings, Purpose::Read);
    let _lease = pool.lease().await.unwrap();
    let error = pool.lease().await.err().unwrap();
    assert!(matches!(error, Cause::Pool(_)));
    assert_eq!(error.class(), Class::Unavailable);
}

#[tokio::test]
async fn idle_and_old_connections_are_closed() {
    let database = TestDatabase::empty().await;
    let mut settings = settings(&database);
    settings.read_connections_max = 3;
    let pool = pool(&settings, Purpose::Read);
    let leases = [pool.lease().await, pool.lease().await, pool.lease().await];
    leases
        .into_iter()
        .for_each(|lease| lease.unwrap().release());
    assert_eq!(pool.idle(), 3);
    let long = Duration::from_secs(3600);
    assert_eq!(pool.close_idle(long, long, 2), 0);
    assert_eq!(pool.idle(), 1);
    assert_eq!(
        pool.close_idle(long, long, 2),
        1,
        "what could not be closed here"
    );
    pid(&pool).await;
    pool.close_idle(Duration::ZERO, long, 0);
    assert_eq!(pool.idle(), 0);
    pid(&pool).await;
    pool.close_idle(long, Duration::ZERO, 0);
    assert_eq!(pool.idle(), 0);
}

#[tokio::test]
async fn a_connection_past_its_age_is_not_lent_again() {
    let database = TestDatabase::empty().await;
    let mut settings = settings(&database);
    settings.connection_age_max = Duration::ZERO;
    let pool = pool(&settings, Purpose::Read);
    assert_ne!(pid(&pool).await, pid(&pool).await);
}
