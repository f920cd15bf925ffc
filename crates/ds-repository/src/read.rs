//! Reading: by id, by filter.

use std::time::Duration;

use ds_domain::{
    cursor::Position,
    event::{Parent, StoredEvent},
    filter::{Count, EventFilter, Page, Start},
};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    EventPage, Repository, Total,
    error::{Cause, StoreError},
    filter,
    pool::{Plan, Text, within},
    row::{self, event_columns},
    sql::Sql,
    statement::Statement,
};

pub(crate) const PING: Statement = Statement::new("-- ping\nSELECT 1");

/// Looks into every partition: an id does not say its date.
pub(crate) const FIND_DATES: Statement = Statement::new(
    "-- find_event_dates
SELECT event_id, event_date FROM audit_events WHERE event_id = ANY($1::uuid[])",
);

pub(crate) const FIND_EVENT: Statement = Statement::new(concat!(
    "-- find_event\nSELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events WHERE event_id = $1::uuid",
));

/// The names in front of the texts that [`filter`] makes.
const QUERY_EVENTS: &str = "query_events";
const ESTIMATE_EVENTS: &str = "estimate_events";
const EXPORT_EVENTS: &str = "export_events";

/// Bounds of a piece of an export: enough to make planning it worth while, little enough to hold a
/// few of them in memory.
const PIECE_EVENTS_MAX: i64 = 500;
const PIECE_BYTES_MAX: i64 = 512 * 1024;

impl Repository {
    /// Asks the store for a sign of life, within `budget` in all.
    pub async fn ping(&self, budget: Duration) -> Result<(), StoreError> {
        let asking = self.read.query(PING, &[], budget);
        within(PING.name(), budget, asking).await??;
        Ok(())
    }

    /// Finds which of `ids` are stored, and under which date. A part of writing, and bounded as such.
    pub async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self
            .read
            .query(FIND_DATES, &[/* $1 */ &ids], self.settings.append_timeout)
            .await?;
        let parent = |row: &Row| {
            Ok(Parent {
                id: row.try_get(0)?,
                date: row.try_get(1)?,
            })
        };
        let parents = rows.iter().map(parent).collect::<Result<_, _>>();
        Ok(parents.map_err(Cause::driver(FIND_DATES.name()))?)
    }

    /// Finds one event.
    pub async fn find_event(&self, id: Uuid) -> Result<Option<StoredEvent>, StoreError> {
        let rows = self
            .read
            .query(FIND_EVENT, &[/* $1 */ &id], self.settings.query_timeout)
            .await?;
        let found = rows.first().map(|row| row::event(row, 0)).transpose();
        Ok(found.map_err(Cause::driver(FIND_EVENT.name()))?)
    }

    /// Answers a query, newest first. An exact total is of one snapshot with the page.
    pub async fn query_events(
        &self,
        filter: &EventFilter,
        page: Page,
    ) -> Result<EventPage, StoreError> {
        let sql = filter::page(filter, page);
        let asking = self.ask(QUERY_EVENTS, &sql, filter::plan(filter));
        let (rows, total) = match page.count {
            Count::Exact => {
                let rows = asking.await?;
                let total = total(&rows).map_err(Cause::driver(QUERY_EVENTS))?;
                (rows, Some(total))
            }
            Count::Estimated => {
                let total = self.estimate_events(filter).await?;
                (asking.await?, Some(total))
            }
            Count::None => (asking.await?, None),
        };
        let events = events(&rows, page).map_err(Cause::driver(QUERY_EVENTS))?;
        Ok(EventPage::new(events, total, page))
    }

    /// Reads a piece of the whole answer: the next events behind `from`, newest first; none when that
    /// was the last one. Pieces are bounded in events and bytes, and between them nothing is held.
    pub async fn export_events(
        &self,
        filter: &EventFilter,
        from: Option<Position>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = filter::piece(filter, from, PIECE_EVENTS_MAX, PIECE_BYTES_MAX);
        let rows = self.ask(EXPORT_EVENTS, &sql, filter::plan(filter)).await?;
        let events = rows.iter().map(|row| row::event(row, 0));
        let events = events.collect::<Result<_, _>>();
        Ok(events.map_err(Cause::driver(EXPORT_EVENTS))?)
    }

    /// How many events the planner expects `filter` to match.
    async fn estimate_events(&self, filter: &EventFilter) -> Result<Total, StoreError> {
        let sql = filter::estimate(filter);
        // Planned with the values at hand: without them there is nothing to expect.
        let rows = self.ask(ESTIMATE_EVENTS, &sql, Plan::Fresh).await?;
        let failed = Cause::driver(ESTIMATE_EVENTS);
        let answer: Option<Value> = rows
            .first()
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(failed)?;
        let rows = answer
            .as_ref()
            .and_then(|plan| plan.pointer("/0/Plan/Plan Rows"));
        let impossible = Cause::Impossible {
            statement: ESTIMATE_EVENTS,
            what: "a plan without a number of rows",
        };
        Ok(Total {
            events: rows.and_then(Value::as_u64).ok_or(impossible)?,
            is_estimate: true,
        })
    }

    /// Runs a statement that was put together.
    async fn ask(&self, name: &'static str, sql: &Sql<'_>, plan: Plan) -> Result<Vec<Row>, Cause> {
        let text = Text {
            name,
            sql: sql.text(),
            types: sql.types(),
            plan,
        };
        self.read
            .query_text(text, &sql.values(), self.settings.query_timeout)
            .await
    }
}

/// The total that every row of a counted page begins with.
fn total(rows: &[Row]) -> Result<Total, tokio_postgres::Error> {
    let total = rows
        .first()
        .map(|row| row.try_get::<_, i64>(0))
        .transpose()?;
    Ok(Total {
        events: total
            .and_then(|total| u64::try_from(total).ok())
            .unwrap_or(0),
        is_estimate: false,
    })
}

/// The events in the rows of a page, newest first.
fn events(rows: &[Row], page: Page) -> Result<Vec<StoredEvent>, tokio_postgres::Error> {
    if page.count == Count::Exact {
        // A page without events is one row with nothing but the total.
        let empty = rows.first().map(|row| row.try_get::<_, Option<Uuid>>(1));
        return match empty.transpose()? {
            Some(None) => Ok(Vec::new()),
            Some(Some(_)) | None => rows.iter().map(|row| row::event(row, 1)).collect(),
        };
    }
    let events = rows.iter().map(|row| row::event(row, 0));
    match page.start {
        Start::Before(_) => events.rev().collect(),
        Start::Offset(_) | Start::Newest | Start::After(_) => events.collect(),
    }
}
