//! Lists: what the pages of all of them have in common, as SQL and as rows.
//!
//! A list is ordered by a time and then by a key, the newest first, and its rows never change: a walk
//! that goes on behind the last row it has seen meets each row once.

mod found;

use ds_domain::{
    cursor::Position,
    filter::{Count, Page, Start},
    time::utc_date,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::{Row, types::Type};

use crate::{
    Listing, Repository, Total,
    error::{Cause, StoreError},
    pool::{Plan, Text},
    sql::{Part, Sql},
};
use found::{counted, exactly, fitting, item};

/// No event is older; PostgreSQL's calendar ends later than jiff's but begins later, too.
pub(crate) const OLDEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// A filter, and the list that it is a filter of.
pub(crate) trait Listed: Sync {
    /// What the list consists of.
    type Item;

    /// The list; [`list!`] writes it.
    const LIST: List;

    /// Adds the conditions of this filter, each beginning with AND.
    fn conditions<'f>(&'f self, sql: &mut Sql<'f>);

    /// Whether the statement for this filter may keep its plan.
    fn plan(&self) -> Plan {
        Plan::Fresh
    }

    /// Reads an item whose columns start at `first`.
    fn read(row: &Row, first: usize) -> Result<Self::Item, tokio_postgres::Error>;
}

/// The constants that the statements of a list are made of.
pub(crate) struct List {
    pub(crate) name: &'static str,
    pub(crate) estimate_name: &'static str,
    /// The page and the total are one statement and so one snapshot. The total comes first in every
    /// row; a page without items is one row with nothing but the total.
    pub(crate) counted: &'static str,
    pub(crate) counted_page: &'static str,
    pub(crate) counted_end: &'static str,
    /// The page alone.
    pub(crate) plain: &'static str,
    pub(crate) items: &'static str,
    /// What a page is put into whose items may be large.
    pub(crate) bounded: Option<Bounded>,
    /// What the planner thinks of the filter; nothing is read.
    pub(crate) estimate: &'static str,
    pub(crate) newest_first: &'static str,
    pub(crate) oldest_first: &'static str,
    /// Items behind a position. Comparing rows lets an index on the order begin right there, however
    /// far down that is.
    pub(crate) after: &'static str,
    /// Items in front of a position.
    pub(crate) before: &'static str,
    pub(crate) key: Key,
    /// The same for the day by which the table is parted: it leaves out the parts that are done.
    pub(crate) days: Option<Days>,
}

/// What the last column of a list's order is.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// An id.
    Id,
    /// A number, from 0 up.
    Number,
}

/// Leaves out of a page what goes beyond a number of bytes, but never its first item; of each item the
/// last column says how many there were.
pub(crate) struct Bounded {
    pub(crate) bytes_max: i64,
    pub(crate) begin: &'static str,
    pub(crate) newest_first: &'static str,
    pub(crate) oldest_first: &'static str,
}

/// Conditions on the day of an item.
pub(crate) struct Days {
    pub(crate) after: &'static str,
    pub(crate) before: &'static str,
}

/// Writes a [`List`]. `columns` have to begin with one that is never null; where the bytes of a page
/// are bounded, one is called `bytes`.
macro_rules! list {
    (
        names: ($name:literal, $estimate_name:literal),
        table: $table:literal,
        columns: ($($columns:tt)+),
        order: ($at:literal, $key:literal),
        key: $kind:expr,
        days: $days:expr
        $(, bytes_max: $bytes_max:expr)? $(,)?
    ) => {
        $crate::list::List {
            name: $name,
            estimate_name: $estimate_name,
            counted: concat!(
                "-- ", $name, "\nSELECT answer.total, page.*\nFROM (SELECT count(*) AS total FROM ",
                $table, " WHERE true"
            ),
            counted_page: ") AS answer\nLEFT JOIN (",
            counted_end: concat!(
                ") AS page ON true\nORDER BY page.", $at, " DESC, page.", $key, " DESC"
            ),
            plain: concat!("-- ", $name, "\n"),
            items: concat!("SELECT ", $($columns)+, " FROM ", $table, " WHERE true"),
            bounded: $crate::list::list!(@bounded $at, $key $(, $bytes_max)?),
            estimate: concat!(
                "-- ", $estimate_name, "\nEXPLAIN (FORMAT JSON) SELECT ", $key, " FROM ", $table,
                " WHERE true"
            ),
            newest_first: concat!("\nORDER BY ", $at, " DESC, ", $key, " DESC LIMIT "),
            oldest_first: concat!("\nORDER BY ", $at, ", ", $key, " LIMIT "),
            after: concat!(" AND (", $at, ", ", $key, ") < ("),
            before: concat!(" AND (", $at, ", ", $key, ") > ("),
            key: $kind,
            days: $days,
        }
    };
    (@bounded $at:literal, $key:literal) => { None };
    (@bounded $at:literal, $key:literal, $bytes_max:expr) => {
        Some($crate::list::Bounded {
            bytes_max: $bytes_max,
            begin: "SELECT * FROM (SELECT page.*, row_number() OVER place AS number, \
                    sum(bytes) OVER place AS sum, count(*) OVER () AS found\nFROM (",
            newest_first: concat!(
                "\n) AS page WINDOW place AS (ORDER BY ", $at, " DESC, ", $key, " DESC)) AS page\n\
                 WHERE number = 1 OR sum <= "
            ),
            oldest_first: concat!(
                "\n) AS page WINDOW place AS (ORDER BY ", $at, ", ", $key, ")) AS page\n\
                 WHERE number = 1 OR sum <= "
            ),
        })
    };
}
pub(crate) use list;

impl List {
    /// The items behind `position`, newest first.
    pub(crate) fn after(&self, sql: &mut Sql<'_>, position: Position) {
        let day = self.days.as_ref().map(|days| days.after);
        self.place(sql, self.after, position, day);
    }

    /// The items in front of `position`.
    fn before(&self, sql: &mut Sql<'_>, position: Position) {
        let day = self.days.as_ref().map(|days| days.before);
        self.place(sql, self.before, position, day);
    }

    fn place(
        &self,
        sql: &mut Sql<'_>,
        side: &'static str,
        position: Position,
        day: Option<&'static str>,
    ) {
        sql.push(side)
            .bind(Type::TIMESTAMPTZ, position.at)
            .push(", ");
        match self.key {
            Key::Id => sql.bind(Type::UUID, position.id),
            Key::Number => sql.bind(Type::INT8, position.number()),
        };
        sql.push(")");
        if let Some(day) = day {
            sql.push(day).bind(Type::DATE, utc_date(position.at));
        }
    }
}

/// The statement for a page of what `filter` matches, with an exact total in front of every row if
/// `page` asks for one.
///
/// But for an offset whose total tells, the page is one item longer than asked for, which shows
/// whether there are more. The page in front of a position comes oldest first, unless it is counted or
/// its bytes are bounded.
pub(crate) fn page<F: Listed>(filter: &F, page: Page) -> Sql<'_> {
    let list = F::LIST;
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    let is_counted = page.count == Count::Exact;
    if is_counted {
        sql.push(list.counted)
            .push_part(&matching)
            .push(list.counted_page);
    } else {
        sql.push(list.plain);
    }
    if let Some(bounded) = &list.bounded {
        sql.push(bounded.begin);
    }
    sql.push(list.items).push_part(&matching);
    let limit = i64::from(page.limit);
    match page.start {
        Start::Offset(offset) => {
            sql.push(list.newest_first)
                .bind(Type::INT8, limit + i64::from(!is_counted))
                .push(" OFFSET ")
                .bind(Type::INT8, i64::try_from(offset).unwrap_or(i64::MAX));
        }
        Start::Newest => {
            sql.push(list.newest_first).bind(Type::INT8, limit + 1);
        }
        Start::After(position) => {
            list.after(&mut sql, position);
            sql.push(list.newest_first).bind(Type::INT8, limit + 1);
        }
        Start::Before(position) => {
            list.before(&mut sql, position);
            sql.push(list.oldest_first).bind(Type::INT8, limit + 1);
        }
    }
    if let Some(bounded) = &list.bounded {
        let (bound, order) = match page.start {
            Start::Before(_) => (bounded.oldest_first, "\nORDER BY number DESC"),
            Start::Offset(_) | Start::Newest | Start::After(_) => {
                (bounded.newest_first, "\nORDER BY number")
            }
        };
        sql.push(bound)
            .bind(Type::INT8, bounded.bytes_max)
            .push(order);
    }
    if is_counted {
        sql.push(list.counted_end);
    }
    sql
}

/// The statement that estimates how much `filter` matches.
pub(crate) fn estimate<F: Listed>(filter: &F) -> Sql<'_> {
    let mut sql = Sql::default();
    let matching = matching(&mut sql, filter);
    sql.push(F::LIST.estimate).push_part(&matching);
    sql
}

/// The conditions of `filter`, which may stand in a statement more than once.
pub(crate) fn matching<'f>(sql: &mut Sql<'f>, filter: &'f impl Listed) -> Part {
    filter.conditions(sql);
    sql.take_part()
}

impl Repository {
    /// Answers a query, newest first. An exact total is of one snapshot with the page.
    pub(crate) async fn list<F: Listed>(
        &self,
        filter: &F,
        page: Page,
    ) -> Result<Listing<F::Item>, StoreError> {
        Ok(self.list_fitting(filter, page).await?.0)
    }

    /// The same, and whether items were left out because the page would have been too large.
    pub(crate) async fn list_fitting<F: Listed>(
        &self,
        filter: &F,
        page: Page,
    ) -> Result<(Listing<F::Item>, bool), StoreError> {
        let name = F::LIST.name;
        let sql = self::page(filter, page);
        if page.count == Count::Exact {
            let rows = self.ask_each(name, &sql, filter.plan(), |row| counted::<F>(&row));
            let rows = rows.await?;
            let total = exactly(rows.first().map_or(0, |(total, _)| *total));
            let items = rows.into_iter().filter_map(|(_, item)| item);
            return Ok(fitting(items.collect(), Some(total), page));
        }
        let total = match page.count {
            Count::Estimated => Some(self.estimate(filter).await?),
            Count::Exact | Count::None => None,
        };
        let items = self.ask_each(name, &sql, filter.plan(), |row| item::<F>(&row, 0));
        let mut items = items.await?;
        if matches!(page.start, Start::Before(_)) && F::LIST.bounded.is_none() {
            items.reverse();
        }
        Ok(fitting(items, total, page))
    }

    /// How much the planner expects `filter` to match.
    async fn estimate<F: Listed>(&self, filter: &F) -> Result<Total, StoreError> {
        let name = F::LIST.estimate_name;
        let sql = estimate(filter);
        // Planned with the values at hand: without them there is nothing to expect.
        let rows = self.ask(name, &sql, Plan::Fresh).await?;
        let failed = Cause::driver(name);
        let answer: Option<Value> = rows
            .first()
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(failed)?;
        let rows = answer
            .as_ref()
            .and_then(|plan| plan.pointer("/0/Plan/Plan Rows"));
        let impossible = Cause::Impossible {
            statement: name,
            what: "a plan without a number of rows",
        };
        Ok(Total {
            count: rows.and_then(Value::as_u64).ok_or(impossible)?,
            is_estimate: true,
        })
    }

    /// Runs a statement that was put together.
    pub(crate) async fn ask(
        &self,
        name: &'static str,
        sql: &Sql<'_>,
        plan: Plan,
    ) -> Result<Vec<Row>, Cause> {
        self.ask_each(name, sql, plan, Ok).await
    }

    /// The same, reading each row with `read` as it arrives.
    pub(crate) async fn ask_each<T>(
        &self,
        name: &'static str,
        sql: &Sql<'_>,
        plan: Plan,
        read: impl FnMut(Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, Cause> {
        let text = Text {
            name,
            sql: sql.text(),
            types: sql.types(),
            plan,
        };
        self.read
            .read_text(text, &sql.values(), self.settings.query_timeout, read)
            .await
    }
}
