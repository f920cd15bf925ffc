//! The text form of an entry, the same in every backlog.
//!
//! The event or the notification stands in it as a request does: it is read back by the code that read it first, as of
//! the moment it was accepted, so that no rule can differ and no field can be forgotten.

mod legacy;
mod notification;

use std::{borrow::Cow, error::Error};

use ds_domain::event::{Event, Parent};
use ds_validation::{Limits, NewEvent, ValidEvent, parse_event};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Item, Parked, Unreadable};

pub(crate) use legacy::decode as decode_legacy;

/// The version that is written.
const FORMAT: u32 = 1;

/// What an entry is.
const EVENT: &str = "audit_event";
const NOTIFICATION: &str = "notification_audit";

/// Bytes of an entry without its payload, roughly.
const ENVELOPE_BYTES: usize = 1_024;

/// What can be told of an entry without reading all of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Outline {
    /// Id of the event.
    pub(crate) event_id: Option<Uuid>,
    /// Id of the notification.
    pub(crate) notification_id: Option<String>,
    /// When it was accepted.
    pub(crate) accepted_at: Option<Timestamp>,
}

/// The text of an entry.
pub(crate) fn encode(parked: &Parked) -> String {
    match &parked.item {
        Item::Event {
            event: new,
            unresolved_parent,
        } => {
            let event = new.event();
            let metadata = event.event_metadata.as_ref();
            let payload =
                event.event_data.as_str().len() + metadata.map_or(0, |data| data.as_str().len());
            let mut entry = begin(EVENT, parked, payload);
            let sender_chose_id = new.sender_chose_id();
            entry.raw("sender_chose_id", &sender_chose_id.to_string());
            if new.trace_is_propagated() {
                entry.raw("trace_is_propagated", "true");
            }
            entry.raw("event", &encode_event(event, *unresolved_parent));
            entry.end()
        }
        Item::Notification(notification) => {
            let request = notification::encode(notification.notification());
            let mut entry = begin(NOTIFICATION, parked, request.len());
            entry.raw("notification", &request);
            entry.end()
        }
    }
}

/// The beginning of an entry, with room for so many bytes more.
fn begin(kind: &str, parked: &Parked, payload: usize) -> Object {
    let mut entry = Object::with_capacity(payload + ENVELOPE_BYTES);
    entry.raw("format", &FORMAT.to_string());
    entry.text("type", kind);
    entry.text("accepted_at", &parked.accepted_at.to_string());
    entry.text("reason", &parked.reason);
    entry
}

/// The event as a request that leaves no default to be applied.
fn encode_event(event: &Event, unresolved_parent: Option<Uuid>) -> String {
    let mut object = Object::with_capacity(event.event_data.as_str().len() + ENVELOPE_BYTES);
    object.text("event_id", &event.event_id.to_string());
    object.text("version", &event.version);
    object.text("event_type", &event.event_type);
    object.text("event_timestamp", &event.event_timestamp.to_string());
    object.text("event_category", event.event_category.as_str());
    object.text("event_action", &event.event_action);
    object.text("event_outcome", event.event_outcome.as_str());
    object.text("correlation_id", &event.correlation_id);
    object.text("actor_type", &event.actor_type);
    object.text("actor_id", &event.actor_id);
    object.text("resource_type", &event.resource_type);
    object.text("resource_id", &event.resource_id);
    let parent = event.parent.map(|parent| parent.id).or(unresolved_parent);
    let parent_date = event.parent.map(|parent| parent.date.to_string());
    let optional = [
        ("actor_ip", event.actor_ip.map(|ip| ip.to_string())),
        ("parent_event_id", parent.map(|id| id.to_string())),
        ("parent_event_date", parent_date),
    ];
    for (name, text) in &optional {
        object.optional_text(name, text.as_deref());
    }
    let optional = [
        ("resource_name", &event.resource_name),
        ("trace_id", &event.trace_id),
        ("span_id", &event.span_id),
        ("namespace", &event.namespace),
        ("cluster_name", &event.cluster_name),
        ("error_code", &event.error_code),
        ("error_message", &event.error_message),
    ];
    for (name, text) in optional {
        object.optional_text(name, text.as_deref());
    }
    // Absent would mean `info`; empty means that there is none.
    object.text("severity", event.severity.as_deref().unwrap_or_default());
    if let Some(millis) = event.duration_ms {
        object.raw("duration_ms", &millis.to_string());
    }
    object.raw("retention_days", &event.retention_days.to_string());
    object.raw("is_sensitive", &event.is_sensitive.to_string());
    if let Some(metadata) = &event.event_metadata {
        object.raw("event_metadata", metadata.as_str());
    }
    object.raw("event_data", event.event_data.as_str());
    object.end()
}

/// A JSON object in the making.
struct Object(String);

impl Object {
    fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// Adds a member whose value is a text.
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_quoted(&mut self.0, value);
    }

    fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Adds a member whose value is JSON already, byte by byte.
    fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_quoted(&mut self.0, name);
        self.0.push(':');
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Appends `text` as a JSON string, which then holds no control character.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        if byte < 0x20 {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push('\\');
            out.push(char::from(byte));
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

#[derive(Deserialize)]
struct Head<'a> {
    format: u32,
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct EventEntry<'a> {
    accepted_at: Timestamp,
    reason: String,
    sender_chose_id: bool,
    #[serde(default)]
    trace_is_propagated: bool,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// Reads the text of an entry.
pub(crate) fn decode(text: &str) -> Result<Parked, Unreadable> {
    let Head { format, kind } = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if format != FORMAT {
        return Err(Unreadable(format!("format {format} is not known")));
    }
    match &*kind {
        EVENT => decode_event(text),
        NOTIFICATION => notification::decode(text),
        kind => Err(Unreadable(format!("type {kind:?} is not known"))),
    }
}

fn decode_event(text: &str) -> Result<Parked, Unreadable> {
    let entry: EventEntry<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let valid = read_event(entry.event.get(), entry.accepted_at)?;
    let (mut event, unresolved_parent) = identify(valid)?;
    if !entry.sender_chose_id {
        event = event.with_assigned_id();
    }
    if entry.trace_is_propagated {
        event = event.with_propagated_trace();
    }
    Ok(Parked {
        item: Item::Event {
            event,
            unresolved_parent,
        },
        accepted_at: entry.accepted_at,
        reason: entry.reason,
    })
}

/// Reads an event in request form, under the widest bounds: it was accepted under those of its time.
fn read_event(text: &str, accepted_at: Timestamp) -> Result<ValidEvent, Unreadable> {
    parse_event(text.as_bytes(), accepted_at, &Limits::widest()).map_err(|error| chain(&error))
}

/// The event with the id it has, and the parent that must still be looked up.
fn identify(valid: ValidEvent) -> Result<(NewEvent, Option<Uuid>), Unreadable> {
    if valid.sender_event_id().is_none() {
        return Err(Unreadable("event has no id".to_owned()));
    }
    let claim = valid.parent_event_id();
    let parent = claim
        .zip(valid.parent_event_date())
        .map(|(id, date)| Parent { id, date });
    let unresolved = claim.filter(|_| parent.is_none());
    Ok((valid.identify(Uuid::nil, parent), unresolved))
}

/// Finds out what can be found out about a text that may be an entry of either form.
pub(crate) fn outline(text: &str) -> Outline {
    #[derive(Default, Deserialize)]
    struct Shape<'a> {
        #[serde(alias = "timestamp", borrow)]
        accepted_at: Option<&'a RawValue>,
        #[serde(alias = "payload", alias = "notification", borrow)]
        event: Option<&'a RawValue>,
    }
    #[derive(Default, Deserialize)]
    struct Identity {
        event_id: Option<Uuid>,
        notification_id: Option<String>,
    }
    let shape: Shape<'_> = serde_json::from_str(text).unwrap_or_default();
    let identity = |event: &RawValue| serde_json::from_str::<Identity>(event.get()).ok();
    let identity = shape.event.and_then(identity).unwrap_or_default();
    Outline {
        event_id: identity.event_id,
        notification_id: identity.notification_id,
        accepted_at: shape
            .accepted_at
            .and_then(|text| serde_json::from_str(text.get()).ok())
            .map(ds_domain::time::truncate_to_micros),
    }
}

fn malformed(error: &serde_json::Error) -> Unreadable {
    // Its own text can repeat values of the entry.
    Unreadable(format!(
        "it is not an entry, see line {} column {}",
        error.line(),
        error.column()
    ))
}

/// What went wrong and why, in one line.
fn chain(error: &dyn Error) -> Unreadable {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    Unreadable(text)
}

#[cfg(test)]
mod tests;
