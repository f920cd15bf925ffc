//! Messages to people.

use super::{
    EventKind, FAILURE, Field, FieldValue::*, SUCCESS, flat, kind, optional, required, shape, texts,
};
use crate::event::EventCategory::Notification;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(Notification, "notification.sent", &["sent"], SUCCESS, &[flat(SENT)])
        .says("A message was sent.")
        .such_as(r#"{"notification_id":"nt-71","channel":"email","recipient":"duty@example.org","message_summary":"done","delivery_status":"250 ok"}"#),
    kind(Notification, "notification.failed", &["failed"], FAILURE, &[flat(FAILED)])
        .says("A message could not be sent.")
        .such_as(r##"{"notification_id":"nt-72","channel":"slack","recipient":"#duty","failure_reason":"rate_limited","retry_count":1,"will_retry":false}"##),
    kind(Notification, "notification.escalated", &["escalated"], SUCCESS, &[flat(ESCALATED)])
        .says("A message went on to somebody else because nobody answered.")
        .such_as(r##"{"notification_id":"nt-72","escalation_level":1,"escalated_to":"lead","escalation_reason":"no_ack","original_recipient":"#duty"}"##),
    kind(Notification, "notification.message.sent", &["sent"], SUCCESS, &[shape("controller", MESSAGE_SENT)])
        .says("A message was handed to its channel.")
        .such_as(r#"{"notification_id":"nr-71","channel":"slack","subject":"Limit raised","body":"Memory limit of cart raised","priority":"high","type":"completion","metadata":{"cluster":"edge-3"}}"#),
    kind(Notification, "notification.message.failed", &["sent", "failed"], FAILURE, &[shape("controller", MESSAGE_FAILED)])
        .says("A channel did not take a message.")
        .such_as(r#"{"notification_id":"nr-72","channel":"slack","subject":"Limit raised","body":"Memory limit of cart raised","priority":"high","error_type":"transient","error":"429"}"#),
    kind(Notification, "notification.message.acknowledged", &["acknowledged"], SUCCESS, &[shape("controller", MESSAGE_READ)])
        .says("Somebody acknowledged a message.")
        .such_as(r#"{"notification_id":"nr-71","subject":"Limit raised","priority":"high"}"#),
    kind(Notification, "notification.message.escalated", &["escalated"], SUCCESS, &[shape("controller", MESSAGE_ESCALATED)])
        .says("A message went on to somebody else.")
        .such_as(r#"{"notification_id":"nr-72","subject":"Limit raised","priority":"critical","reason":"no acknowledgement"}"#),
];

const SENT: &[Field] = texts![
    "notification_id",
    "channel",
    "recipient",
    "message_summary",
    "delivery_status"
];

const FAILED: &[Field] = &[
    required("notification_id", Text),
    required("channel", Text),
    required("recipient", Text),
    required("failure_reason", Text),
    required("retry_count", Integer),
    required("will_retry", Boolean),
];

const ESCALATED: &[Field] = &[
    required("notification_id", Text),
    required("escalation_level", Integer),
    required("escalated_to", Text),
    required("escalation_reason", Text),
    required("original_recipient", Text),
];

const MESSAGE_SENT: &[Field] = &[
    required("notification_id", Text),
    required("channel", Text),
    required("subject", Text),
    required("body", Text),
    required("priority", Text),
    required("type", Text),
    optional("metadata", TextMap),
];

const MESSAGE_FAILED: &[Field] = &[
    required("notification_id", Text),
    required("channel", Text),
    required("subject", Text),
    required("priority", Text),
    required("error_type", Text),
    // Earlier senders leave it out.
    optional("body", Text),
    optional("error", Text),
    optional("metadata", TextMap),
];

const MESSAGE_READ: &[Field] = &[
    required("notification_id", Text),
    required("subject", Text),
    required("priority", Text),
    optional("metadata", TextMap),
];

const MESSAGE_ESCALATED: &[Field] = &[
    required("notification_id", Text),
    required("subject", Text),
    required("priority", Text),
    // Later senders only.
    optional("reason", Text),
    optional("metadata", TextMap),
];
