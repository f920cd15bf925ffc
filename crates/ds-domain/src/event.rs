//! What an audit event is, from its vocabulary to the row that is stored.

use std::net::IpAddr;

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    cursor::{Placed, Position},
    json::JsonObject,
};

/// Declares a closed set of words that appear in the API, in the table and as metric labels.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Every word, in documentation order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is written on the wire and in the table.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Finds the value for `word`; upper case is a different word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The part of the platform an event belongs to.
    EventCategory {
        /// Signals arriving from outside.
        Gateway = "gateway",
        /// Messages to people.
        Notification = "notification",
        /// Root cause analysis and effectiveness.
        Analysis = "analysis",
        /// Enrichment and categorisation of signals.
        SignalProcessing = "signalprocessing",
        /// Catalogue and runs of remediation workflows.
        Workflow = "workflow",
        /// Single execution steps.
        Execution = "execution",
        /// Remediation requests and their phases.
        Orchestration = "orchestration",
    }
}

words! {
    /// How the recorded action ended.
    EventOutcome {
        /// It did what it was meant to.
        Success = "success",
        /// It did not.
        Failure = "failure",
        /// It has not ended yet.
        Pending = "pending",
    }
}

/// The event that caused another one.
///
/// The date is stored beside the id because the table is partitioned by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parent {
    /// The parent's `event_id`.
    pub id: Uuid,
    /// The parent's `event_date`.
    pub date: Date,
}

/// One audit event, complete: every default applied, every field as it is stored.
#[derive(Clone, Debug)]
pub struct Event {
    /// Identity of the event, for ever.
    pub event_id: Uuid,
    /// Version of the payload's shape, chosen by the sender.
    pub version: String,
    /// When it happened, in whole microseconds.
    pub event_timestamp: Timestamp,
    /// Dotted name of what happened; an open set.
    pub event_type: String,
    /// Part of the platform.
    pub event_category: EventCategory,
    /// Verb of what happened.
    pub event_action: String,
    /// How it ended.
    pub event_outcome: EventOutcome,
    /// Kind of actor.
    pub actor_type: String,
    /// Who acted.
    pub actor_id: String,
    /// Network address of the actor.
    pub actor_ip: Option<IpAddr>,
    /// Kind of the resource acted on.
    pub resource_type: String,
    /// Resource acted on.
    pub resource_id: String,
    /// Human name of the resource.
    pub resource_name: Option<String>,
    /// Ties the events of one remediation together.
    pub correlation_id: String,
    /// The event that caused this one.
    pub parent: Option<Parent>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// W3C span id.
    pub span_id: Option<String>,
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Cluster the event comes from.
    pub cluster_name: Option<String>,
    /// The payload, as received.
    pub event_data: JsonObject,
    /// What the store or the sender noted about the payload.
    pub event_metadata: Option<JsonObject>,
    /// Free text severity; `info` unless the sender said otherwise.
    pub severity: Option<String>,
    /// How long the action took, in milliseconds.
    pub duration_ms: Option<i32>,
    /// Code of the failure.
    pub error_code: Option<String>,
    /// Text of the failure.
    pub error_message: Option<String>,
    /// How long the event must be kept, in days.
    pub retention_days: i32,
    /// Whether the event holds personal or secret data.
    pub is_sensitive: bool,
}

impl Event {
    /// The UTC day of the event: the partition key.
    pub fn event_date(&self) -> Date {
        crate::time::utc_date(self.event_timestamp)
    }
}

/// An event as the store gives it back.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// When the store wrote it: evidence that is independent of the sender's clock.
    pub recorded_at: Timestamp,
}

impl Placed for StoredEvent {
    fn position(&self) -> Position {
        Position {
            at: self.event.event_timestamp,
            id: self.event.event_id,
        }
    }
}
