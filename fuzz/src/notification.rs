//! A notification, or a delivery: it is refused with a reason, or comes back as it was read.

use ds_domain::notification::{Delivery, Notification};
use ds_validation::{Limits, parse_delivery, parse_notification};
use serde_json::{json, value::RawValue};

use super::{now, refusal};

/// Checks what [`parse_notification`] and [`parse_delivery`] make of `data`.
pub fn check(data: &[u8]) {
    match parse_notification(data, now(), &Limits::default()) {
        Ok(valid) => check_notification(data, valid.notification()),
        Err(rejection) => refusal::check(data, &rejection),
    }
    match parse_delivery(data, now(), &Limits::default()) {
        Ok(valid) => check_delivery(data, valid.delivery()),
        Err(rejection) => refusal::check(data, &rejection),
    }
}

fn check_notification(data: &[u8], notification: &Notification) {
    check_json(data);
    let encoded = json!({
        "remediation_id": notification.remediation_id,
        "notification_id": notification.notification_id,
        "recipient": notification.recipient,
        "channel": notification.channel.as_str(),
        "message_summary": notification.message_summary,
        "status": notification.status.as_str(),
        "sent_at": notification.sent_at.to_string(),
        "delivery_status": notification.delivery_status,
        "error_message": notification.error_message,
        "escalation_level": notification.escalation_level,
    });
    // As a replay reads it: nothing that was accepted once is refused then, or changed.
    let again = parse_notification(encoded.to_string().as_bytes(), now(), &Limits::widest());
    let again = again.unwrap_or_else(|error| panic!("{error:?} in {encoded}"));
    assert_eq!(again.notification(), notification, "{encoded}");
}

fn check_delivery(data: &[u8], delivery: &Delivery) {
    check_json(data);
    let encoded = json!({
        "attempt": delivery.attempt,
        "status": delivery.status.as_str(),
        "occurred_at": delivery.occurred_at.to_string(),
        "delivery_status": delivery.delivery_status,
        "error_message": delivery.error_message,
        "escalation_level": delivery.escalation_level,
    });
    let again = parse_delivery(encoded.to_string().as_bytes(), now(), &Limits::default());
    let again = again.unwrap_or_else(|error| panic!("{error:?} in {encoded}"));
    assert_eq!(again.delivery(), delivery, "{encoded}");
}

fn check_json(data: &[u8]) {
    let text = std::str::from_utf8(data).expect("what is accepted is UTF-8");
    let other = serde_json::from_str::<&RawValue>(text);
    assert!(other.is_ok(), "what is accepted is JSON: {other:?}");
}
