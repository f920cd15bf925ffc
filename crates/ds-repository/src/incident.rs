//! Incidents: action traces as lists and aggregates.

use std::collections::HashMap;

use ds_domain::{
    action::StoredAction,
    incident::{DayCount, GROUPS_MAX, Group, IncidentFilter, TrendPeriod},
    rate::Tally,
};
use ds_validation::incident::IncidentSlice;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::{
    Repository,
    action::{fixed_columns, outcome_columns, stored, stored_columns},
    error::{Cause, StoreError},
    pool::{Plan, Text},
    rate::count,
    row::Columns,
    sql::{Part, Sql},
    statement::Statement,
};

const LIST: &str = "list_incidents";

/// The page and the total are one statement and so one snapshot, as for events.
const COUNTED: &str = "-- list_incidents\nSELECT answer.total, page.*
FROM (SELECT count(*) AS total FROM resource_action_traces t WHERE true";
const PAGE: &str = concat!(
    ") AS answer\nLEFT JOIN (SELECT ",
    stored_columns!(),
    " FROM resource_action_traces t WHERE true"
);
const ORDER: &str = "\nORDER BY t.action_timestamp DESC, t.id DESC LIMIT ";
const END: &str = ") AS page ON true\nORDER BY page.action_timestamp DESC, page.id DESC";

pub(crate) const FIND: Statement = Statement::new(concat!(
    "-- find_incident\nSELECT ",
    stored_columns!(),
    " FROM resource_action_traces t WHERE t.id = $1",
));

pub(crate) const COUNT_OUTCOMES: Statement = Statement::new(
    "-- count_outcomes
SELECT count(*), count(*) FILTER (WHERE execution_status = 'completed'),
    count(*) FILTER (WHERE execution_status = 'failed')
FROM resource_action_traces WHERE workflow_id = $1::text",
);

pub(crate) const BY_NAMESPACE: Statement = Statement::new(
    "-- count_by_namespace
SELECT namespace::text, count(*) FROM resource_action_traces
WHERE namespace IS NOT NULL GROUP BY namespace
ORDER BY 2 DESC, namespace COLLATE \"C\" LIMIT $1",
);

pub(crate) const BY_SEVERITY: Statement = Statement::new(
    "-- count_by_severity
SELECT signal_severity::text, count(*) FROM resource_action_traces GROUP BY signal_severity
ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], signal_severity::text),
    signal_severity COLLATE \"C\" LIMIT $1",
);

pub(crate) const TREND: Statement = Statement::new(
    "-- count_by_day
SELECT (action_timestamp AT TIME ZONE 'UTC')::date, count(*) FROM resource_action_traces
WHERE action_timestamp >= $1::timestamptz AND action_timestamp < $2::timestamptz GROUP BY 1",
);

/// One page of a list of incidents, and the size of the whole list, from one snapshot.
#[derive(Clone, Debug)]
pub struct IncidentPage {
    /// The page, newest first.
    pub incidents: Vec<StoredAction>,
    /// How many incidents the filter matches in all.
    pub total: u64,
}

impl Repository {
    /// Lists incidents: the page and the total in one snapshot, newest first.
    pub async fn list_incidents(
        &self,
        filter: &IncidentFilter,
        slice: IncidentSlice,
    ) -> Result<IncidentPage, StoreError> {
        let sql = list(filter, slice);
        let text = Text {
            name: LIST,
            sql: sql.text(),
            types: sql.types(),
            plan: Plan::Fresh,
        };
        let budget = self.settings.query_timeout;
        let rows = self.read.query_text(text, &sql.values(), budget).await?;
        Ok(page(&rows).map_err(Cause::driver(LIST))?)
    }

    /// Finds one incident by its number.
    pub async fn find_incident(&self, id: i64) -> Result<Option<StoredAction>, StoreError> {
        let rows = self.count(FIND, &[&id]).await?;
        let found = rows.first().map(|row| stored(row, 0)).transpose();
        Ok(found.map_err(Cause::driver(FIND.name()))?)
    }

    /// How the actions of a workflow ended, whenever they were.
    pub async fn count_outcomes(&self, workflow_id: &str) -> Result<Tally, StoreError> {
        let rows = self.count(COUNT_OUTCOMES, &[&workflow_id]).await?;
        let tally = rows.first().map(tally).transpose();
        let tally = tally.map_err(Cause::driver(COUNT_OUTCOMES.name()))?;
        Ok(tally.unwrap_or_default())
    }

    /// How many incidents there are in each namespace, the most first.
    pub async fn count_by_namespace(&self) -> Result<Vec<Group>, StoreError> {
        self.groups(BY_NAMESPACE).await
    }

    /// How many incidents there are of each severity: critical, high, medium, low, then others by name.
    pub async fn count_by_severity(&self) -> Result<Vec<Group>, StoreError> {
        self.groups(BY_SEVERITY).await
    }

    /// How many incidents there were on each UTC day of a period that ends with `today`, the first day
    /// first. Days without any are there, too.
    pub async fn count_by_day(
        &self,
        today: Date,
        period: TrendPeriod,
    ) -> Result<Vec<DayCount>, StoreError> {
        let first = today.saturating_sub(i32::from(period.days() - 1).days());
        let after = today.saturating_add(1.day());
        let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
        let (Ok(from), Ok(until)) = (midnight(first), midnight(after)) else {
            return Ok(Vec::new());
        };
        let rows = self.count(TREND, &[&from, &until]).await?;
        let counted = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let counted = counted.collect::<Result<HashMap<Date, i64>, _>>();
        let counted = counted.map_err(Cause::driver(TREND.name()))?;
        let days = first.series(1.day()).take(usize::from(period.days()));
        Ok(days
            .map(|date| DayCount {
                date,
                count: counted
                    .get(&date)
                    .map_or(0, |n| u64::try_from(*n).unwrap_or(0)),
            })
            .collect())
    }

    async fn groups(&self, statement: Statement) -> Result<Vec<Group>, StoreError> {
        let rows = self.count(statement, &[&i64::from(GROUPS_MAX)]).await?;
        let groups = rows.iter().map(|row| {
            let mut columns = Columns::from(row, 0);
            Ok(Group {
                name: columns.next()?,
                count: count(&mut columns)?,
            })
        });
        let groups = groups.collect::<Result<_, _>>();
        Ok(groups.map_err(Cause::driver(statement.name()))?)
    }

    async fn count(
        &self,
        statement: Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Cause> {
        let budget = self.settings.query_timeout;
        self.read.query(statement, params, budget).await
    }
}

fn list(filter: &IncidentFilter, slice: IncidentSlice) -> Sql<'_> {
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    sql.push(COUNTED).push_part(&matching);
    sql.push(PAGE).push_part(&matching);
    sql.push(ORDER).bind(Type::INT8, i64::from(slice.limit));
    let offset = i64::try_from(slice.offset).unwrap_or(i64::MAX);
    sql.push(" OFFSET ").bind(Type::INT8, offset).push(END);
    sql
}

/// The conditions of `filter`, each beginning with AND.
fn matching<'f>(sql: &mut Sql<'f>, filter: &'f IncidentFilter) -> Part {
    for (condition, value) in [
        (" AND t.namespace = ", &filter.namespace),
        (" AND t.signal_name = ", &filter.signal_name),
        (" AND t.cluster_name = ", &filter.cluster),
        (" AND t.environment = ", &filter.environment),
        (" AND t.action_type = ", &filter.action_type),
    ] {
        if let Some(value) = value {
            sql.push(condition).bind(Type::TEXT, value);
        }
    }
    if let Some(severity) = filter.severity {
        sql.push(" AND t.signal_severity = ")
            .bind(Type::TEXT, severity.as_str());
    }
    sql.take_part()
}

fn page(rows: &[Row]) -> Result<IncidentPage, tokio_postgres::Error> {
    let mut page = IncidentPage {
        incidents: Vec::with_capacity(rows.len()),
        total: 0,
    };
    for row in rows {
        page.total = count(&mut Columns::from(row, 0))?;
        if row.try_get::<_, Option<i64>>(1)?.is_some() {
            page.incidents.push(stored(row, 1)?);
        }
    }
    Ok(page)
}

fn tally(row: &Row) -> Result<Tally, tokio_postgres::Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Tally {
        total: count(&mut columns)?,
        completed: count(&mut columns)?,
        failed: count(&mut columns)?,
    })
}
