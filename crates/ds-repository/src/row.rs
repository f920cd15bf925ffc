//! Rows as they are read: those of `audit_events`, and what all tables have in common.

use std::error::Error;

use ds_domain::{
    action::ActionStatus,
    event::{Event, EventCategory, EventOutcome, Parent, StoredEvent},
    notification::{Channel, NotificationStatus},
    workflow::WorkflowStatus,
};
use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};
use uuid::Uuid;

use crate::jsonb::Read;

/// The columns a sender determines, in the order of the table; [`event`] reads them in this order
/// and `recorded_at` after them.
macro_rules! event_columns {
    () => {
        "event_id, event_version, event_timestamp, event_date, event_type, event_category, \
         event_action, event_outcome, actor_type, actor_id, actor_ip, resource_type, resource_id, \
         resource_name, correlation_id, parent_event_id, parent_event_date, trace_id, span_id, \
         namespace, cluster_name, event_data, event_metadata, severity, duration_ms, error_code, \
         error_message, retention_days, is_sensitive"
    };
}
pub(crate) use event_columns;

/// Reads an event whose columns start at `first`.
pub(crate) fn event(row: &Row, first: usize) -> Result<StoredEvent, tokio_postgres::Error> {
    let mut columns = Columns::from(row, first);
    let event = Event {
        event_id: columns.next()?,
        version: columns.next()?,
        event_timestamp: columns.next()?,
        // `event_date` is a function of the timestamp; a CHECK says so.
        event_type: columns.skip(1).next()?,
        event_category: columns.next::<Word<EventCategory>>()?.0,
        event_action: columns.next()?,
        event_outcome: columns.next::<Word<EventOutcome>>()?.0,
        actor_type: columns.next()?,
        actor_id: columns.next()?,
        actor_ip: columns.next()?,
        resource_type: columns.next()?,
        resource_id: columns.next()?,
        resource_name: columns.next()?,
        correlation_id: columns.next()?,
        parent: parent(columns.next()?, columns.next()?),
        trace_id: columns.next()?,
        span_id: columns.next()?,
        namespace: columns.next()?,
        cluster_name: columns.next()?,
        event_data: columns.next::<Read>()?.0,
        event_metadata: columns.next::<Option<Read>>()?.map(|object| object.0),
        severity: columns.next()?,
        duration_ms: columns.next()?,
        error_code: columns.next()?,
        error_message: columns.next()?,
        retention_days: columns.next()?,
        is_sensitive: columns.next()?,
    };
    Ok(StoredEvent {
        event,
        recorded_at: columns.next()?,
    })
}

fn parent(id: Option<Uuid>, date: Option<jiff::civil::Date>) -> Option<Parent> {
    Some(Parent {
        id: id?,
        date: date?,
    })
}

/// Reads columns one after the other.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Those from `first` on.
    pub(crate) fn from(row: &'r Row, first: usize) -> Self {
        Self { row, next: first }
    }

    /// The next one.
    pub(crate) fn next<T: FromSql<'r>>(&mut self) -> Result<T, tokio_postgres::Error> {
        let at = self.next;
        self.next += 1;
        self.row.try_get(at)
    }

    fn skip(&mut self, count: usize) -> &mut Self {
        self.next += count;
        self
    }
}

/// A word of a closed set. The table knows the same sets; one it knows and we do not is an error.
pub(crate) struct Word<T>(pub(crate) T);

macro_rules! from_sql_word {
    ($($name:ident),+) => {
        $(
            impl<'a> FromSql<'a> for Word<$name> {
                fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
                    let word = <&str>::from_sql(kind, raw)?;
                    let known = $name::from_word(word).map(Self);
                    known.ok_or_else(|| concat!("unknown ", stringify!($name)).into())
                }

                fn accepts(kind: &Type) -> bool {
                    <&str as FromSql>::accepts(kind)
                }
            }
        )+
    };
}

from_sql_word!(
    ActionStatus,
    EventCategory,
    EventOutcome,
    Channel,
    NotificationStatus,
    WorkflowStatus
);
