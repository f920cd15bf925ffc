//! What a writer's connection promises.

use ds_testkit::TestDatabase;

use super::*;
use crate::tls;

const NOTE: Statement = Statement::new("-- note\nINSERT INTO notes VALUES ($1::int4)");
const COUNT: Statement = Statement::new("-- count\nSELECT count(*) FROM notes");
const SETTINGS: Statement = Statement::new(
    "-- settings
SELECT name || '=' || setting FROM pg_settings
WHERE name IN ('TimeZone', 'gin_pending_list_limit', 'lock_timeout', 'statement_timeout',
    'synchronous_commit')
ORDER BY name",
);

struct Bench {
    database: TestDatabase,
    settings: Settings,
    tally: Arc<Tally>,
}

impl Bench {
    async fn new() -> Self {
        let database = TestDatabase::empty().await;
        let client = database.connect().await;
        client
            .batch_execute("CREATE TABLE notes (n int4 PRIMARY KEY)")
            .await
            .unwrap();
        let settings = Settings::from_url(database.url()).unwrap();
        Self {
            database,
            settings,
            tally: Arc::default(),
        }
    }

    async fn connect(&self) -> Connection {
        let connector = tls::connector(&self.settings).unwrap();
        Connection::make(&self.settings, &connector, &self.tally)
            .await
            .unwrap()
    }

    /// What others see.
    async fn notes(&self) -> i64 {
        let client = self.database.connect().await;
        client.query_one(COUNT.sql(), &[]).await.unwrap().get(0)
    }

    /// Waits until nobody but the one who asks is at work in the database.
    async fn await_quiet(&self) {
        let client = self.database.connect().await;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND pid <> pg_backend_pid() AND state <> 'idle'";
        while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_session_is_durable_in_utc_and_has_limits() {
    let bench = Bench::new().await;
    let mut connection = bench.connect().await;
    let settings = connection.prepare(SETTINGS).await.unwrap();
    let rows = connection.query(&settings, &[]).await.unwrap();
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let expected = [
        "TimeZone=UTC",
        // 128 MB, in kB.
        "gin_pending_list_limit=131072",
        "lock_timeout=500",
        "statement_timeout=10000",
        "synchronous_commit=on",
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn nothing_is_visible_before_the_commit_or_after_a_rollback() {
    let bench = Bench::new().await;
    let mut connection = bench.connect().await;
    let note = connection.prepare(NOTE).await.unwrap();
    for (commits, expected) in [(false, 0), (true, 1)] {
        let noting = connection.query(&note, &[&1]);
        let noted = connection.begin_with(Patience::Usual, noting).await;
        noted.unwrap().unwrap();
        assert_eq!(bench.notes().await, 0);
        if commits {
            connection.commit().await.unwrap();
        } else {
            connection.rollback().await.unwrap();
        }
        assert!(!connection.is_in_transaction());
        assert_eq!(bench.notes().await, expected);
    }
}

#[tokio::test]
async fn a_last_statement_is_committed_or_takes_all_with_it() {
    let bench = Bench::new().await;
    let mut connection = bench.connect().await;
    let note = connection.prepare(NOTE).await.unwrap();
    for (number, expected) in [(2, 2), (1, 2)] {
        let other = number + 10;
        let other: [&(dyn ToSql + Sync); 1] = [&other];
        let noting = connection.query(&note, &other);
        let noted = connection.begin_with(Patience::Short, noting).await;
        noted.unwrap().unwrap();
        // The second time its key is taken, by what the first left.
        let last = connection.query_and_commit(&note, &[&2]).await;
        assert_eq!(last.is_ok(), number == 2);
        assert!(!connection.is_in_transaction());
        assert_eq!(bench.notes().await, expected);
    }
}

#[tokio::test]
async fn a_connection_dropped_at_work_is_cancelled_and_one_at_rest_is_closed() {
    let bench = Bench::new().await;
    let sleep = Statement::new("-- sleep\nSELECT pg_sleep(600)");
    let mut connection = bench.connect().await;
    connection.start(&bench.tally);
    let prepared = connection.prepare(sleep).await.unwrap();
    let running = connection.query(&prepared, &[]);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(100), running);
    assert!(waiting.await.is_err());
    drop(connection);
    bench.await_quiet().await;

    drop(bench.connect().await);
    assert_eq!(Arc::strong_count(&bench.tally), 1, "nothing is counted");
}
