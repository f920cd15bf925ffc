//! A filter of events as SQL: one condition for each member that is asked for, with its values bound.

use ds_domain::{
    cursor::Position, event::StoredEvent, filter::EventFilter, json::JsonObject, time::utc_date,
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::Type};

use crate::{
    jsonb::Written,
    list::{self, Days, Key, List, Listed, OLDEST, list},
    pool::Plan,
    row::{self, event_columns},
    sql::Sql,
};

/// A piece of the whole answer. How many bytes there are in front of an event is summed up without
/// fetching payloads that are stored apart; those beyond the bound are not fetched at all.
const PIECE: &str = concat!(
    "-- export_events\nSELECT ",
    event_columns!(),
    ", recorded_at FROM (SELECT ",
    event_columns!(),
    ", recorded_at, sum(pg_column_size(event_data) + coalesce(pg_column_size(event_metadata), 0)) \
     OVER (ORDER BY event_timestamp DESC, event_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 \
     PRECEDING) AS bytes_before FROM audit_events WHERE true"
);
const PIECE_BOUND: &str = ") AS piece WHERE coalesce(bytes_before, 0) < ";
const PIECE_END: &str = "\nORDER BY event_timestamp DESC, event_id DESC";

/// The statement for the next events behind `from`, newest first: at most `events_max`, and none
/// more once they have `bytes_max` as they are stored.
pub(crate) fn piece(
    filter: &EventFilter,
    from: Option<Position>,
    events_max: i64,
    bytes_max: i64,
) -> Sql<'_> {
    let list = EventFilter::LIST;
    let mut sql = Sql::default();
    let matching = list::matching(&mut sql, filter);
    sql.push(PIECE).push_part(&matching);
    if let Some(position) = from {
        list.after(&mut sql, position);
    }
    sql.push(list.newest_first).bind(Type::INT8, events_max);
    sql.push(PIECE_BOUND).bind(Type::INT8, bytes_max);
    sql.push(PIECE_END);
    sql
}

impl Listed for EventFilter {
    type Item = StoredEvent;

    const LIST: List = list! {
        names: ("query_events", "estimate_events"),
        table: "audit_events",
        columns: (event_columns!(), ", recorded_at"),
        order: ("event_timestamp", "event_id"),
        key: Key::Id,
        days: Some(Days {
            after: " AND event_date <= ",
            before: " AND event_date >= ",
        }),
    };

    fn conditions<'f>(&'f self, sql: &mut Sql<'f>) {
        for text in &self.texts {
            sql.push(" AND ").push(text.field.column);
            sql.push_any(Type::TEXT, Type::TEXT_ARRAY, &text.values);
        }
        if !self.parents.is_empty() {
            sql.push(" AND parent_event_id");
            sql.push_any(Type::UUID, Type::UUID_ARRAY, &self.parents);
        }
        match self.data.as_slice() {
            [] => {}
            [data] => {
                sql.push(" AND event_data @> ")
                    .bind(Type::JSONB, Written(data));
            }
            alternatives => {
                let alternatives: Vec<_> = alternatives.iter().map(written).collect();
                sql.push(" AND event_data @> ANY(")
                    .bind(Type::JSONB_ARRAY, alternatives)
                    .push(")");
            }
        }
        if let Some(since) = self.since {
            bound(
                sql,
                since,
                " AND event_timestamp >= ",
                " AND event_date >= ",
            );
        }
        if let Some(until) = self.until {
            bound(
                sql,
                until,
                " AND event_timestamp <= ",
                " AND event_date <= ",
            );
        }
    }

    /// The events of one remediation are few, whichever one it is; how many events any other condition
    /// leaves depends on its value.
    fn plan(&self) -> Plan {
        match self.values_of("correlation_id").is_empty() {
            true => Plan::Fresh,
            false => Plan::Reused,
        }
    }

    fn read(row: &Row, first: usize) -> Result<StoredEvent, tokio_postgres::Error> {
        row::event(row, first)
    }
}

fn written(data: &JsonObject) -> Written<'_> {
    Written(data)
}

/// A bound on the time bounds the day as well: only that tells the planner which partitions to leave
/// out.
fn bound(sql: &mut Sql<'_>, at: Timestamp, time: &'static str, day: &'static str) {
    let at = at.max(OLDEST);
    sql.push(time).bind(Type::TIMESTAMPTZ, at);
    sql.push(day).bind(Type::DATE, utc_date(at));
}

#[cfg(test)]
mod tests;
