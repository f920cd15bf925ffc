//! Appending: each group all or nothing, each event exactly once.
//!
//! A writer has a connection of its own and stores what many senders sent with as few statements as
//! it can. When that fails it finds out whose failure it is, so that it is nobody else's: a row that
//! the table refuses fails its group, a partition that cannot be written fails the groups of its
//! month, and a server that cannot be reached fails all.
//!
//! | File | What it knows |
//! |---|---|
//! | `flush.rs` | the groups, and what became of each |
//! | `attempt.rs` | the statements that store a set of groups |
//! | `division.rs` | who is at fault when they fail, and what is tried instead |

mod attempt;
mod columns;
mod division;
mod flush;
pub(crate) mod statements;
mod tally;

use std::{sync::Arc, time::Duration};

use ds_validation::NewEvent;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::flush::Flush;
pub(crate) use self::tally::{InUse, Open, Tally};
use crate::{
    Appended,
    error::{AppendError, Cause},
    pool::within,
    settings::Settings,
    transaction::Connection,
};

/// A group of so many rows is large: it has the store for itself, and more time.
const LARGE: usize = 64;

/// What errors call it.
const APPEND: &str = "append";

/// A way to append, for one task. It connects when it is used, and again after its connection
/// was lost.
pub struct Writer {
    settings: Arc<Settings>,
    connector: MakeRustlsConnect,
    tally: Arc<Tally>,
    connection: Option<Connection>,
}

impl Writer {
    pub(crate) fn new(
        settings: Arc<Settings>,
        connector: MakeRustlsConnect,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            settings,
            connector,
            tally,
            connection: None,
        }
    }

    /// Stores each group, all of its events or none, durably, each event exactly once.
    ///
    /// The answers are in the order of `groups`, and those within each in the order of its events.
    /// Where the answer is an error nothing of the group was stored, with one exception: after
    /// [`StoreError::Unavailable`](crate::error::StoreError::Unavailable) it may have been, unheard.
    /// Appending the same events again is always safe.
    ///
    /// Bounded by `flush_timeout` (`append_timeout` if a group is large), and before that by
    /// `connect_timeout` if a connection is needed. What runs longer is cancelled on the server, as
    /// it is when this future is dropped.
    pub async fn append(
        &mut self,
        groups: &[&[NewEvent]],
    ) -> Vec<Result<Vec<Appended>, AppendError>> {
        let mut flush = Flush::new(groups);
        if flush.is_done() {
            return flush.into_answers();
        }
        if let Err(cause) = self.flush(&mut flush).await {
            flush.fail_rest(&cause.into());
        }
        flush.into_answers()
    }

    /// Fails with what fails all groups that have no answer yet.
    async fn flush(&mut self, flush: &mut Flush<'_>) -> Result<(), Cause> {
        let kept = self.connection.take();
        if let Some(connection) = kept.filter(|it| it.is_good(&self.settings)) {
            match self.flush_on(connection, flush).await {
                // The server closed it while nobody looked, or restarted: a new one may do.
                Err(cause) if cause.is_lost_connection() => {}
                outcome => return outcome,
            }
        }
        let connection = Connection::make(&self.settings, &self.connector, &self.tally).await?;
        self.flush_on(connection, flush).await
    }

    /// Keeps the connection unless there is reason to mistrust it.
    async fn flush_on(
        &mut self,
        mut connection: Connection,
        flush: &mut Flush<'_>,
    ) -> Result<(), Cause> {
        connection.start(&self.tally);
        let budget = self.budget(flush);
        within(APPEND, budget, division::store(&mut connection, flush)).await??;
        connection.finish();
        self.connection = Some(connection);
        Ok(())
    }

    fn budget(&self, flush: &Flush<'_>) -> Duration {
        if flush.largest() < LARGE {
            self.settings.flush_timeout
        } else {
            self.settings.append_timeout
        }
    }
}
