//! The JSON of stored events.
//!
//! Most of what the service sends is this, a hundred times a page and a million times an export. So
//! it is written straight from the event, behind names that are constants: a serialiser would look
//! for characters to escape in each name, and would read every payload again to believe that it is
//! JSON.

use std::{fmt::Display, io::Write};

use ds_domain::{event::StoredEvent, json::JsonObject};
use jiff::{Timestamp, civil::Date, fmt::temporal::DateTimePrinter};
use uuid::Uuid;

/// Room for the members of an event but its payload and metadata, as most events have them.
const BYTES_MIN: usize = 1024;

static TIMES: DateTimePrinter = DateTimePrinter::new();

/// Room that `events` will take.
pub(super) fn room_for<'e>(events: impl IntoIterator<Item = &'e StoredEvent>) -> usize {
    let bytes = |stored: &StoredEvent| {
        let metadata = stored.event.event_metadata.as_ref();
        let metadata = metadata.map_or(0, |object| object.as_str().len());
        BYTES_MIN + stored.event.event_data.as_str().len() + metadata
    };
    events.into_iter().map(bytes).sum()
}

/// Writes an event; an absent value is `null`.
pub(crate) fn write_event(out: &mut Vec<u8>, stored: &StoredEvent) {
    open_event(out, stored);
    out.push(b'}');
}

/// Writes an event whose object is still open for more members.
pub(super) fn open_event(out: &mut Vec<u8>, stored: &StoredEvent) {
    /// Writes the members behind the first one, each with the function for its kind of value.
    macro_rules! members {
        ($($name:literal: $write:ident($value:expr),)+) => {
            $(
                out.extend_from_slice(concat!(",\"", $name, "\":").as_bytes());
                $write(out, $value);
            )+
        };
    }
    let event = &stored.event;
    out.extend_from_slice(b"{\"event_id\":");
    id(out, Some(event.event_id));
    members! {
        "event_timestamp": time(event.event_timestamp),
        "event_date": day(Some(event.event_date())),
        "event_type": text(Some(&event.event_type)),
        "version": text(Some(&event.version)),
        "event_category": text(Some(event.event_category.as_str())),
        "event_action": text(Some(&event.event_action)),
        "event_outcome": text(Some(event.event_outcome.as_str())),
        "correlation_id": text(Some(&event.correlation_id)),
        "parent_event_id": id(event.parent.map(|parent| parent.id)),
        "parent_event_date": day(event.parent.map(|parent| parent.date)),
        "resource_type": text(Some(&event.resource_type)),
        "resource_id": text(Some(&event.resource_id)),
        "resource_name": text(event.resource_name.as_deref()),
        "namespace": text(event.namespace.as_deref()),
        "cluster_name": text(event.cluster_name.as_deref()),
        "severity": text(event.severity.as_deref()),
        "duration_ms": plain(event.duration_ms),
        "error_code": text(event.error_code.as_deref()),
        "error_message": text(event.error_message.as_deref()),
        "actor_id": text(Some(&event.actor_id)),
        "actor_type": text(Some(&event.actor_type)),
        "actor_ip": quoted(event.actor_ip),
        "trace_id": text(event.trace_id.as_deref()),
        "span_id": text(event.span_id.as_deref()),
        "retention_days": plain(Some(event.retention_days)),
        "is_sensitive": plain(Some(event.is_sensitive)),
        "event_data": object(Some(&event.event_data)),
        "event_metadata": object(event.event_metadata.as_ref()),
        "recorded_at": time(stored.recorded_at),
    }
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

fn text(out: &mut Vec<u8>, value: Option<&str>) {
    let Some(value) = value else {
        return null(out);
    };
    // All bytes are looked at, whatever is found: that is done many at a time.
    let is_escaped = |escaped, byte: u8| escaped | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if value.bytes().fold(false, is_escaped) {
        // Writing text to memory does not fail, here and below.
        let _ = serde_json::to_writer(out, value);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn id(out: &mut Vec<u8>, value: Option<Uuid>) {
    let Some(value) = value else {
        return null(out);
    };
    let mut buffer = Uuid::encode_buffer();
    let id = value.hyphenated().encode_lower(&mut buffer);
    out.push(b'"');
    out.extend_from_slice(id.as_bytes());
    out.push(b'"');
}

fn time(out: &mut Vec<u8>, value: Timestamp) {
    out.push(b'"');
    let _ = TIMES.print_timestamp(&value, &mut *out);
    out.push(b'"');
}

fn day(out: &mut Vec<u8>, value: Option<Date>) {
    let Some(value) = value else {
        return null(out);
    };
    out.push(b'"');
    let _ = TIMES.print_date(&value, &mut *out);
    out.push(b'"');
}

/// A number or a truth value.
fn plain(out: &mut Vec<u8>, value: Option<impl Display>) {
    match value {
        Some(value) => {
            let _ = write!(out, "{value}");
        }
        None => null(out),
    }
}

/// A value whose text has nothing to escape.
fn quoted(out: &mut Vec<u8>, value: Option<impl Display>) {
    match value {
        Some(value) => {
            let _ = write!(out, "\"{value}\"");
        }
        None => null(out),
    }
}

/// The text as it is: never read into numbers, so none can change.
fn object(out: &mut Vec<u8>, value: Option<&JsonObject>) {
    match value {
        Some(value) => out.extend_from_slice(value.as_str().as_bytes()),
        None => null(out),
    }
}
