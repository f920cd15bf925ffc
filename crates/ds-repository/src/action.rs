//! Action traces: stored once, changed forward only, and found again with what they were before.

mod columns;
pub(crate) mod insert;

use ds_domain::action::{ActionUpdate, Revision, StoredAction};
use tokio_postgres::{Row, types::ToSql};

use crate::{
    Repository,
    error::{Cause, InsertError, StoreError},
    jsonb::Written,
    statement::Statement,
};

pub(crate) use columns::{fixed_columns, outcome_columns, stored, stored_columns};
pub use insert::ActionKept;

/// The constraint that an update breaks which would take an action back.
const FORWARD: &str = "resource_action_traces_execution_status_forward";

pub(crate) const FIND: Statement = Statement::new(concat!(
    "-- find_action\nSELECT ",
    stored_columns!(),
    " FROM resource_action_ids n JOIN resource_action_traces t
    ON t.action_id = n.action_id AND t.action_timestamp = n.action_timestamp
WHERE n.action_id = $1",
));

/// What an update leaves of each column: the new value where there is one.
macro_rules! updated {
    () => {
        "coalesce($2::text, t.execution_status),
    coalesce($3::timestamptz, t.execution_start_time),
    coalesce($4::timestamptz, t.execution_end_time),
    coalesce($5::int4, t.execution_duration_ms),
    coalesce($6::text, t.execution_error),
    coalesce($7::jsonb, t.kubernetes_operations),
    coalesce($8::jsonb, t.resource_state_after),
    coalesce($9::text::numeric, t.effectiveness_score),
    coalesce($10::jsonb, t.effectiveness_criteria),
    coalesce($11::timestamptz, t.effectiveness_assessed_at),
    coalesce($12::text, t.effectiveness_assessment_method),
    coalesce($13::text, t.effectiveness_notes),
    coalesce($14::timestamptz, t.effectiveness_assessment_due),
    coalesce($15::jsonb, t.follow_up_actions)"
    };
}

/// One that changes nothing is no update, and leaves no revision. The action is locked before it is
/// compared, so that two updates at once are one after the other.
pub(crate) const UPDATE: Statement = Statement::new(concat!(
    "-- update_action\nUPDATE resource_action_traces t SET (",
    outcome_columns!("", "", ""),
    ") = ROW(",
    updated!(),
    ")\nFROM resource_action_ids n
WHERE n.action_id = $1 AND t.action_id = n.action_id AND t.action_timestamp = n.action_timestamp
    AND (",
    outcome_columns!("t.", "", ""),
    ") IS DISTINCT FROM (",
    updated!(),
    ")\nRETURNING ",
    stored_columns!(),
));

pub(crate) const LIST_REVISIONS: Statement = Statement::new(concat!(
    "-- list_action_revisions\nSELECT * FROM (SELECT revision, ",
    outcome_columns!("", "(", " * 1000)::int4"),
    ", superseded_at FROM resource_action_revisions
    WHERE action_id = $1 AND revision < $2
    ORDER BY revision DESC LIMIT $3) AS latest ORDER BY revision",
));

/// Why an action was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// There is no such action.
    #[error("action does not exist")]
    Unknown,
    /// It has come further than the change would have it.
    #[error("action cannot take this step any more")]
    Backward,
    /// The table refuses the row, or the store failed.
    #[error(transparent)]
    Insert(#[from] InsertError),
}

impl Repository {
    /// Changes what is known about an action, durably, and says what is known now. A change that was
    /// made before changes nothing. Bounded by `flush_timeout`, twice if nothing changes.
    pub async fn update_action(
        &self,
        action_id: &str,
        update: &ActionUpdate,
    ) -> Result<StoredAction, UpdateError> {
        let progress = &update.progress;
        let status = update.execution_status.map(|status| status.as_str());
        let score = progress.effectiveness_score.map(columns::decimal);
        let operations = progress.kubernetes_operations.as_ref().map(Written);
        let after = progress.resource_state_after.as_ref().map(Written);
        let criteria = progress.effectiveness_criteria.as_ref().map(Written);
        let next = progress.follow_up_actions.as_ref().map(Written);
        let params: [&(dyn ToSql + Sync); 15] = [
            /* $1 */ &action_id,
            /* $2 */ &status,
            /* $3 */ &progress.execution_start_time,
            /* $4 */ &progress.execution_end_time,
            /* $5 */ &progress.execution_duration_ms,
            /* $6 */ &progress.execution_error,
            /* $7 */ &operations,
            /* $8 */ &after,
            /* $9 */ &score,
            /* $10 */ &criteria,
            /* $11 */ &progress.effectiveness_assessed_at,
            /* $12 */ &progress.effectiveness_assessment_method,
            /* $13 */ &progress.effectiveness_notes,
            /* $14 */ &progress.effectiveness_assessment_due,
            /* $15 */ &next,
        ];
        let budget = self.settings.flush_timeout;
        let updated = self.records.query(UPDATE, &params, budget).await;
        let updated = updated.map_err(|cause| match InsertError::from(cause) {
            InsertError::Refused { column, .. } if column.as_deref() == Some(FORWARD) => {
                UpdateError::Backward
            }
            error @ (InsertError::Refused { .. } | InsertError::Store(_)) => error.into(),
        })?;
        if let Some(row) = updated.first() {
            let found = stored(row, 0).map_err(Cause::driver(UPDATE.name()));
            return Ok(found.map_err(InsertError::from)?);
        }
        let found = self.records.query(FIND, &[&action_id], budget).await;
        let found = found.and_then(|rows| first(&rows));
        let found = found.map_err(InsertError::from)?;
        found.ok_or(UpdateError::Unknown)
    }

    /// Finds one action.
    pub async fn find_action(&self, action_id: &str) -> Result<Option<StoredAction>, StoreError> {
        let budget = self.settings.query_timeout;
        let rows = self.read.query(FIND, &[&action_id], budget).await?;
        Ok(first(&rows)?)
    }

    /// What was known about an action before it was changed to `revision`: up to `max` revisions, the
    /// latest ones, the first of them first.
    pub async fn list_revisions(
        &self,
        action_id: &str,
        revision: i32,
        max: u16,
    ) -> Result<Vec<Revision>, StoreError> {
        let params: [&(dyn ToSql + Sync); 3] = [&action_id, &revision, &i64::from(max)];
        let budget = self.settings.query_timeout;
        let rows = self.read.query(LIST_REVISIONS, &params, budget).await?;
        let revisions = rows.iter().map(columns::revision);
        let revisions = revisions.collect::<Result<_, _>>();
        Ok(revisions.map_err(Cause::driver(LIST_REVISIONS.name()))?)
    }
}

fn first(rows: &[Row]) -> Result<Option<StoredAction>, Cause> {
    let found = rows.first().map(|row| stored(row, 0)).transpose();
    found.map_err(Cause::driver(FIND.name()))
}
