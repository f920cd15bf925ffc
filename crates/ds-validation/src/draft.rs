//! An event as its sender wrote it, before any rule is checked.

use ds_domain::json::JsonObject;
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

/// An event as its sender wrote it: shaped, but not yet checked. `None` is an absent member.
///
/// There may be more members one day, so it is made from a default.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the members are those of `ds_domain::event::Event`"
)]
pub struct EventDraft {
    pub event_id: Option<Uuid>,
    pub version: Option<String>,
    pub event_type: Option<String>,
    pub event_timestamp: Option<Timestamp>,
    pub event_category: Option<String>,
    pub event_action: Option<String>,
    pub event_outcome: Option<String>,
    pub correlation_id: Option<String>,
    pub event_data: Option<JsonObject>,
    pub event_metadata: Option<JsonObject>,
    pub actor_type: Option<String>,
    pub actor_id: Option<String>,
    pub actor_ip: Option<std::net::IpAddr>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub resource_name: Option<String>,
    pub parent_event_id: Option<Uuid>,
    pub parent_event_date: Option<Date>,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub namespace: Option<String>,
    pub cluster_name: Option<String>,
    pub severity: Option<String>,
    pub duration_ms: Option<i64>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub retention_days: Option<i64>,
    pub is_sensitive: Option<bool>,
}

impl EventDraft {
    /// Where the text of the member `name` is.
    pub(crate) fn text_slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "version" => &mut self.version,
            "event_type" => &mut self.event_type,
            "event_category" => &mut self.event_category,
            "event_action" => &mut self.event_action,
            "event_outcome" => &mut self.event_outcome,
            "correlation_id" => &mut self.correlation_id,
            "actor_type" => &mut self.actor_type,
            "actor_id" => &mut self.actor_id,
            "resource_type" => &mut self.resource_type,
            "resource_id" => &mut self.resource_id,
            "resource_name" => &mut self.resource_name,
            "namespace" => &mut self.namespace,
            "cluster_name" => &mut self.cluster_name,
            "severity" => &mut self.severity,
            "trace_id" => &mut self.trace_id,
            "span_id" => &mut self.span_id,
            "error_code" => &mut self.error_code,
            "error_message" => &mut self.error_message,
            _ => return None,
        })
    }
}
