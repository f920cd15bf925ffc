//! Events turned into one array per column, for `unnest`.

use std::net::IpAddr;

use ds_domain::event::Event;
use jiff::{Timestamp, civil::Date};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::jsonb::Written;

/// Declares the arrays, in the order of the parameters, and how each is filled from an event.
macro_rules! columns {
    ($event:ident; $($name:ident: $kind:ty = $value:expr,)+) => {
        /// One array per column.
        pub(super) struct Columns<'e> {
            $($name: Vec<$kind>,)+
        }

        impl<'e> Columns<'e> {
            /// Columns without a row, with room for some.
            fn with_capacity(rows: usize) -> Self {
                Self { $($name: Vec::with_capacity(rows),)+ }
            }

            fn push(&mut self, $event: &'e Event) {
                $(self.$name.push($value);)+
            }

            /// The parameters of a statement over these rows.
            pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 29] {
                [$(&self.$name),+]
            }
        }
    };
}

columns! { event;
    event_id: Uuid = event.event_id,
    event_version: &'e str = &event.version,
    event_timestamp: Timestamp = event.event_timestamp,
    event_date: Date = event.event_date(),
    event_type: &'e str = &event.event_type,
    event_category: &'static str = event.event_category.as_str(),
    event_action: &'e str = &event.event_action,
    event_outcome: &'static str = event.event_outcome.as_str(),
    actor_type: &'e str = &event.actor_type,
    actor_id: &'e str = &event.actor_id,
    actor_ip: Option<IpAddr> = event.actor_ip,
    resource_type: &'e str = &event.resource_type,
    resource_id: &'e str = &event.resource_id,
    resource_name: Option<&'e str> = event.resource_name.as_deref(),
    correlation_id: &'e str = &event.correlation_id,
    parent_event_id: Option<Uuid> = event.parent.map(|parent| parent.id),
    parent_event_date: Option<Date> = event.parent.map(|parent| parent.date),
    trace_id: Option<&'e str> = event.trace_id.as_deref(),
    span_id: Option<&'e str> = event.span_id.as_deref(),
    namespace: Option<&'e str> = event.namespace.as_deref(),
    cluster_name: Option<&'e str> = event.cluster_name.as_deref(),
    event_data: Written<'e> = Written(&event.event_data),
    event_metadata: Option<Written<'e>> = event.event_metadata.as_ref().map(Written),
    severity: Option<&'e str> = event.severity.as_deref(),
    duration_ms: Option<i32> = event.duration_ms,
    error_code: Option<&'e str> = event.error_code.as_deref(),
    error_message: Option<&'e str> = event.error_message.as_deref(),
    retention_days: i32 = event.retention_days,
    is_sensitive: bool = event.is_sensitive,
}

impl Columns<'_> {
    /// Leaves out the trace of one row.
    pub(super) fn forget_trace(&mut self, row: usize) {
        for ids in [&mut self.trace_id, &mut self.span_id] {
            if let Some(id) = ids.get_mut(row) {
                *id = None;
            }
        }
    }
}

impl<'e> FromIterator<&'e Event> for Columns<'e> {
    fn from_iter<I: IntoIterator<Item = &'e Event>>(events: I) -> Self {
        let events = events.into_iter();
        let mut columns = Self::with_capacity(events.size_hint().0);
        for event in events {
            columns.push(event);
        }
        columns
    }
}
