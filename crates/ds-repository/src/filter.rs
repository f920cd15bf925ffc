//! A filter as SQL: one condition for each member that is asked for, with its values bound.

use ds_domain::{
    cursor::Position,
    filter::{Count, EventFilter, Page, Start},
    json::JsonObject,
    time::utc_date,
};
use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::{
    jsonb::Written,
    pool::Plan,
    row::event_columns,
    sql::{Part, Sql},
};

/// The page and the total are one statement and so one snapshot. The total comes first in every
/// row; a page without events is one row with nothing but the total.
const COUNTED: &str = "-- query_events\nSELECT answer.total, page.*\nFROM (SELECT count(*) AS total \
    FROM audit_events WHERE true";
const COUNTED_PAGE: &str = concat!(
    ") AS answer\nLEFT JOIN (SELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events WHERE true"
);
const COUNTED_END: &str =
    ") AS page ON true\nORDER BY page.event_timestamp DESC, page.event_id DESC";

/// The page alone.
const PLAIN: &str = concat!(
    "-- query_events\nSELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events WHERE true"
);

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

/// What the planner thinks of the filter; nothing is read.
const ESTIMATE: &str =
    "-- estimate_events\nEXPLAIN (FORMAT JSON) SELECT event_id FROM audit_events WHERE true";

const NEWEST_FIRST: &str = "\nORDER BY event_timestamp DESC, event_id DESC LIMIT ";
const OLDEST_FIRST: &str = "\nORDER BY event_timestamp, event_id LIMIT ";

/// No event is older; PostgreSQL's calendar ends later than jiff's but begins later, too.
pub(crate) const OLDEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// The statement for a page of the events that `filter` matches, with an exact total in front of
/// every row if `page` asks for one.
///
/// But for an offset whose total tells, the page is one event longer than asked for, which shows
/// whether there are more. The page in front of a position comes oldest first, unless it is counted.
pub(crate) fn page(filter: &EventFilter, page: Page) -> Sql<'_> {
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    let is_counted = page.count == Count::Exact;
    if is_counted {
        sql.push(COUNTED).push_part(&matching).push(COUNTED_PAGE);
    } else {
        sql.push(PLAIN);
    }
    sql.push_part(&matching);
    let limit = i64::from(page.limit);
    match page.start {
        Start::Offset(offset) => {
            sql.push(NEWEST_FIRST)
                .bind(Type::INT8, limit + i64::from(!is_counted))
                .push(" OFFSET ")
                .bind(Type::INT8, i64::try_from(offset).unwrap_or(i64::MAX));
        }
        Start::Newest => {
            sql.push(NEWEST_FIRST).bind(Type::INT8, limit + 1);
        }
        Start::After(position) => {
            after(&mut sql, position);
            sql.push(NEWEST_FIRST).bind(Type::INT8, limit + 1);
        }
        Start::Before(position) => {
            before(&mut sql, position);
            sql.push(OLDEST_FIRST).bind(Type::INT8, limit + 1);
        }
    }
    if is_counted {
        sql.push(COUNTED_END);
    }
    sql
}

/// The statement for the next events behind `from`, newest first: at most `events_max`, and none
/// more once they have `bytes_max` as they are stored.
pub(crate) fn piece(
    filter: &EventFilter,
    from: Option<Position>,
    events_max: i64,
    bytes_max: i64,
) -> Sql<'_> {
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    sql.push(PIECE).push_part(&matching);
    if let Some(position) = from {
        after(&mut sql, position);
    }
    sql.push(NEWEST_FIRST).bind(Type::INT8, events_max);
    sql.push(PIECE_BOUND).bind(Type::INT8, bytes_max);
    sql.push(PIECE_END);
    sql
}

/// Events behind `position`, newest first. Comparing rows lets an index on the time begin right
/// there, however far down that is; the day leaves out the partitions that are done.
fn after(sql: &mut Sql<'_>, position: Position) {
    sql.push(" AND (event_timestamp, event_id) < (");
    place(sql, position, ") AND event_date <= ");
}

/// Events in front of `position`.
fn before(sql: &mut Sql<'_>, position: Position) {
    sql.push(" AND (event_timestamp, event_id) > (");
    place(sql, position, ") AND event_date >= ");
}

fn place(sql: &mut Sql<'_>, position: Position, day: &'static str) {
    let at = position.at.max(OLDEST);
    sql.bind(Type::TIMESTAMPTZ, at)
        .push(", ")
        .bind(Type::UUID, position.id)
        .push(day)
        .bind(Type::DATE, utc_date(at));
}

/// The statement that estimates how many events `filter` matches.
pub(crate) fn estimate(filter: &EventFilter) -> Sql<'_> {
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    sql.push(ESTIMATE).push_part(&matching);
    sql
}

/// Whether the statement for `filter` may keep its plan. The events of one remediation are few,
/// whichever one it is; how many events any other condition leaves depends on its value.
pub(crate) fn plan(filter: &EventFilter) -> Plan {
    if filter.values_of("correlation_id").is_empty() {
        Plan::Fresh
    } else {
        Plan::Reused
    }
}

/// The conditions of `filter`, each beginning with AND.
fn matching<'f>(sql: &mut Sql<'f>, filter: &'f EventFilter) -> Part {
    for text in &filter.texts {
        sql.push(" AND ").push(text.field.column);
        match text.values.as_slice() {
            // Not `ANY` of one: only equality lets an index that begins with the column give the
            // order of the page as well.
            [value] => sql.push(" = ").bind(Type::TEXT, value),
            values => sql.push(" = ANY(").bind(Type::TEXT_ARRAY, values).push(")"),
        };
    }
    match filter.parents.as_slice() {
        [] => {}
        [parent] => {
            sql.push(" AND parent_event_id = ").bind(Type::UUID, parent);
        }
        parents => {
            sql.push(" AND parent_event_id = ANY(")
                .bind(Type::UUID_ARRAY, parents)
                .push(")");
        }
    }
    match filter.data.as_slice() {
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
    if let Some(since) = filter.since {
        bound(
            sql,
            since,
            " AND event_timestamp >= ",
            " AND event_date >= ",
        );
    }
    if let Some(until) = filter.until {
        bound(
            sql,
            until,
            " AND event_timestamp <= ",
            " AND event_date <= ",
        );
    }
    sql.take_part()
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
