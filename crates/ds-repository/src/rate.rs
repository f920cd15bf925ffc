//! Success rates: counted by the store, from one snapshot, and divided by nobody here.

use ds_domain::rate::{
    AiModes, BREAKDOWN_MAX, Dimensions, IncidentShare, SuccessRate, Tally, WorkflowShare,
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::Type};

use crate::{
    Repository,
    error::{Cause, StoreError},
    list::OLDEST,
    pool::{Plan, Text},
    row::Columns,
    sql::Sql,
};

const NAME: &str = "success_rate";

/// Every action is read once and counted in one group; the parts of the answer are sums over those.
const GROUPS: &str = "-- success_rate\nWITH counted AS MATERIALIZED (
    SELECT nullif(incident_type, '') AS incident_type, nullif(workflow_id, '') AS workflow_id,
        nullif(workflow_version, '') AS workflow_version,
        count(*) AS total,
        count(*) FILTER (WHERE execution_status = 'completed') AS completed,
        count(*) FILTER (WHERE execution_status = 'failed') AS failed,
        count(*) FILTER (WHERE ai_selected_workflow) AS selected,
        count(*) FILTER (WHERE ai_chained_workflows) AS chained,
        count(*) FILTER (WHERE ai_manual_escalation) AS escalated
    FROM resource_action_traces WHERE action_timestamp >= ";

const PARTS: &str = "
    GROUP BY 1, 2, 3
), parts AS (
    SELECT 0 AS part, NULL::text AS name, NULL::text AS version, sum(total) AS total,
        sum(completed) AS completed, sum(failed) AS failed, sum(selected) AS selected,
        sum(chained) AS chained, sum(escalated) AS escalated
    FROM counted
    UNION ALL
    (SELECT 1, workflow_id, workflow_version, sum(total), sum(completed), sum(failed), 0, 0, 0
    FROM counted WHERE workflow_id IS NOT NULL GROUP BY workflow_id, workflow_version
    ORDER BY sum(total) DESC, workflow_id COLLATE \"C\", workflow_version COLLATE \"C\" NULLS FIRST
    LIMIT ";

const INCIDENT_TYPES: &str = ")
    UNION ALL
    (SELECT 2, incident_type, NULL, sum(total), sum(completed), sum(failed), 0, 0, 0
    FROM counted WHERE incident_type IS NOT NULL GROUP BY incident_type
    ORDER BY sum(total) DESC, incident_type COLLATE \"C\" LIMIT ";

const END: &str = ")
)
SELECT part, name, version, coalesce(total, 0)::int8, coalesce(completed, 0)::int8,
    coalesce(failed, 0)::int8, coalesce(selected, 0)::int8, coalesce(chained, 0)::int8,
    coalesce(escalated, 0)::int8
FROM parts ORDER BY part, total DESC, name COLLATE \"C\", version COLLATE \"C\" NULLS FIRST";

impl Repository {
    /// How often the actions of these dimensions did what they were meant to, since `since`. All of
    /// the answer is of one moment; the order of a breakdown is always the same.
    pub async fn success_rate(
        &self,
        dimensions: &Dimensions,
        since: Timestamp,
    ) -> Result<SuccessRate, StoreError> {
        let sql = statement(dimensions, since);
        let text = Text {
            name: NAME,
            sql: sql.text(),
            types: sql.types(),
            plan: Plan::Fresh,
        };
        let budget = self.settings.query_timeout;
        let rows = self.read.query_text(text, &sql.values(), budget).await?;
        Ok(success_rate(&rows).map_err(Cause::driver(NAME))?)
    }
}

fn statement(dimensions: &Dimensions, since: Timestamp) -> Sql<'_> {
    let mut sql = Sql::default();
    sql.push(GROUPS).bind(Type::TIMESTAMPTZ, since.max(OLDEST));
    for (condition, value) in [
        (" AND incident_type = ", &dimensions.incident_type),
        (" AND workflow_id = ", &dimensions.workflow_id),
        (" AND workflow_version = ", &dimensions.workflow_version),
        (" AND action_type = ", &dimensions.action_type),
    ] {
        if let Some(value) = value {
            sql.push(condition).bind(Type::TEXT, value);
        }
    }
    let max = i64::from(BREAKDOWN_MAX);
    sql.push(PARTS).bind(Type::INT8, max);
    sql.push(INCIDENT_TYPES).bind(Type::INT8, max).push(END);
    sql
}

fn success_rate(rows: &[Row]) -> Result<SuccessRate, tokio_postgres::Error> {
    let mut rate = SuccessRate::default();
    for row in rows {
        let mut columns = Columns::from(row, 0);
        let part: i32 = columns.next()?;
        let name: Option<String> = columns.next()?;
        let version: Option<String> = columns.next()?;
        let tally = Tally {
            total: count(&mut columns)?,
            completed: count(&mut columns)?,
            failed: count(&mut columns)?,
        };
        match (part, name) {
            (1, Some(workflow_id)) => rate.by_workflow.push(WorkflowShare {
                workflow_id,
                workflow_version: version,
                tally,
            }),
            (2, Some(incident_type)) => rate.by_incident_type.push(IncidentShare {
                incident_type,
                tally,
            }),
            _ => {
                rate.tally = tally;
                rate.modes = AiModes {
                    catalog_selected: count(&mut columns)?,
                    chained: count(&mut columns)?,
                    manual_escalation: count(&mut columns)?,
                };
            }
        }
    }
    Ok(rate)
}

/// A count, which is never negative.
pub(crate) fn count(columns: &mut Columns<'_>) -> Result<u64, tokio_postgres::Error> {
    let count: i64 = columns.next()?;
    Ok(u64::try_from(count).unwrap_or(0))
}
