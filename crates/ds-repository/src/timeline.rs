//! The events of one remediation in the order in which they happened, and what they led to.

use std::collections::HashMap;

use ds_domain::{
    cursor::Position,
    event::{EventCategory, EventOutcome, StoredEvent},
    time::utc_date,
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Repository,
    error::{Cause, StoreError},
    list::OLDEST,
    row::{self, Word, event_columns},
    statement::Statement,
};

/// Comparing rows lets the index on the id and the time begin at the position.
pub(crate) const READ_TIMELINE: Statement = Statement::new(concat!(
    "-- read_timeline\nSELECT ",
    event_columns!(),
    ", recorded_at FROM audit_events
WHERE correlation_id = $1::text
    AND (event_timestamp, event_id) > ($2::timestamptz, $3::uuid) AND event_date >= $4::date
ORDER BY event_timestamp, event_id LIMIT $5::int8",
));

/// The children of some events, those within the same remediation; of each only so many ids.
pub(crate) const FIND_CHILDREN: Statement = Statement::new(
    "-- find_children
SELECT parent_event_id, count(*), (array_agg(event_id ORDER BY event_timestamp, event_id))[1:$3::int4]
FROM audit_events WHERE correlation_id = $1::text AND parent_event_id = ANY($2::uuid[])
GROUP BY parent_event_id",
);

pub(crate) const SUMMARISE: Statement = Statement::new(
    "-- summarise_correlation
SELECT event_category, event_outcome, count(*), min(event_timestamp), max(event_timestamp)
FROM audit_events WHERE correlation_id = $1::text GROUP BY event_category, event_outcome",
);

/// Most children of one event that are named.
pub const CHILDREN_NAMED_MAX: i32 = 100;

/// A part of the events of one remediation, the earliest first.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Whether there are later ones.
    pub has_more: bool,
    /// What the events led to, by their ids; those without children are not in it.
    pub children: HashMap<Uuid, Children>,
    /// What there is in all.
    pub summary: Summary,
}

/// The events that name one event as their parent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Children {
    /// How many there are.
    pub count: u64,
    /// The earliest of them.
    pub ids: Vec<Uuid>,
}

/// All events of one remediation, in numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// How many there are.
    pub events: u64,
    /// When the first one happened.
    pub first: Timestamp,
    /// When the last one happened.
    pub last: Timestamp,
    /// How many there are of each category.
    pub by_category: Vec<(EventCategory, u64)>,
    /// How many there are with each outcome.
    pub by_outcome: Vec<(EventOutcome, u64)>,
}

impl Repository {
    /// Reads at most `limit` events of the remediation `correlation_id` behind `from`; `None` when it
    /// has no events at all.
    ///
    /// Three statements, and not one snapshot: what is told about the whole is of a later moment than
    /// the events, and so never tells of less than they show.
    pub async fn timeline(
        &self,
        correlation_id: &str,
        from: Option<Position>,
        limit: u16,
    ) -> Result<Option<Timeline>, StoreError> {
        let (events, has_more) = self.timeline_page(correlation_id, from, limit).await?;
        let children = self.children(correlation_id, &events).await?;
        let summary = self.summary(correlation_id).await?;
        Ok(summary.map(|summary| Timeline {
            events,
            has_more,
            children,
            summary,
        }))
    }

    async fn timeline_page(
        &self,
        correlation_id: &str,
        from: Option<Position>,
        limit: u16,
    ) -> Result<(Vec<StoredEvent>, bool), StoreError> {
        let first = Position {
            at: OLDEST,
            id: Uuid::nil(),
        };
        let Position { at, id } = from.unwrap_or(first);
        let (at, one_more) = (at.max(OLDEST), i64::from(limit) + 1);
        let params: [&(dyn ToSql + Sync); 5] = [
            /* $1 */ &correlation_id,
            /* $2 */ &at,
            /* $3 */ &id,
            /* $4 */ &utc_date(at),
            /* $5 */ &one_more,
        ];
        let budget = self.settings.query_timeout;
        let rows = self.read.query(READ_TIMELINE, &params, budget).await?;
        let limit = usize::from(limit);
        let events = rows.iter().take(limit).map(|row| row::event(row, 0));
        let events = events.collect::<Result<Vec<_>, _>>();
        let events = events.map_err(Cause::driver(READ_TIMELINE.name()))?;
        Ok((events, rows.len() > limit))
    }

    async fn children(
        &self,
        correlation_id: &str,
        events: &[StoredEvent],
    ) -> Result<HashMap<Uuid, Children>, StoreError> {
        let ids: Vec<Uuid> = events.iter().map(|stored| stored.event.event_id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let params: [&(dyn ToSql + Sync); 3] = [
            /* $1 */ &correlation_id,
            /* $2 */ &ids,
            /* $3 */ &CHILDREN_NAMED_MAX,
        ];
        let budget = self.settings.query_timeout;
        let rows = self.read.query(FIND_CHILDREN, &params, budget).await?;
        let children = |row: &Row| {
            let of_one = Children {
                count: count(row.try_get(1)?),
                ids: row.try_get(2)?,
            };
            Ok((row.try_get(0)?, of_one))
        };
        let children = rows.iter().map(children).collect::<Result<_, _>>();
        Ok(children.map_err(Cause::driver(FIND_CHILDREN.name()))?)
    }

    async fn summary(&self, correlation_id: &str) -> Result<Option<Summary>, StoreError> {
        let budget = self.settings.query_timeout;
        let params: [&(dyn ToSql + Sync); 1] = [/* $1 */ &correlation_id];
        let rows = self.read.query(SUMMARISE, &params, budget).await?;
        let groups = rows.iter().map(Group::read).collect::<Result<Vec<_>, _>>();
        let groups = groups.map_err(Cause::driver(SUMMARISE.name()))?;
        Ok(summary(&groups))
    }
}

/// The events with one category and one outcome.
struct Group {
    category: EventCategory,
    outcome: EventOutcome,
    events: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Group {
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            category: row.try_get::<_, Word<EventCategory>>(0)?.0,
            outcome: row.try_get::<_, Word<EventOutcome>>(1)?.0,
            events: count(row.try_get(2)?),
            first: row.try_get(3)?,
            last: row.try_get(4)?,
        })
    }
}

fn summary(groups: &[Group]) -> Option<Summary> {
    let events_of = |matches: &dyn Fn(&Group) -> bool| {
        let matching = groups.iter().filter(|group| matches(group));
        matching.map(|group| group.events).sum::<u64>()
    };
    let by_category = EventCategory::ALL.iter().map(|category| {
        let events = events_of(&|group| group.category == *category);
        (*category, events)
    });
    let by_outcome = EventOutcome::ALL.iter().map(|outcome| {
        let events = events_of(&|group| group.outcome == *outcome);
        (*outcome, events)
    });
    Some(Summary {
        events: events_of(&|_| true),
        first: groups.iter().map(|group| group.first).min()?,
        last: groups.iter().map(|group| group.last).max()?,
        by_category: by_category.filter(|(_, events)| *events > 0).collect(),
        by_outcome: by_outcome.filter(|(_, events)| *events > 0).collect(),
    })
}

fn count(counted: i64) -> u64 {
    u64::try_from(counted).unwrap_or(0)
}
