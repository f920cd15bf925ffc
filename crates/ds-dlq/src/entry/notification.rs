//! Notifications in entries, as requests that leave no default to be applied.

use ds_domain::notification::Notification;
use ds_validation::{Limits, ValidNotification, parse_notification};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ENVELOPE_BYTES, Object, chain, malformed};
use crate::{Item, Parked, Unreadable};

#[derive(Deserialize)]
struct Entry<'a> {
    accepted_at: Timestamp,
    reason: String,
    #[serde(borrow)]
    notification: &'a RawValue,
}

/// The notification as a request.
pub(super) fn encode(notification: &Notification) -> String {
    let mut object = Object::with_capacity(ENVELOPE_BYTES);
    object.text("remediation_id", &notification.remediation_id);
    object.text("notification_id", &notification.notification_id);
    object.text("recipient", &notification.recipient);
    object.text("channel", notification.channel.as_str());
    object.text("message_summary", &notification.message_summary);
    object.text("status", notification.status.as_str());
    object.text("sent_at", &notification.sent_at.to_string());
    let delivery_status = notification.delivery_status.as_deref();
    object.optional_text("delivery_status", delivery_status);
    object.optional_text("error_message", notification.error_message.as_deref());
    let level = notification.escalation_level.to_string();
    object.raw("escalation_level", &level);
    object.end()
}

/// Reads an entry of ours.
pub(super) fn decode(text: &str) -> Result<Parked, Unreadable> {
    let entry: Entry<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let notification = read(entry.notification.get(), entry.accepted_at)?;
    Ok(Parked {
        item: Item::Notification(notification),
        accepted_at: entry.accepted_at,
        reason: entry.reason,
    })
}

/// Reads a notification in request form, under the widest bounds.
pub(super) fn read(text: &str, accepted_at: Timestamp) -> Result<ValidNotification, Unreadable> {
    let read = parse_notification(text.as_bytes(), accepted_at, &Limits::widest());
    read.map_err(|error| chain(&error))
}
