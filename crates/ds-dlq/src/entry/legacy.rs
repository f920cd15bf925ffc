//! The entries of the first service, which may have left some in its queue.
//!
//! Its event stands there as it stored it: defaults applied, payloads in base64, a retention of zero
//! for its own default, and a parent without the date that our table keeps beside the id. Its
//! notifications are what it would have answered, without the number and the times of a row.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use ds_domain::{
    limit::{EVENT_TEXT_FIELDS, NOTIFICATION_TEXT_FIELDS},
    time::truncate_to_micros,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Item, Parked, Unreadable};

use super::{EVENT, NOTIFICATION, Object, identify, malformed, notification, read_event};

/// The members, beside the texts, that are written as a request writes them.
const PLAIN: [&str; 6] = [
    "event_id",
    "event_timestamp",
    "actor_ip",
    "parent_event_id",
    "duration_ms",
    "is_sensitive",
];

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: BTreeMap<Cow<'a, str>, &'a RawValue>,
    timestamp: Timestamp,
    #[serde(default)]
    last_error: String,
}

/// Reads the field `message` of one of its entries.
pub(crate) fn decode(text: &str) -> Result<Parked, Unreadable> {
    let message: Message<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    // It writes the current time into an entry whenever it tries it again; the rules about time are
    // not held against entries, so this costs nothing.
    let accepted_at = truncate_to_micros(message.timestamp);
    let item = match &*message.kind {
        EVENT => event(&message.payload, accepted_at)?,
        NOTIFICATION => {
            let request = notification_request(&message.payload);
            Item::Notification(notification::read(&request, accepted_at)?)
        }
        kind => return Err(Unreadable(format!("type {kind:?} is not known"))),
    };
    Ok(Parked {
        item,
        accepted_at,
        reason: message.last_error,
    })
}

/// The members of a payload.
type Payload<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn event(payload: &Payload<'_>, accepted_at: Timestamp) -> Result<Item, Unreadable> {
    let valid = read_event(&request(payload)?, accepted_at)?;
    let (event, unresolved_parent) = identify(valid)?;
    Ok(Item::Event {
        event: event.with_assigned_id(),
        unresolved_parent,
    })
}

/// A member, unless it is what it writes when there is none.
fn given<'a>(payload: &Payload<'a>, name: &str) -> Option<&'a str> {
    let value = payload.get(name)?.get();
    (value != "null" && value != r#""""#).then_some(value)
}

/// The notification as a request.
fn notification_request(payload: &Payload<'_>) -> String {
    let mut object = Object::with_capacity(payload.values().map(|value| value.get().len()).sum());
    let texts = NOTIFICATION_TEXT_FIELDS.iter().map(|field| field.name);
    for name in texts.chain(["sent_at", "escalation_level"]) {
        if let Some(value) = given(payload, name) {
            object.raw(name, value);
        }
    }
    object.end()
}

/// The event as a request.
fn request(payload: &Payload<'_>) -> Result<String, Unreadable> {
    let given = |name: &str| given(payload, name);
    let mut object = Object::with_capacity(payload.values().map(|value| value.get().len()).sum());
    let texts = EVENT_TEXT_FIELDS.iter().map(|field| field.name);
    for name in texts.chain(PLAIN) {
        if let Some(value) = given(name) {
            object.raw(name, value);
        } else if name == "severity" {
            // Its default is applied already: absent means that the sender has none.
            object.text(name, "");
        }
    }
    if let Some(days) = given("retention_days").filter(|days| *days != "0") {
        object.raw("retention_days", days);
    }
    let data = given("event_data").map(json).transpose()?.flatten();
    object.raw("event_data", data.as_deref().unwrap_or("{}"));
    if let Some(metadata) = given("event_metadata").map(json).transpose()?.flatten() {
        object.raw("event_metadata", &metadata);
    }
    Ok(object.end())
}

/// The JSON that a base64 string holds, if it holds any. JSON that is not wrapped is taken as it is.
fn json(value: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
    if !value.starts_with('"') {
        return Ok(Some(Cow::Borrowed(value)));
    }
    let refused = |what: &str| Unreadable(format!("payload is not {what}"));
    let text: Cow<'_, str> = serde_json::from_str::<String>(value)
        .map_or_else(|error| Err(malformed(&error)), |text| Ok(Cow::Owned(text)))?;
    let bytes = STANDARD.decode(text.as_bytes()).ok();
    let json = bytes.ok_or_else(|| refused("base64"))?;
    let json = String::from_utf8(json)
        .ok()
        .ok_or_else(|| refused("UTF-8"))?;
    if json.trim().is_empty() || json.trim() == "null" {
        return Ok(None);
    }
    // One value and nothing behind it: it is about to stand amid others.
    if serde_json::from_str::<&RawValue>(&json).is_err() {
        return Err(refused("JSON"));
    }
    Ok(Some(Cow::Owned(json)))
}
