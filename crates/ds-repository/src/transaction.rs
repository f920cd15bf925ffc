//! The one place that owns BEGIN and COMMIT.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio_postgres::{Row, error::SqlState, types::ToSql};

use crate::{
    error::Cause,
    pool::{Lease, Pool, within},
    statement::Statement,
};

/// How often a transaction is tried that loses against others.
const ATTEMPTS_MAX: u32 = 3;

/// What happens inside of a transaction. It may be tried more than once.
pub(crate) trait Work: Sync {
    /// What it results in when it is committed.
    type Output: Send;
    /// Its own reasons to roll back.
    type Refusal: Send;
    /// What errors call it.
    const NAME: &'static str;

    /// One attempt. An error rolls everything back.
    fn attempt(
        &self,
        transaction: &Transaction<'_>,
    ) -> impl Future<Output = Result<Self::Output, Abort<Self::Refusal>>> + Send;
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub(crate) enum Abort<R> {
    /// The store failed.
    Failed(Cause),
    /// The work itself wants it so.
    Refused(R),
}

impl<R> From<Cause> for Abort<R> {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause)
    }
}

/// An open transaction.
pub(crate) struct Transaction<'l> {
    client: &'l Lease,
    begun: AtomicBool,
}

/// Runs `work` in a transaction at READ COMMITTED, within `budget`, the wait for a connection
/// included.
/// Losing against another transaction (40001, 40P01) is tried again.
pub(crate) async fn run<W: Work>(
    pool: &Pool,
    budget: Duration,
    work: &W,
) -> Result<W::Output, Abort<W::Refusal>> {
    let running = async {
        let lease = pool.lease().await?;
        let (outcome, clean) = attempts(&lease, work).await;
        // A lease that is dropped here, or with this future, is closed: see `Lease`.
        if clean {
            lease.release();
        }
        outcome
    };
    within(W::NAME, budget, running).await?
}

/// The outcome, and whether no transaction is left open.
async fn attempts<W: Work>(
    lease: &Lease,
    work: &W,
) -> (Result<W::Output, Abort<W::Refusal>>, bool) {
    let mut attempt = 1;
    loop {
        let (outcome, clean) = one_attempt(lease, work).await;
        match &outcome {
            Err(Abort::Failed(cause)) if clean && attempt < ATTEMPTS_MAX && lost(cause) => {
                tracing::debug!(attempt, "Transaction {} lost against another one", W::NAME);
                attempt += 1;
            }
            Ok(_) | Err(_) => return (outcome, clean),
        }
    }
}

async fn one_attempt<W: Work>(
    lease: &Lease,
    work: &W,
) -> (Result<W::Output, Abort<W::Refusal>>, bool) {
    let transaction = Transaction {
        client: lease,
        begun: AtomicBool::new(false),
    };
    match work.attempt(&transaction).await {
        Ok(output) => match transaction.end("COMMIT").await {
            Ok(()) => (Ok(output), true),
            // It may have been committed all the same: appending again finds out.
            Err(cause) => (Err(Abort::Failed(cause)), false),
        },
        Err(abort) => {
            let clean = transaction.end("ROLLBACK").await.is_ok();
            (Err(abort), clean)
        }
    }
}

fn lost(cause: &Cause) -> bool {
    cause.code().is_some_and(|code| {
        [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code)
    })
}

// === impl Transaction ===

impl Transaction<'_> {
    /// Prepares a statement, once per connection.
    pub(crate) async fn prepare(&self, statement: Statement) -> Result<Prepared, Cause> {
        let name = statement.name();
        let prepared = self.client.prepare_cached(statement.sql()).await;
        Ok(Prepared {
            name,
            statement: prepared.map_err(Cause::driver(name))?,
        })
    }

    /// Runs a prepared statement. The first one of a transaction is sent right behind BEGIN,
    /// without waiting for the answer to that.
    pub(crate) async fn query(
        &self,
        prepared: &Prepared,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Cause> {
        let failed = Cause::driver(prepared.name);
        let running = self.client.query(&prepared.statement, params);
        if self.begun.swap(true, Ordering::Relaxed) {
            return running.await.map_err(failed);
        }
        // Biased: what is polled first is sent first.
        let (begun, rows) = tokio::join!(biased; self.client.batch_execute("BEGIN"), running);
        begun.map_err(Cause::driver("BEGIN"))?;
        rows.map_err(failed)
    }

    async fn end(&self, how: &'static str) -> Result<(), Cause> {
        if !self.begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.client
            .batch_execute(how)
            .await
            .map_err(Cause::driver(how))
    }
}

/// A statement that is known to the connection.
pub(crate) struct Prepared {
    name: &'static str,
    statement: tokio_postgres::Statement,
}

#[cfg(test)]
mod tests;
