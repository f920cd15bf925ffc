//! Counting how workflows run.

use ds_domain::workflow::{Executions, StoredWorkflow};
use tokio_postgres::{error::SqlState, types::ToSql};
use uuid::Uuid;

use super::{
    row::stored,
    statements::{COUNT, FIND_COUNTED},
};
use crate::{
    Repository,
    error::{Cause, InsertError},
};

/// What became of a report.
#[derive(Clone, Debug)]
pub enum Counted {
    /// It was counted now: the workflow with its counters.
    Now(Box<StoredWorkflow>),
    /// It was counted before. Others may have moved the counters since.
    Before(Box<StoredWorkflow>),
    /// Another report of its name was counted before.
    Taken,
    /// The counters cannot hold so many more.
    Full,
    /// There is no such workflow.
    Unknown,
}

impl Repository {
    /// Adds runs to the counters of a workflow; those of a report that has a name, once. Bounded by
    /// `flush_timeout`, twice if the name was there before.
    pub async fn count_executions(
        &self,
        workflow_id: Uuid,
        executions: &Executions,
    ) -> Result<Counted, InsertError> {
        let params: [&(dyn ToSql + Sync); 4] = [
            /* $1 */ &workflow_id,
            /* $2 */ &executions.execution_id,
            /* $3 */ &executions.count,
            /* $4 */ &executions.successful,
        ];
        let budget = self.settings.flush_timeout;
        let rows = match self.records.query(COUNT, &params, budget).await {
            Ok(rows) => rows,
            // The sum is the only number that can be too large, and with it the report is gone.
            Err(cause) if cause.code() == Some(&SqlState::NUMERIC_VALUE_OUT_OF_RANGE) => {
                return Ok(Counted::Full);
            }
            Err(cause) => return Err(cause.into()),
        };
        if let Some(row) = rows.first() {
            let counted = stored(row, 0).map_err(Cause::driver(COUNT.name()))?;
            return Ok(Counted::Now(Box::new(counted)));
        }
        let rows = self.records.query(FIND_COUNTED, &params, budget).await?;
        let Some(row) = rows.first() else {
            return Ok(Counted::Unknown);
        };
        let failed = Cause::driver(FIND_COUNTED.name());
        let is_same: Option<bool> = row.try_get(0).map_err(failed)?;
        if !is_same.unwrap_or(false) {
            return Ok(Counted::Taken);
        }
        let found = stored(row, 1).map_err(Cause::driver(FIND_COUNTED.name()))?;
        Ok(Counted::Before(Box::new(found)))
    }
}
