//! The pools: connections that are handed on clean or not at all.

use std::{ops::Deref, pin::pin, time::Duration};

use deadpool_postgres::{
    Hook, Manager, ManagerConfig, Object, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use ds_metrics::{Pool as Label, catalog};
use futures_util::TryStreamExt as _;
use tokio::time::Instant;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    connect::{self, Session},
    error::{Cause, Class},
    settings::{Settings, SettingsError},
    statement::Statement,
};

/// Connections that look after partitions and indexes: each task of these has one at most.
const MAINTENANCE_CONNECTIONS_MAX: usize = 2;

/// Most statements that stay prepared on one connection. Filters can be combined in more ways than
/// that; who asks in all of them has them prepared anew.
const PREPARED_MAX: usize = 64;

/// Connections that store what comes seldom: so many that one that waits holds nobody else up.
const RECORDS_CONNECTIONS_MAX: usize = 4;

/// What a pool is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Queries.
    Read,
    /// Storing what comes too seldom for writers of its own.
    Records,
    /// Partitions and indexes.
    Maintenance,
}

/// One pool.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: deadpool_postgres::Pool,
    connector: MakeRustlsConnect,
    label: Label,
}

impl Pool {
    /// A pool without connections.
    pub(crate) fn new(
        settings: &Settings,
        purpose: Purpose,
        connector: MakeRustlsConnect,
    ) -> Result<Self, SettingsError> {
        let (label, session, connections_max) = match purpose {
            Purpose::Read => (Label::Read, Session::Read, settings.read_connections_max),
            Purpose::Records => (Label::Records, Session::Write, RECORDS_CONNECTIONS_MAX),
            Purpose::Maintenance => (
                Label::Maintenance,
                Session::Maintain,
                MAINTENANCE_CONNECTIONS_MAX,
            ),
        };
        let manager = Manager::from_config(
            connect::config(settings, session),
            connector.clone(),
            ManagerConfig {
                // What a connection is given back with is clean: whoever opens a transaction on it gives
                // it back after the end of that, or not at all.
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let age_max = settings.connection_age_max;
        let inner = deadpool_postgres::Pool::builder(manager)
            .max_size(connections_max)
            // The one used last first, so that those a burst has opened become idle and are closed.
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts {
                wait: Some(settings.pool_wait_max),
                create: Some(connect::connect_budget(settings)),
                recycle: Some(settings.connect_timeout),
            })
            .pre_recycle(Hook::sync_fn(move |_client, metrics| {
                if metrics.age() < age_max {
                    return Ok(());
                }
                Err(deadpool_postgres::HookError::message(
                    "connection is too old",
                ))
            }))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self {
            inner,
            connector,
            label,
        })
    }

    /// Lends a connection.
    pub(crate) async fn lease(&self) -> Result<Lease, Cause> {
        let asked = Instant::now();
        let got = self.inner.get().await;
        catalog::db_connection_wait_duration(self.label).record(asked.elapsed().as_secs_f64());
        Ok(Lease {
            client: Some(got?),
            connector: self.connector.clone(),
        })
    }

    /// Runs one statement outside of a transaction, within `budget`, the wait for a connection
    /// included.
    pub(crate) async fn query(
        &self,
        statement: Statement,
        params: &[&(dyn ToSql + Sync)],
        budget: Duration,
    ) -> Result<Vec<Row>, Cause> {
        let text = Text {
            name: statement.name(),
            sql: statement.sql(),
            types: &[],
            plan: Plan::Reused,
        };
        self.query_text(text, params, budget).await
    }

    /// The same for a statement whose text was put together.
    pub(crate) async fn query_text(
        &self,
        text: Text<'_>,
        params: &[&(dyn ToSql + Sync)],
        budget: Duration,
    ) -> Result<Vec<Row>, Cause> {
        self.read_text(text, params, budget, Ok).await
    }

    /// The same, reading each row with `read` as it arrives: while one is read, the server makes the
    /// next ones.
    pub(crate) async fn read_text<T>(
        &self,
        text: Text<'_>,
        params: &[&(dyn ToSql + Sync)],
        budget: Duration,
        mut read: impl FnMut(Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, Cause> {
        let running = async {
            let lease = self.lease().await?;
            let answering = async {
                let rows = match text.plan {
                    Plan::Reused => {
                        if lease.statement_cache.size() >= PREPARED_MAX {
                            lease.statement_cache.clear();
                        }
                        let prepared = lease.prepare_typed_cached(text.sql, text.types).await?;
                        lease.query_raw(&prepared, params.iter().copied()).await?
                    }
                    Plan::Fresh => {
                        let params = params.iter().copied().zip(text.types.iter().cloned());
                        lease.query_typed_raw(text.sql, params).await?
                    }
                };
                let mut rows = pin!(rows);
                let mut answer = Vec::new();
                while let Some(row) = rows.try_next().await? {
                    answer.push(read(row)?);
                }
                Ok(answer)
            };
            let rows = answering.await.map_err(Cause::driver(text.name));
            match &rows {
                Ok(_) => lease.release(),
                Err(cause) => lease.release_after(cause),
            }
            rows
        };
        // When time is up the lease is dropped, which cancels the statement on the server.
        within(text.name, budget, running).await?
    }

    /// Connections that are idle at the moment.
    pub(crate) fn idle(&self) -> usize {
        self.inner.status().available
    }

    /// Closes idle connections: those that were idle for too long or are too old, and of the
    /// others the least recently used while there is an `excess`. Says what is left of it.
    pub(crate) fn close_idle(&self, age_max: Duration, idle_max: Duration, excess: usize) -> usize {
        let mut excess = excess;
        let _closed = self.inner.retain(|_client, metrics| {
            let expired = metrics.age() >= age_max || metrics.last_used() >= idle_max;
            let closes = expired || excess > 0;
            if closes {
                excess = excess.saturating_sub(1);
            }
            !closes
        });
        excess
    }

    /// Writes the state of the pool into the metrics.
    pub(crate) fn sample(&self) {
        let status = self.inner.status();
        catalog::db_connections_max(self.label).set(gauge(status.max_size));
        catalog::db_connections_open(self.label).set(gauge(status.size));
        catalog::db_connections_idle(self.label).set(gauge(status.available));
        catalog::db_connections_in_use(self.label).set(gauge(status.size - status.available));
    }

    /// Closes idle connections now and those in use when they come back.
    pub(crate) fn close(&self) {
        self.inner.close();
    }
}

/// Whether PostgreSQL may use the plan of a statement again.
///
/// Planning looks at every partition, and takes several times as long as reading a page that an index
/// finds. But a plan that is made without the values cannot leave partitions out in advance and does
/// not know how common a value is: a page over 30 days took 27 times longer with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// It may: one value decides how much is read, whichever it is. The statement stays prepared.
    Reused,
    /// It may not: every time it is planned with the values at hand.
    Fresh,
}

/// A statement's text with what is needed to prepare it.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) name: &'static str,
    pub(crate) sql: &'a str,
    pub(crate) types: &'a [Type],
    pub(crate) plan: Plan,
}

/// A borrowed connection. It goes back to its pool only when it is released: dropped in any other
/// way, because of an error, a timeout or a caller that gave up, it is closed and what it was doing
/// is cancelled on the server.
pub(crate) struct Lease {
    client: Option<Object>,
    connector: MakeRustlsConnect,
}

impl Lease {
    /// Gives the connection back. The caller vouches that no transaction is open on it.
    pub(crate) fn release(mut self) {
        // Dropping the pool's object returns it.
        drop(self.client.take());
    }

    /// Gives the connection back after `cause` unless there is reason to mistrust it.
    pub(crate) fn release_after(self, cause: &Cause) {
        let understood = match cause.class() {
            // A word of the server ends a statement, not the connection.
            Class::Unavailable | Class::Refused(_) => cause.code().is_some(),
            // Such as a prepared statement whose table changed: prepare anew elsewhere.
            Class::Internal => false,
        };
        if understood && !self.is_closed() {
            self.release();
        }
    }
}

impl Deref for Lease {
    type Target = deadpool_postgres::ClientWrapper;

    #[expect(
        clippy::expect_used,
        reason = "only `release` and `drop` take it, by value"
    )]
    fn deref(&self) -> &Self::Target {
        self.client
            .as_ref()
            .expect("a lease holds its connection until it ends")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take().map(Object::take) else {
            return;
        };
        if client.is_closed() {
            return;
        }
        let cancelling = client.cancel_token();
        connect::abandon(client, cancelling, self.connector.clone());
    }
}

/// Waits for `work` until `budget` is spent.
pub(crate) async fn within<T>(
    statement: &'static str,
    budget: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Cause> {
    tokio::time::timeout(budget, work)
        .await
        .map_err(|_elapsed| Cause::Timeout {
            statement,
            seconds: budget.as_secs_f64(),
        })
}

pub(crate) fn gauge(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests;
