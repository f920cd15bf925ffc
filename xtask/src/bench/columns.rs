//! Rows of `audit_events` as the service writes them, for the references.

use std::error::Error;
use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

use super::event::{self, KINDS, Kind, Pattern, Random};

/// One event, as far as it differs from others.
pub(super) struct Event {
    id: Uuid,
    timestamp: Timestamp,
    date: Date,
    kind: &'static Kind,
    actor: String,
    resource: String,
    correlation: String,
    namespace: String,
    cluster: String,
    payload: String,
}

/// Makes events.
pub(super) struct Events {
    random: Random,
    payload: Pattern,
    number: usize,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            random: Random::new(),
            payload: Pattern::new(event::PAYLOAD),
            number: 0,
        }
    }

    /// One that happens now.
    pub(super) fn next(&mut self) -> Event {
        self.at(event::now())
    }

    /// One that happened at the given time.
    pub(super) fn at(&mut self, timestamp: Timestamp) -> Event {
        self.number += 1;
        let kind = &KINDS[self.number % KINDS.len()];
        let payload = self.payload.fill(&mut self.random, timestamp);
        Event {
            id: Uuid::now_v7(),
            timestamp,
            date: TimeZone::UTC.to_datetime(timestamp).date(),
            kind,
            actor: format!("{}-service", kind.category),
            payload: String::from_utf8_lossy(payload).into_owned(),
            resource: format!("fp-{:08x}", self.random.below(1 << 32)),
            correlation: event::correlation_id(self.random.next()),
            namespace: format!("shop-{:02x}", self.random.below(256)),
            cluster: format!("edge-{:x}", self.random.below(16)),
        }
    }
}

/// Declares each column once: its type in SQL, its type in Rust, and its value.
macro_rules! columns {
    ($event:ident; $($name:ident $sql:literal: $kind:ty = $value:expr,)+) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        const TYPES: &[&str] = &[$($sql),+];
        const COUNT: usize = NAMES.len();

        /// One row.
        pub(super) struct Row<'e> {
            $($name: $kind,)+
        }

        impl<'e> Row<'e> {
            pub(super) fn new($event: &'e Event) -> Self {
                Self { $($name: $value,)+ }
            }

            pub(super) fn params(&self) -> [&(dyn ToSql + Sync); COUNT] {
                [$(&self.$name),+]
            }
        }

        /// One array for each column.
        #[derive(Default)]
        pub(super) struct Arrays<'e> {
            $($name: Vec<$kind>,)+
        }

        impl<'e> Arrays<'e> {
            fn push(&mut self, $event: &'e Event) {
                $(self.$name.push($value);)+
            }

            pub(super) fn params(&self) -> [&(dyn ToSql + Sync); COUNT] {
                [$(&self.$name),+]
            }
        }
    };
}

columns! { event;
    event_id "uuid": Uuid = event.id,
    event_version "text": &'static str = "1.0",
    event_timestamp "timestamptz": Timestamp = event.timestamp,
    event_date "date": Date = event.date,
    event_type "text": &'static str = event.kind.event_type,
    event_category "text": &'static str = event.kind.category,
    event_action "text": &'static str = event.kind.action,
    event_outcome "text": &'static str = "success",
    actor_type "text": &'static str = "service",
    actor_id "text": &'e str = &event.actor,
    actor_ip "inet": Option<IpAddr> = None,
    resource_type "text": &'static str = "Signal",
    resource_id "text": &'e str = &event.resource,
    resource_name "text": Option<&'e str> = None,
    correlation_id "text": &'e str = &event.correlation,
    parent_event_id "uuid": Option<Uuid> = None,
    parent_event_date "date": Option<Date> = None,
    trace_id "text": Option<&'e str> = None,
    span_id "text": Option<&'e str> = None,
    namespace "text": Option<&'e str> = Some(&event.namespace),
    cluster_name "text": Option<&'e str> = Some(&event.cluster),
    event_data "jsonb": Jsonb<'e> = Jsonb(&event.payload),
    event_metadata "jsonb": Option<Jsonb<'e>> = None,
    severity "text": Option<&'static str> = Some("info"),
    duration_ms "int4": Option<i32> = None,
    error_code "text": Option<&'e str> = None,
    error_message "text": Option<&'e str> = None,
    retention_days "int4": i32 = 2555,
    is_sensitive "bool": bool = false,
}

impl<'e> FromIterator<&'e Event> for Arrays<'e> {
    fn from_iter<I: IntoIterator<Item = &'e Event>>(events: I) -> Self {
        let mut arrays = Self::default();
        for event in events {
            arrays.push(event);
        }
        arrays
    }
}

/// The names of the columns, as a list in SQL.
pub(super) fn names() -> String {
    NAMES.join(", ")
}

/// Stores one row.
pub(super) fn insert_one() -> String {
    let values: Vec<String> = (1..=COUNT).map(|number| format!("${number}")).collect();
    let (names, values) = (names(), values.join(", "));
    format!("INSERT INTO audit_events ({names}) VALUES ({values}) ON CONFLICT DO NOTHING")
}

/// Stores the rows of [`Arrays`].
pub(super) fn insert_many() -> String {
    let numbered = TYPES.iter().enumerate();
    let arrays: Vec<String> = numbered
        .map(|(at, sql)| format!("${}::{sql}[]", at + 1))
        .collect();
    let (names, arrays) = (names(), arrays.join(", "));
    format!(
        "INSERT INTO audit_events ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    )
}

/// Stores a stream of rows.
pub(super) fn copy() -> String {
    format!("COPY audit_events ({}) FROM STDIN BINARY", names())
}

/// Has the columns that [`copy`] writes, for their types.
pub(super) fn select_nothing() -> String {
    format!("SELECT {} FROM audit_events LIMIT 0", names())
}

/// An object that is text already.
#[derive(Debug)]
pub(super) struct Jsonb<'e>(&'e str);

impl ToSql for Jsonb<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // The version of the binary form.
        out.put_u8(1);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);
    to_sql_checked!();
}
