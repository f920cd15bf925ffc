//! What a notification is: a message to somebody, and what became of it.

use jiff::Timestamp;

use crate::{
    cursor::{Placed, Position},
    event::words,
    filter::{Timed, Times},
};

words! {
    /// The way a message takes.
    Channel {
        /// Electronic mail.
        Email = "email",
        /// A Slack channel or user.
        Slack = "slack",
        /// PagerDuty.
        PagerDuty = "pagerduty",
        /// A text message.
        Sms = "sms",
        /// Any HTTP endpoint.
        Webhook = "webhook",
        /// Microsoft Teams.
        Teams = "teams",
    }
}

words! {
    /// What became of a message.
    NotificationStatus {
        /// Somebody took it for delivery.
        Sent = "sent",
        /// It could not be delivered.
        Failed = "failed",
        /// Whoever got it has said so.
        Acknowledged = "acknowledged",
        /// Nobody answered, so others are told.
        Escalated = "escalated",
        /// It has not been sent yet.
        Pending = "pending",
    }
}

/// The record of one notification: every default applied, every field as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notification {
    /// The remediation that somebody is told about.
    pub remediation_id: String,
    /// Identity of the notification, chosen by its sender.
    pub notification_id: String,
    /// Who is told.
    pub recipient: String,
    /// On which way.
    pub channel: Channel,
    /// What it says, in short.
    pub message_summary: String,
    /// What became of it at first; later states are deliveries.
    pub status: NotificationStatus,
    /// When it was sent, in whole microseconds.
    pub sent_at: Timestamp,
    /// What the deliverer answered.
    pub delivery_status: Option<String>,
    /// Text of the failure.
    pub error_message: Option<String>,
    /// How far up it has been escalated; 0 is not at all.
    pub escalation_level: i32,
}

/// A notification as the store gives it back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredNotification {
    /// Number of the record.
    pub id: i64,
    /// The notification.
    pub notification: Notification,
    /// When the store wrote it.
    pub created_at: Timestamp,
    /// When the store changed it last: never, so this is when it was written.
    pub updated_at: Timestamp,
}

impl Placed for StoredNotification {
    fn position(&self) -> Position {
        Position::numbered(self.notification.sent_at, self.id)
    }
}

/// One later state of a notification.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// Number of the attempt, counted by the sender.
    pub attempt: i32,
    /// What became of the notification this time.
    pub status: NotificationStatus,
    /// When, in whole microseconds.
    pub occurred_at: Timestamp,
    /// What the deliverer answered.
    pub delivery_status: Option<String>,
    /// Text of the failure.
    pub error_message: Option<String>,
    /// The level it was escalated to.
    pub escalation_level: Option<i32>,
}

/// A delivery as the store gives it back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// When the store wrote it.
    pub recorded_at: Timestamp,
}

/// Which notifications a list asks for: those that have one of the values of every member that has
/// any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NotificationFilter {
    /// Of these remediations.
    pub remediation_ids: Vec<String>,
    /// On these ways.
    pub channels: Vec<Channel>,
    /// Recorded with these states.
    pub statuses: Vec<NotificationStatus>,
    /// To these recipients.
    pub recipients: Vec<String>,
    /// Sent at or after this instant.
    pub since: Option<Timestamp>,
    /// Sent at or before this instant.
    pub until: Option<Timestamp>,
}

impl Timed for NotificationFilter {
    fn times(&self) -> Times {
        Times {
            since: self.since,
            until: self.until,
        }
    }

    fn set_times(&mut self, times: Times) {
        (self.since, self.until) = (times.since, times.until);
    }
}
