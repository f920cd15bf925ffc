//! What is tried again, and what is rolled back.

use std::sync::atomic::AtomicU32;

use ds_testkit::TestDatabase;

use super::*;
use crate::{error::Class, settings::Settings, tls};

const BUDGET: Duration = Duration::from_secs(20);
const NOTE: Statement = Statement::new("-- note\nINSERT INTO notes VALUES ($1::int4)");
const RAISE: Statement = Statement::new("-- raise\nSELECT raise($1::text)");
const SLEEP: Statement = Statement::new("-- sleep\nSELECT pg_sleep(60)");

async fn pool() -> (TestDatabase, Pool) {
    let database = TestDatabase::empty().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE notes (n int4);
             CREATE FUNCTION raise(code text) RETURNS void LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = code; END $$;",
        )
        .await
        .unwrap();
    let mut settings = Settings::from_url(database.url()).unwrap();
    settings.write_connections_max = 1;
    let connector = tls::connector(&settings).unwrap();
    let pool = Pool::new(&settings, ds_metrics::Pool::Write, connector).unwrap();
    (database, pool)
}

async fn notes(database: &TestDatabase) -> i64 {
    let client = database.connect().await;
    client
        .query_one("SELECT count(*) FROM notes", &[])
        .await
        .unwrap()
        .get(0)
}

/// Notes something, then fails with the code so many times.
struct Failing {
    code: &'static str,
    times: u32,
    attempts: AtomicU32,
}

impl Work for Failing {
    type Output = ();
    type Refusal = ();
    const NAME: &'static str = "failing";

    async fn attempt(&self, transaction: &Transaction<'_>) -> Result<(), Abort<()>> {
        let note = transaction.prepare(NOTE).await?;
        transaction.query(&note, &[&1_i32]).await?;
        if self.attempts.fetch_add(1, Ordering::SeqCst) < self.times {
            let raise = transaction.prepare(RAISE).await?;
            transaction.query(&raise, &[&self.code]).await?;
        }
        Ok(())
    }
}

async fn check(code: &'static str, times: u32, expected: (bool, u32, i64)) {
    let (database, pool) = pool().await;
    let work = Failing {
        code,
        times,
        attempts: AtomicU32::new(0),
    };
    let outcome = run(&pool, BUDGET, &work).await;
    let attempts = work.attempts.load(Ordering::SeqCst);
    assert_eq!(
        (outcome.is_ok(), attempts, notes(&database).await),
        expected,
        "{code}"
    );
}

#[tokio::test]
async fn losing_against_another_transaction_is_tried_again_and_not_for_ever() {
    check("40001", 2, (true, 3, 1)).await;
    check("40P01", 1, (true, 2, 1)).await;
    check("40001", 9, (false, 3, 0)).await;
}

#[tokio::test]
async fn any_other_failure_is_not_tried_again() {
    check("22003", 1, (false, 1, 0)).await;
    check("53100", 1, (false, 1, 0)).await;
    check("P0001", 1, (false, 1, 0)).await;
}

/// Notes something and then refuses, or sleeps.
struct Stopping {
    sleeps: bool,
}

impl Work for Stopping {
    type Output = ();
    type Refusal = &'static str;
    const NAME: &'static str = "stopping";

    async fn attempt(&self, transaction: &Transaction<'_>) -> Result<(), Abort<&'static str>> {
        let note = transaction.prepare(NOTE).await?;
        transaction.query(&note, &[&1_i32]).await?;
        if self.sleeps {
            let sleep = transaction.prepare(SLEEP).await?;
            transaction.query(&sleep, &[]).await?;
        }
        Err(Abort::Refused("because"))
    }
}

#[tokio::test]
async fn what_the_work_refuses_is_rolled_back_on_a_connection_that_stays() {
    let (database, pool) = pool().await;
    let outcome = run(&pool, BUDGET, &Stopping { sleeps: false }).await;
    assert!(matches!(outcome, Err(Abort::Refused("because"))));
    assert_eq!(notes(&database).await, 0);
    assert_eq!(pool.idle(), 1);
}

#[tokio::test]
async fn a_transaction_that_takes_too_long_is_rolled_back() {
    let (database, pool) = pool().await;
    let outcome = run(
        &pool,
        Duration::from_millis(300),
        &Stopping { sleeps: true },
    )
    .await;
    let Err(Abort::Failed(cause)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(matches!(
        cause,
        Cause::Timeout {
            statement: "stopping",
            ..
        }
    ));
    assert_eq!(cause.class(), Class::Unavailable);
    assert_eq!(pool.idle(), 0, "the connection is closed");
    assert_eq!(notes(&database).await, 0);
}
