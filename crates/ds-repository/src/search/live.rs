//! An index of the catalogue that is as current as the table.
//!
//! Before it is used it takes over what was committed since it last did: the statement for that gives
//! its own snapshot, and the versions whose last change the previous snapshot did not see. So a search
//! sees what it would have seen in the table at a moment after it was asked, on every replica; and without
//! the table there is no answer. That costs one look at an index of the table, whatever its size, and
//! searches that come together share it.

use std::sync::{PoisonError, RwLock};

use ds_domain::{search::Best, search::WorkflowSearch};
use ds_metrics::catalog;
use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};
use tokio_postgres::{Row, types::ToSql};

use super::{
    index::{Change, Index, LabelSet},
    labels,
};
use crate::{
    error::Cause,
    jsonb::Glanced,
    pool::{Plan, Pool, Text, gauge},
    row::{Columns, Word},
    statement::Statement,
};

/// The snapshot, the server that gives it, and a row per version, or one without if there is none.
macro_rules! versions {
    ($condition:literal) => {
        concat!(
            "SELECT pg_current_snapshot()::text, pg_postmaster_start_time(), version.*
FROM (SELECT) AS always LEFT JOIN (
    SELECT workflow_id, created_at, status,
        is_search_version OR (is_latest_version AND status <> 'active') AS is_offered, labels,
        detected_labels, custom_labels
    FROM remediation_workflow_catalog WHERE ",
            $condition,
            "
) AS version ON true"
        )
    };
}

/// All versions that a search can find.
pub(crate) const LIST_OFFERED: Statement = Statement::new(concat!(
    "-- list_offered_workflows\n",
    versions!("is_search_version OR is_latest_version"),
));

/// The versions that were changed by what a snapshot does not see.
pub(crate) const LIST_CHANGED: Statement = Statement::new(concat!(
    "-- list_changed_workflows\n",
    versions!(
        "changed_in >= pg_snapshot_xmin($1::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(changed_in, $1::text::pg_snapshot)"
    ),
));

/// An index and how current it is.
#[derive(Debug, Default)]
pub(crate) struct LiveIndex {
    /// Held while changes are fetched: who waits for it may share what comes.
    state: Mutex<State>,
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct State {
    seen: Option<Seen>,
    /// When the last successful look at the table began.
    looked: Option<Instant>,
}

/// What the index has seen.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen {
    snapshot: String,
    /// When the server was started that gave the snapshot. Another one numbers its transactions in its
    /// own way: after a failover or a restore, all that was seen is worth nothing.
    server: Timestamp,
}

/// What a look at the table gave.
struct Look {
    seen: Seen,
    changes: Vec<Change>,
}

impl LiveIndex {
    /// The workflows that suit best, as the table has them.
    pub(super) async fn best(
        &self,
        read: &Reader<'_>,
        search: &WorkflowSearch,
    ) -> Result<Best, Cause> {
        self.catch_up(read).await?;
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        Ok(index.best(search))
    }

    /// Forgets what it has seen: the next search looks at the whole table.
    pub(super) async fn forget(&self) {
        *self.state.lock().await = State::default();
    }

    async fn catch_up(&self, read: &Reader<'_>) -> Result<(), Cause> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if state.looked.is_some_and(|looked| looked > asked) {
            return Ok(());
        }
        let began = Instant::now();
        let look = match &state.seen {
            Some(seen) => Some(read.changed_since(&seen.snapshot).await?)
                .filter(|look| look.seen.server == seen.server),
            None => None,
        };
        let seen = match look {
            Some(Look { seen, changes }) => {
                if !changes.is_empty() {
                    let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                    changes.into_iter().for_each(|change| index.apply(change));
                    catalog::search_index_workflows().set(gauge(index.len()));
                }
                seen
            }
            None => {
                let Look { seen, changes } = read.offered().await?;
                let mut fresh = Index::default();
                changes.into_iter().for_each(|change| fresh.apply(change));
                catalog::search_index_loads().increment(1);
                catalog::search_index_workflows().set(gauge(fresh.len()));
                let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                *index = fresh;
                seen
            }
        };
        *state = State {
            seen: Some(seen),
            looked: Some(began),
        };
        Ok(())
    }
}

/// Reads the table.
pub(super) struct Reader<'p> {
    pub(super) pool: &'p Pool,
    pub(super) budget: std::time::Duration,
}

impl Reader<'_> {
    async fn changed_since(&self, snapshot: &str) -> Result<Look, Cause> {
        self.look(LIST_CHANGED, &[&snapshot]).await
    }

    async fn offered(&self) -> Result<Look, Cause> {
        self.look(LIST_OFFERED, &[]).await
    }

    async fn look(
        &self,
        statement: Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Look, Cause> {
        let text = Text {
            name: statement.name(),
            sql: statement.sql(),
            types: &[],
            plan: Plan::Reused,
        };
        let mut seen = None;
        let read = |row: Row| {
            if seen.is_none() {
                seen = Some(Seen {
                    snapshot: row.try_get(0)?,
                    server: row.try_get(1)?,
                });
            }
            change(&row)
        };
        let read = self.pool.read_text(text, params, self.budget, read).await?;
        let seen = seen.ok_or(Cause::Impossible {
            statement: statement.name(),
            what: "a statement that always has a row had none",
        })?;
        Ok(Look {
            seen,
            changes: read.into_iter().flatten().collect(),
        })
    }
}

/// Reads a version; one that no search can ask for is none.
fn change(row: &Row) -> Result<Option<Change>, tokio_postgres::Error> {
    let mut columns = Columns::from(row, 2);
    let Some(workflow_id) = columns.next()? else {
        return Ok(None);
    };
    let created_at = columns.next()?;
    let status: Word<_> = columns.next()?;
    let is_offered: bool = columns.next()?;
    let mandatory = labels::mandatory(columns.next::<Glanced<'_>>()?.0);
    let detected = labels::detected(columns.next::<Glanced<'_>>()?.0);
    let custom = labels::custom(columns.next::<Glanced<'_>>()?.0);
    Ok(mandatory.map(|mandatory| Change {
        workflow_id,
        created_at,
        labels: LabelSet {
            mandatory,
            detected,
            custom,
        },
        offered: is_offered.then_some(status.0),
    }))
}
