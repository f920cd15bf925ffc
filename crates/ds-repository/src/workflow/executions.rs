//! Counting how workflows run.

use ds_domain::workflow::{Executions, StoredWorkflow};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    row::stored,
    statements::{COUNT, FIND_COUNTED},
};
use crate::{
    Inserted, Repository,
    error::{Cause, InsertError},
};

/// What became of a report: the workflow with its counters, which another report of the same name may
/// have moved; `None` when there is no such workflow.
pub type Counted = Option<Inserted<Box<StoredWorkflow>>>;

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
        let rows = self.records.query(COUNT, &params, budget).await?;
        if let Some(row) = rows.first() {
            let counted = stored(row, 0).map_err(Cause::driver(COUNT.name()))?;
            return Ok(Some(Inserted::Now(Box::new(counted))));
        }
        let rows = self.records.query(FIND_COUNTED, &params, budget).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let failed = Cause::driver(FIND_COUNTED.name());
        let is_same: Option<bool> = row.try_get(0).map_err(failed)?;
        let found = stored(row, 1).map_err(Cause::driver(FIND_COUNTED.name()))?;
        Ok(Some(match is_same.unwrap_or(false) {
            true => Inserted::Before(Box::new(found)),
            false => Inserted::Taken(Box::new(found)),
        }))
    }
}
