//! Transactions on pooled connections.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::{Row, types::ToSql};

use super::Prepared;
use crate::{
    error::Cause,
    pool::{Lease, Pool},
    statement::Statement,
};

/// A borrowed connection for one transaction. It goes back to its pool when the transaction has ended
/// for certain; dropped before, it is closed, and what it was doing is cancelled on the server.
pub(crate) struct Transaction {
    lease: Option<Lease>,
    is_open: AtomicBool,
}

impl Transaction {
    /// Borrows a connection.
    pub(crate) async fn of(pool: &Pool) -> Result<Self, Cause> {
        let lease = Some(pool.lease().await?);
        let is_open = AtomicBool::new(false);
        Ok(Self { lease, is_open })
    }

    /// Prepares a statement, once per connection. To be done before statements are sent together:
    /// one that has to be prepared first would be overtaken by those that have not.
    pub(crate) async fn prepare(&self, statement: Statement) -> Result<Prepared, Cause> {
        let name = statement.name();
        let preparing = self.lease().prepare_typed_cached(statement.sql(), &[]);
        let statement = preparing.await.map_err(Cause::driver(name))?;
        Ok(Prepared { name, statement })
    }

    /// Runs a statement.
    pub(crate) async fn query(
        &self,
        prepared: &Prepared,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Cause> {
        let rows = self.lease().query(&prepared.statement, params).await;
        rows.map_err(Cause::driver(prepared.name))
    }

    /// Begins with `first`, which is sent without waiting for the answer to BEGIN.
    pub(crate) async fn begin_with<T>(
        &self,
        first: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Cause> {
        self.is_open.store(true, Ordering::Relaxed);
        // Biased: what is polled first is sent first.
        let (begun, outcome) = tokio::join!(biased; self.simple("BEGIN"), first);
        begun?;
        outcome
    }

    /// Commits behind `last`, without waiting for its answer. What fails is rolled back by the same.
    pub(crate) async fn commit_with<T>(
        &self,
        last: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Cause> {
        let (outcome, committed) = tokio::join!(biased; last, self.simple("COMMIT"));
        // After a statement that failed the server takes a COMMIT for a ROLLBACK.
        if committed.is_ok() {
            self.is_open.store(false, Ordering::Relaxed);
        }
        let outcome = outcome?;
        committed?;
        Ok(outcome)
    }

    /// Ends the transaction without a trace.
    pub(crate) async fn rollback(&self) -> Result<(), Cause> {
        self.simple("ROLLBACK").await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn simple(&self, sql: &'static str) -> Result<(), Cause> {
        let done = self.lease().batch_execute(sql).await;
        done.map_err(Cause::driver(sql))
    }

    #[expect(clippy::expect_used, reason = "only `drop` takes it")]
    fn lease(&self) -> &Lease {
        self.lease
            .as_ref()
            .expect("a transaction has its connection until it ends")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && !self.is_open.load(Ordering::Relaxed)
            && !lease.is_closed()
        {
            lease.release();
        }
    }
}
