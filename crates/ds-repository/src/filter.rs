//! A filter as SQL: fragments that are constants of the program, and values that are parameters.
//!
//! Every value has its parameter whether it is used or not, so that each condition is one constant
//! text. There are 2⁷ texts in all; the half of them that names a remediation stays prepared, which
//! bounds the statement cache of a connection.

use ds_domain::{
    filter::{EventFilter, Page},
    time::utc_date,
};
use jiff::{Timestamp, civil::Date};
use tokio_postgres::types::{ToSql, Type};

use crate::{pool::Plan, row::event_columns};

/// Types of the parameters. Said aloud, because the server cannot infer those that are not used.
pub(crate) const PARAM_TYPES: &[Type] = &[
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::DATE,
    Type::TIMESTAMPTZ,
    Type::DATE,
    Type::INT8,
    Type::INT8,
];

/// The page and the total are one statement and so one snapshot. The total comes first in every
/// row; a page without events is one row with nothing but the total.
const HEAD: &str = "-- query_events\nSELECT answer.total, page.*\nFROM (SELECT count(*) AS total \
    FROM audit_events WHERE true";
const PAGE: &str = concat!(
    ") AS answer\nLEFT JOIN (SELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events WHERE true"
);
const TAIL: &str = "\nORDER BY event_timestamp DESC, event_id DESC LIMIT $10 OFFSET $11) AS page \
    ON true\nORDER BY page.event_timestamp DESC, page.event_id DESC";

const CORRELATION_ID: &str = " AND correlation_id = $1";
const EVENT_TYPE: &str = " AND event_type = $2";
const EVENT_CATEGORY: &str = " AND event_category = $3";
const EVENT_OUTCOME: &str = " AND event_outcome = $4";
const SEVERITY: &str = " AND severity = $5";
// A bound on the time bounds the day as well: only that tells the planner which partitions to leave
// out.
const SINCE: &str = " AND event_timestamp >= $6 AND event_date >= $7";
const UNTIL: &str = " AND event_timestamp <= $8 AND event_date <= $9";

/// No event is older; PostgreSQL's calendar ends later than jiff's but begins later, too.
const OLDEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// The text of the statement for `filter`.
pub(crate) fn sql(filter: &EventFilter) -> String {
    let conditions: Vec<&'static str> = [
        (filter.correlation_id.is_some(), CORRELATION_ID),
        (filter.event_type.is_some(), EVENT_TYPE),
        (filter.event_category.is_some(), EVENT_CATEGORY),
        (filter.event_outcome.is_some(), EVENT_OUTCOME),
        (filter.severity.is_some(), SEVERITY),
        (filter.since.is_some(), SINCE),
        (filter.until.is_some(), UNTIL),
    ]
    .into_iter()
    .filter_map(|(wanted, condition)| wanted.then_some(condition))
    .collect();
    let conditions = conditions.concat();
    [HEAD, &conditions, PAGE, &conditions, TAIL].concat()
}

/// Whether the statement for `filter` may keep its plan. The events of one remediation are few,
/// whichever one it is; how many events any other condition leaves depends on its value.
pub(crate) fn plan(filter: &EventFilter) -> Plan {
    if filter.correlation_id.is_some() {
        Plan::Reused
    } else {
        Plan::Fresh
    }
}

/// The values for [`sql`].
pub(crate) struct Params<'f> {
    filter: &'f EventFilter,
    since: Option<(Timestamp, Date)>,
    until: Option<(Timestamp, Date)>,
    limit: i64,
    offset: i64,
}

impl<'f> Params<'f> {
    pub(crate) fn new(filter: &'f EventFilter, page: Page) -> Self {
        let bound = |at: Timestamp| {
            let at = at.max(OLDEST);
            (at, utc_date(at))
        };
        Self {
            filter,
            since: filter.since.map(bound),
            until: filter.until.map(bound),
            limit: page.limit.into(),
            offset: i64::try_from(page.offset).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn as_sql(&self) -> [Box<dyn ToSql + Sync + Send + '_>; 11] {
        [
            /* $1 */ Box::new(self.filter.correlation_id.as_deref()),
            /* $2 */ Box::new(self.filter.event_type.as_deref()),
            /* $3 */ Box::new(self.filter.event_category.as_deref()),
            /* $4 */ Box::new(self.filter.event_outcome.as_deref()),
            /* $5 */ Box::new(self.filter.severity.as_deref()),
            /* $6 */ Box::new(self.since.map(|(at, _)| at)),
            /* $7 */ Box::new(self.since.map(|(_, day)| day)),
            /* $8 */ Box::new(self.until.map(|(at, _)| at)),
            /* $9 */ Box::new(self.until.map(|(_, day)| day)),
            /* $10 */ Box::new(self.limit),
            /* $11 */ Box::new(self.offset),
        ]
    }
}

#[cfg(test)]
mod tests;
