//! Changes of what becomes of a version.

use ds_domain::workflow::{
    Change, ForbiddenChange, Lifecycle, StoredWorkflow, WorkflowStatus, version,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    LOCK_NAME, in_order,
    row::{Entry, entries, stored},
    statements::{CHANGE, FIND_LOCKED, LOCK_NAME_OF, MARK, UNMARK, VERSIONS_OF},
};
use crate::{
    Repository,
    error::{Cause, InsertError, StoreError},
    pool::within,
    transaction::Transaction,
};

/// What a change did.
#[derive(Clone, Debug)]
pub enum Changed {
    /// It changed the version, which now is this.
    Now(Box<StoredWorkflow>),
    /// The version was like that before.
    Before(Box<StoredWorkflow>),
}

impl Changed {
    /// The version as it is now.
    pub fn workflow(&self) -> &StoredWorkflow {
        match self {
            Self::Now(workflow) | Self::Before(workflow) => workflow,
        }
    }
}

/// Why a version was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotChanged {
    /// There is none of this id.
    #[error("workflow does not exist")]
    Unknown,
    /// Its status does not allow it.
    #[error(transparent)]
    Forbidden(ForbiddenChange),
    /// The table or the store did not take it.
    #[error(transparent)]
    Insert(#[from] InsertError),
}

impl From<Cause> for NotChanged {
    fn from(cause: Cause) -> Self {
        Self::Insert(cause.into())
    }
}

impl From<StoreError> for NotChanged {
    fn from(error: StoreError) -> Self {
        Self::Insert(error.into())
    }
}

/// What there is before a change.
struct Before {
    transaction: Transaction,
    workflow: StoredWorkflow,
    /// All versions of its name, in order of arrival.
    entries: Vec<Entry>,
}

impl Repository {
    /// Changes a version, and decides anew which version of its name a search finds. Bounded by
    /// `flush_timeout`.
    pub async fn change_workflow(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> Result<Changed, NotChanged> {
        let budget = self.settings.flush_timeout;
        let changing = Box::pin(self.change_locked(workflow_id, change));
        within(CHANGE.name(), budget, changing).await?
    }

    async fn change_locked(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> Result<Changed, NotChanged> {
        let before = Box::pin(self.look_before(workflow_id)).await?;
        let Some(before) = before else {
            return Err(NotChanged::Unknown);
        };
        let old = &before.workflow.lifecycle;
        let next = match old.changed(change) {
            Ok(next) if next != *old => next,
            unchanged => {
                before.transaction.rollback().await?;
                return match unchanged {
                    Ok(_) => Ok(Changed::Before(Box::new(before.workflow))),
                    Err(forbidden) => Err(NotChanged::Forbidden(forbidden)),
                };
            }
        };
        let changed = Box::pin(change_and_commit(&before, workflow_id, &next)).await?;
        Ok(Changed::Now(Box::new(changed)))
    }

    /// Takes the lock of the version's name, and looks at it and at those beside it.
    async fn look_before(&self, workflow_id: Uuid) -> Result<Option<Before>, Cause> {
        let transaction = Transaction::of(&self.records).await?;
        let lock = transaction.prepare(LOCK_NAME_OF).await?;
        let find = transaction.prepare(FIND_LOCKED).await?;
        let list = transaction.prepare(VERSIONS_OF).await?;
        let of_lock: [&(dyn ToSql + Sync); 2] = [&LOCK_NAME, &workflow_id];
        let id: [&(dyn ToSql + Sync); 1] = [&workflow_id];
        let looking = in_order(
            transaction.query(&lock, &of_lock),
            in_order(transaction.query(&find, &id), transaction.query(&list, &id)),
        );
        let (_, (found, beside)) = transaction.begin_with(looking).await?;
        let Some(row) = found.first() else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let failed = Cause::driver(FIND_LOCKED.name());
        let workflow = stored(row, 0).map_err(failed)?;
        let entries = entries(&beside).map_err(Cause::driver(VERSIONS_OF.name()))?;
        Ok(Some(Before {
            transaction,
            workflow,
            entries,
        }))
    }
}

/// The version that a search is to find once this one has `status`.
fn search_version(entries: &[Entry], workflow_id: Uuid, status: WorkflowStatus) -> Option<Uuid> {
    let versions = entries.iter().map(|entry| {
        let is_it = entry.workflow_id == workflow_id;
        let status = if is_it { status } else { entry.status };
        (&*entry.version, status)
    });
    let found = entries.get(version::top(versions).search?)?;
    Some(found.workflow_id)
}

/// Makes the change and commits, in one round trip.
async fn change_and_commit(
    before: &Before,
    workflow_id: Uuid,
    next: &Lifecycle,
) -> Result<StoredWorkflow, Cause> {
    let transaction = &before.transaction;
    let [unmark, change, mark] = [
        transaction.prepare(UNMARK).await?,
        transaction.prepare(CHANGE).await?,
        transaction.prepare(MARK).await?,
    ];
    let found = search_version(&before.entries, workflow_id, next.status);
    let others = before.entries.iter();
    let others = others.filter(|entry| entry.workflow_id != workflow_id);
    let (mut lost, mut gained) = (Vec::new(), Vec::new());
    for entry in others {
        match (entry.is_search, found == Some(entry.workflow_id)) {
            (true, false) => lost.push(entry.workflow_id),
            (false, true) => gained.push(entry.workflow_id),
            (true, true) | (false, false) => {}
        }
    }
    let nothing: [Uuid; 0] = [];
    let of_unmark: [&(dyn ToSql + Sync); 2] = [&&nothing[..], &lost];
    let of_mark: [&(dyn ToSql + Sync); 1] = [&gained];
    let (status, is_search) = (next.status.as_str(), found == Some(workflow_id));
    let params: [&(dyn ToSql + Sync); 8] = [
        /* $1 */ &workflow_id,
        /* $2 */ &status,
        /* $3 */ &next.status_reason,
        /* $4 */ &next.disabled_by,
        /* $5 */ &next.disabled_reason,
        /* $6 */ &next.deprecation_notice,
        /* $7 */ &next.updated_by,
        /* $8 */ &is_search,
    ];
    // A mark is taken away before it is given.
    let changing = in_order(
        transaction.query(&unmark, &of_unmark),
        in_order(
            transaction.query(&change, &params),
            transaction.query(&mark, &of_mark),
        ),
    );
    let (_, (rows, _)) = transaction.commit_with(changing).await?;
    changed(&rows)
}

fn changed(rows: &[Row]) -> Result<StoredWorkflow, Cause> {
    let row = rows.first().ok_or(Cause::Impossible {
        statement: CHANGE.name(),
        what: "a workflow that was locked is gone",
    })?;
    stored(row, 0).map_err(Cause::driver(CHANGE.name()))
}
