//! Reading: by id, by filter.

use std::time::Duration;

use ds_domain::{
    event::{Parent, StoredEvent},
    filter::{Count, EventFilter, Page},
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
        let failed = Cause::driver(QUERY_EVENTS);
        let asking = self.ask(QUERY_EVENTS, &sql, filter::plan(filter));
        match page.count {
            Count::Exact => Ok(counted(&asking.await?, page).map_err(failed)?),
            Count::None => Ok(plain(&asking.await?, page.limit).map_err(failed)?),
            Count::Estimated => {
                let expected = self.estimate_events(filter).await?;
                let mut found = plain(&asking.await?, page.limit).map_err(failed)?;
                // The page itself is better evidence than statistics.
                let seen = page.offset.saturating_add(count(&found.events));
                let at_least = seen.saturating_add(u64::from(found.has_more));
                found.total = Some(Total {
                    events: match found.events.is_empty() {
                        true => expected,
                        false => expected.max(at_least),
                    },
                    is_estimate: true,
                });
                Ok(found)
            }
        }
    }

    /// How many events the planner expects `filter` to match.
    async fn estimate_events(&self, filter: &EventFilter) -> Result<u64, StoreError> {
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
        Ok(rows.and_then(Value::as_u64).ok_or(impossible)?)
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

/// A page whose rows begin with the total.
fn counted(rows: &[Row], page: Page) -> Result<EventPage, tokio_postgres::Error> {
    let mut events = Vec::with_capacity(rows.len());
    let mut total = 0;
    for row in rows {
        total = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
        if row.try_get::<_, Option<Uuid>>(1)?.is_some() {
            events.push(row::event(row, 1)?);
        }
    }
    let seen = page.offset.saturating_add(count(&events));
    Ok(EventPage {
        events,
        total: Some(Total {
            events: total,
            is_estimate: false,
        }),
        has_more: seen < total,
    })
}

/// A page of `limit` events that was asked for one longer.
fn plain(rows: &[Row], limit: u16) -> Result<EventPage, tokio_postgres::Error> {
    let limit = usize::from(limit);
    let events = rows.iter().take(limit).map(|row| row::event(row, 0));
    Ok(EventPage {
        events: events.collect::<Result<_, _>>()?,
        total: None,
        has_more: rows.len() > limit,
    })
}

fn count(events: &[StoredEvent]) -> u64 {
    u64::try_from(events.len()).unwrap_or(u64::MAX)
}
