//! The one place that owns BEGIN and COMMIT: on a connection that never leaves its task, and on one
//! of a pool.

mod pooled;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::time::Instant;
use tokio_postgres::{Client, Row, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    connect::{self, Session},
    error::Cause,
    settings::Settings,
    statement::Statement,
    writer::{InUse, Open, Tally},
};

pub(crate) use pooled::Transaction;

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Patience {
    /// With the patience of the session.
    Usual,
    /// Short of patience: what it needs was waited for before.
    Short,
}

impl Patience {
    fn begin(self) -> &'static str {
        match self {
            Self::Usual => "BEGIN",
            Self::Short => "BEGIN; SET LOCAL lock_timeout = 100",
        }
    }
}

/// A connection of one task. What it is doing is cancelled on the server when it is dropped at work.
pub(crate) struct Connection {
    client: Option<Client>,
    connector: MakeRustlsConnect,
    prepared: HashMap<&'static str, tokio_postgres::Statement>,
    in_transaction: AtomicBool,
    made: Instant,
    at_work: Option<InUse>,
    _open: Open,
}

impl Connection {
    /// Connects.
    pub(crate) async fn make(
        settings: &Settings,
        connector: &MakeRustlsConnect,
        tally: &Arc<Tally>,
    ) -> Result<Self, Cause> {
        let connecting = connect::connect(settings, Session::Write, connector);
        let client = crate::pool::within("connect", settings.connect_timeout, connecting).await??;
        Ok(Self {
            client: Some(client),
            connector: connector.clone(),
            prepared: HashMap::new(),
            in_transaction: AtomicBool::new(false),
            made: Instant::now(),
            at_work: None,
            _open: tally.open(),
        })
    }

    /// Whether it is worth being used again.
    pub(crate) fn is_good(&self, settings: &Settings) -> bool {
        let is_open = self.client.as_ref().is_some_and(|it| !it.is_closed());
        is_open && !self.is_in_transaction() && self.made.elapsed() < settings.connection_age_max
    }

    /// Notes that work begins.
    pub(crate) fn start(&mut self, tally: &Arc<Tally>) {
        self.at_work = Some(tally.in_use());
    }

    /// Notes that the work is done and nothing of it is left.
    pub(crate) fn finish(&mut self) {
        self.at_work = None;
    }

    /// Prepares a statement, once.
    pub(crate) async fn prepare(&mut self, statement: Statement) -> Result<Prepared, Cause> {
        let name = statement.name();
        if let Some(known) = self.prepared.get(name) {
            let statement = known.clone();
            return Ok(Prepared { name, statement });
        }
        let prepared = self.client().prepare(statement.sql()).await;
        let statement = prepared.map_err(Cause::driver(name))?;
        self.prepared.insert(name, statement.clone());
        Ok(Prepared { name, statement })
    }

    /// Runs a statement: within the transaction, if one is open, else as one of its own, which is
    /// committed when this returns.
    ///
    /// The latter because the driver's stream of rows ends with the server's `ReadyForQuery`, and
    /// not with `CommandComplete`, which is sent before the commit.
    pub(crate) async fn query(
        &self,
        prepared: &Prepared,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Cause> {
        let rows = self.client().query(&prepared.statement, params).await;
        rows.map_err(Cause::driver(prepared.name))
    }

    /// Begins a transaction with `first`, which is sent without waiting for the answer to BEGIN.
    pub(crate) async fn begin_with<T>(
        &self,
        patience: Patience,
        first: impl Future<Output = T>,
    ) -> Result<T, Cause> {
        self.in_transaction.store(true, Ordering::Relaxed);
        // Biased: what is polled first is sent first.
        let (begun, outcome) = tokio::join!(biased; self.simple("BEGIN", patience.begin()), first);
        begun?;
        Ok(outcome)
    }

    /// Whether a transaction is open.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Relaxed)
    }

    /// Commits. When it fails the commit may have happened all the same.
    pub(crate) async fn commit(&self) -> Result<(), Cause> {
        self.simple("COMMIT", "COMMIT").await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Runs a last statement and commits, in one round trip. What fails is rolled back by the same.
    pub(crate) async fn query_and_commit(
        &self,
        prepared: &Prepared,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Cause> {
        // Biased: what is polled first is sent first.
        let (rows, committed) = tokio::join!(
            biased;
            self.query(prepared, params),
            self.simple("COMMIT", "COMMIT"),
        );
        // After a statement that failed the server takes a COMMIT for a ROLLBACK.
        if committed.is_ok() {
            self.in_transaction.store(false, Ordering::Relaxed);
        }
        let rows = rows?;
        committed?;
        Ok(rows)
    }

    /// Rolls back what is open.
    pub(crate) async fn rollback(&self) -> Result<(), Cause> {
        if self.is_in_transaction() {
            self.simple("ROLLBACK", "ROLLBACK").await?;
            self.in_transaction.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn simple(&self, name: &'static str, sql: &'static str) -> Result<(), Cause> {
        let done = self.client().batch_execute(sql).await;
        done.map_err(Cause::driver(name))
    }

    #[expect(clippy::expect_used, reason = "only `drop` takes it")]
    fn client(&self) -> &Client {
        self.client
            .as_ref()
            .expect("a connection has its client until it ends")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        if self.at_work.is_none() || client.is_closed() {
            return;
        }
        let cancelling = client.cancel_token();
        connect::abandon(client, cancelling, self.connector.clone());
    }
}

/// A statement that is known to the connection.
pub(crate) struct Prepared {
    name: &'static str,
    statement: tokio_postgres::Statement,
}

#[cfg(test)]
mod tests;
