//! Reading: by id, by filter.

use std::time::Duration;

use ds_domain::{
    cursor::Position,
    event::{Parent, StoredEvent},
    filter::{EventFilter, Page},
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    EventPage, Repository,
    error::{Cause, StoreError},
    filter,
    list::Listed,
    pool::within,
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

/// Like [`FIND_EVENT`], some at once.
pub(crate) const FIND_EVENTS: Statement = Statement::new(concat!(
    "-- find_events\nSELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events WHERE event_id = ANY($1::uuid[])",
));

/// The name in front of the text that [`filter::piece`] makes.
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
        self.list(filter, page).await
    }

    /// Reads a piece of the whole answer: the next events behind `from`, newest first; none when that
    /// was the last one. Pieces are bounded in events and bytes, and between them nothing is held.
    pub async fn export_events(
        &self,
        filter: &EventFilter,
        from: Option<Position>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = filter::piece(filter, from, PIECE_EVENTS_MAX, PIECE_BYTES_MAX);
        let read = |row: Row| row::event(&row, 0);
        Ok(self
            .ask_each(EXPORT_EVENTS, &sql, filter.plan(), read)
            .await?)
    }
}
