//! The catalogue of workflows: versions that are written once, and what becomes of them.
//!
//! Writers of one name queue behind an advisory lock. So each sees what the one before has left, and
//! which version is the highest is decided once, by [`ds_domain::workflow::version`]; the unique
//! indexes only prove it.

mod change;
mod columns;
mod create;
mod executions;
mod labels;
mod list;
mod row;
pub(crate) mod statements;

use std::time::Duration;

use ds_domain::workflow::StoredWorkflow;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Repository,
    error::{Cause, StoreError},
    transaction::{Prepared, Transaction},
};

pub use change::{Changed, NotChanged};
pub use create::{Created, NewWorkflow};
pub use executions::Counted;
pub use list::{NoPage, WorkflowPage};
use row::{Entry, entries, stored};
pub(crate) use row::{workflow_bytes, workflow_columns};
use statements::{FIND, LIST_VERSIONS, LOCK_NAMES, VERSIONS};

/// First half of the keys of our advisory locks ("DSwf"): the lock of one name.
const LOCK_NAME: i32 = 0x4453_7766;

/// Most bytes that a list of versions gives back; the newest version is always given.
const VERSIONS_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// The versions of a name, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// As many as fit into an answer.
    pub versions: Vec<StoredWorkflow>,
    /// How many there are.
    pub total: u64,
}

impl Repository {
    /// Finds one version.
    pub async fn find_workflow(
        &self,
        workflow_id: Uuid,
    ) -> Result<Option<StoredWorkflow>, StoreError> {
        let budget = self.settings.query_timeout;
        let rows = self.read.query(FIND, &[&workflow_id], budget).await?;
        let found = rows.first().map(|row| stored(row, 0)).transpose();
        Ok(found.map_err(Cause::driver(FIND.name()))?)
    }

    /// The versions of a name, up to `max`, those that arrived last first.
    pub async fn list_versions(
        &self,
        workflow_name: &str,
        max: u16,
    ) -> Result<Versions, StoreError> {
        let budget = self.settings.query_timeout;
        let params: [&(dyn ToSql + Sync); 3] =
            [&workflow_name, &VERSIONS_BYTES_MAX, &i64::from(max)];
        let rows = self.read.query(LIST_VERSIONS, &params, budget).await?;
        Ok(versions(&rows).map_err(Cause::driver(LIST_VERSIONS.name()))?)
    }
}

fn versions(rows: &[Row]) -> Result<Versions, tokio_postgres::Error> {
    let total = rows.first().map(|row| row.try_get::<_, i64>(0));
    let total = total.transpose()?.unwrap_or(0);
    let versions = rows.iter().map(|row| stored(row, 1));
    Ok(Versions {
        versions: versions.collect::<Result<_, _>>()?,
        total: u64::try_from(total).unwrap_or(0),
    })
}

/// A transaction that holds the locks of names.
struct Locked {
    transaction: Transaction,
    /// Every version of these names, in order of arrival.
    entries: Vec<Entry>,
}

impl Locked {
    /// Takes the locks of `names` and looks at their versions, in one round trip.
    ///
    /// Each of the statements has a snapshot of its own: the versions are those that there are once
    /// the locks are held.
    async fn of(repository: &Repository, names: &[&str]) -> Result<Self, Cause> {
        let transaction = Transaction::of(&repository.records).await?;
        let lock = transaction.prepare(LOCK_NAMES).await?;
        let list = transaction.prepare(VERSIONS).await?;
        let (params, names): ([&(dyn ToSql + Sync); 2], [&(dyn ToSql + Sync); 1]) =
            ([&LOCK_NAME, &names], [&names]);
        let rows = transaction
            .begin_with(in_order(
                transaction.query(&lock, &params),
                transaction.query(&list, &names),
            ))
            .await?
            .1;
        let entries = entries(&rows).map_err(Cause::driver(VERSIONS.name()))?;
        Ok(Self {
            transaction,
            entries,
        })
    }

    async fn prepare(&self, statement: crate::statement::Statement) -> Result<Prepared, Cause> {
        self.transaction.prepare(statement).await
    }
}

/// Sends one thing after the other without waiting in between. The first failure counts.
///
/// Boxed, as are the steps of a transaction: what is put together of several statements is large, and
/// is moved through the frames of everybody who waits for it.
async fn in_order<A, B>(
    first: impl Future<Output = Result<A, Cause>>,
    second: impl Future<Output = Result<B, Cause>>,
) -> Result<(A, B), Cause> {
    // Biased: what is polled first is sent first.
    let (first, second) = tokio::join!(biased; Box::pin(first), Box::pin(second));
    Ok((first?, second?))
}

impl Repository {
    /// How long storing so many workflows may take.
    fn catalogue_budget(&self, workflows: usize) -> Duration {
        match workflows {
            0 | 1 => self.settings.flush_timeout,
            _ => self.settings.append_timeout,
        }
    }
}
