//! Reading: by id, by filter.

use std::time::Duration;

use ds_domain::{
    event::{Parent, StoredEvent},
    filter::{EventFilter, Page},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    EventPage, Repository,
    error::{Cause, StoreError},
    filter,
    pool::{Text, within},
    row::{self, event_columns},
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

/// The name in front of the text that [`filter::sql`] makes.
const QUERY_EVENTS: &str = "query_events";

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

    /// Answers a query: the page and the total in one snapshot, newest first.
    pub async fn query_events(
        &self,
        filter: &EventFilter,
        page: Page,
    ) -> Result<EventPage, StoreError> {
        let sql = filter::sql(filter);
        let text = Text {
            name: QUERY_EVENTS,
            sql: &sql,
            types: filter::PARAM_TYPES,
            plan: filter::plan(filter),
        };
        let params = filter::Params::new(filter, page);
        let params = params.as_sql();
        let params = params
            .each_ref()
            .map(|value| &**value as &(dyn ToSql + Sync));
        let rows = self
            .read
            .query_text(text, &params, self.settings.query_timeout)
            .await?;
        Ok(event_page(&rows).map_err(Cause::driver(QUERY_EVENTS))?)
    }
}

fn event_page(rows: &[Row]) -> Result<EventPage, tokio_postgres::Error> {
    let mut page = EventPage {
        events: Vec::with_capacity(rows.len()),
        total: 0,
    };
    for row in rows {
        let total: i64 = row.try_get(0)?;
        page.total = u64::try_from(total).unwrap_or(0);
        if row.try_get::<_, Option<Uuid>>(1)?.is_some() {
            page.events.push(row::event(row, 1)?);
        }
    }
    Ok(page)
}
