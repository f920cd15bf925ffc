//! The JSON of notifications and their deliveries.

use ds_domain::notification::{StoredDelivery, StoredNotification};
use ds_validation::ValidNotification;
use jiff::Timestamp;
use serde::Serialize;

/// A notification as it is stored. Members without a value are left out, as the first contract has
/// it.
#[derive(Serialize)]
pub(crate) struct NotificationElement<'n> {
    id: i64,
    remediation_id: &'n str,
    notification_id: &'n str,
    recipient: &'n str,
    channel: &'static str,
    message_summary: &'n str,
    status: &'static str,
    sent_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<&'n str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'n str>,
    escalation_level: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'n> NotificationElement<'n> {
    /// The element for `stored`.
    pub(crate) fn new(stored: &'n StoredNotification) -> Self {
        let notification = &stored.notification;
        Self {
            id: stored.id,
            remediation_id: &notification.remediation_id,
            notification_id: &notification.notification_id,
            recipient: &notification.recipient,
            channel: notification.channel.as_str(),
            message_summary: &notification.message_summary,
            status: notification.status.as_str(),
            sent_at: notification.sent_at,
            delivery_status: notification.delivery_status.as_deref(),
            error_message: notification.error_message.as_deref(),
            escalation_level: notification.escalation_level,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// A notification with its history.
#[derive(Serialize)]
pub(crate) struct NotificationDetail<'n> {
    #[serde(flatten)]
    notification: NotificationElement<'n>,
    deliveries: Vec<DeliveryElement<'n>>,
}

impl<'n> NotificationDetail<'n> {
    /// The answer for `stored`, of which `history` is known.
    pub(crate) fn new(stored: &'n StoredNotification, history: &'n [StoredDelivery]) -> Self {
        Self {
            notification: NotificationElement::new(stored),
            deliveries: history.iter().map(DeliveryElement::new).collect(),
        }
    }
}

/// A delivery as it is stored.
#[derive(Serialize)]
pub(crate) struct DeliveryElement<'d> {
    attempt: i32,
    status: &'static str,
    occurred_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation_level: Option<i32>,
    recorded_at: Timestamp,
}

impl<'d> DeliveryElement<'d> {
    /// The element for `stored`.
    pub(crate) fn new(stored: &'d StoredDelivery) -> Self {
        let delivery = &stored.delivery;
        Self {
            attempt: delivery.attempt,
            status: delivery.status.as_str(),
            occurred_at: delivery.occurred_at,
            delivery_status: delivery.delivery_status.as_deref(),
            error_message: delivery.error_message.as_deref(),
            escalation_level: delivery.escalation_level,
            recorded_at: stored.recorded_at,
        }
    }
}

/// A notification waits for the store.
#[derive(Serialize)]
pub(crate) struct NotificationAccepted<'n> {
    notification_id: &'n str,
    message: &'static str,
    status: &'static str,
}

impl<'n> NotificationAccepted<'n> {
    /// The answer for `parked`.
    pub(crate) fn new(parked: &'n ValidNotification) -> Self {
        Self {
            notification_id: &parked.notification().notification_id,
            message: "audit record queued for processing",
            status: "accepted",
        }
    }
}
