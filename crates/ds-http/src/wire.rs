//! The JSON of answers: what it looks like, and how it is made from what is stored.

mod dead_letter_queue;
mod event_type;
mod health;
mod notification;
mod timeline;

use std::net::IpAddr;

use ds_domain::{
    event::StoredEvent,
    filter::{Page, Start},
    json::JsonObject,
};
use ds_ingest::{Kept, Recorded};
use ds_repository::Listing;
use http::StatusCode;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{links::Links, problem::Problem};

pub(crate) use dead_letter_queue::{BacklogReport, DeadLetterQueue, DeadLetters, LetterReplayed};
pub(crate) use event_type::EventTypeList;
pub(crate) use health::{Alive, Checks, Health, Ready};
pub(crate) use notification::{
    DeliveryElement, NotificationAccepted, NotificationDetail, NotificationElement,
};
pub(crate) use timeline::Correlation;

/// What is said about accepted events, by where they are.
struct Told {
    status: &'static str,
    single: &'static str,
    batch: &'static str,
}

const CREATED: Told = Told {
    status: "created",
    single: "Audit event created successfully",
    batch: "audit events created successfully",
};

const ACCEPTED: Told = Told {
    status: "accepted",
    single: "audit event queued for async processing",
    batch: "audit events queued for async processing",
};

impl Told {
    fn of(kept: Kept) -> Self {
        match kept {
            Kept::Stored => CREATED,
            Kept::Parked => ACCEPTED,
        }
    }
}

/// The status for accepted events.
pub(crate) fn status_of(kept: Kept) -> StatusCode {
    match kept {
        Kept::Stored => StatusCode::CREATED,
        Kept::Parked => StatusCode::ACCEPTED,
    }
}

/// One event was recorded.
#[derive(Serialize)]
pub(crate) struct EventRecorded {
    event_id: Uuid,
    /// In whole seconds, as the first contract has it.
    event_timestamp: String,
    message: &'static str,
    status: &'static str,
}

impl EventRecorded {
    /// The answer for `recorded`.
    pub(crate) fn new(recorded: Recorded, kept: Kept) -> Self {
        let told = Told::of(kept);
        Self {
            event_id: recorded.event_id,
            event_timestamp: format!("{:.0}", recorded.event_timestamp),
            message: told.single,
            status: told.status,
        }
    }
}

/// A batch was recorded.
#[derive(Serialize)]
pub(crate) struct BatchRecorded {
    event_ids: Vec<Uuid>,
    message: String,
    status: &'static str,
}

impl BatchRecorded {
    /// The answer for `recorded`, in the order of the request.
    pub(crate) fn new(recorded: &[Recorded], kept: Kept) -> Self {
        let told = Told::of(kept);
        Self {
            event_ids: recorded.iter().map(|one| one.event_id).collect(),
            message: format!("{} {}", recorded.len(), told.batch),
            status: told.status,
        }
    }
}

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct List<E> {
    pub(crate) data: Vec<E>,
    pub(crate) pagination: Pagination,
}

/// Where a page stands in the whole answer.
#[derive(Serialize)]
pub(crate) struct Pagination {
    limit: u16,
    /// Only of a page that was asked for by its offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// Said only when it is so: the first contract knows exact totals alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_estimate: Option<bool>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
}

impl Pagination {
    /// What is said about `page` when it was `found`.
    pub(crate) fn new<T>(found: &Listing<T>, page: Page, links: Links) -> Self {
        let estimated = found.total.filter(|total| total.is_estimate);
        Self {
            limit: page.limit,
            offset: match page.start {
                Start::Offset(offset) => Some(offset),
                Start::Newest | Start::After(_) | Start::Before(_) => None,
            },
            total: found.total.map(|total| total.count),
            total_is_estimate: estimated.map(|total| total.is_estimate),
            has_more: found.has_more,
            next: links.next,
            prev: links.prev,
        }
    }
}

/// One stored event; an absent value is `null`.
#[derive(Serialize)]
pub(crate) struct EventElement<'e> {
    event_id: Uuid,
    event_timestamp: Timestamp,
    event_date: Date,
    event_type: &'e str,
    version: &'e str,
    event_category: &'static str,
    event_action: &'e str,
    event_outcome: &'static str,
    correlation_id: &'e str,
    parent_event_id: Option<Uuid>,
    parent_event_date: Option<Date>,
    resource_type: &'e str,
    resource_id: &'e str,
    resource_name: Option<&'e str>,
    namespace: Option<&'e str>,
    cluster_name: Option<&'e str>,
    severity: Option<&'e str>,
    duration_ms: Option<i32>,
    error_code: Option<&'e str>,
    error_message: Option<&'e str>,
    actor_id: &'e str,
    actor_type: &'e str,
    actor_ip: Option<IpAddr>,
    trace_id: Option<&'e str>,
    span_id: Option<&'e str>,
    retention_days: i32,
    is_sensitive: bool,
    event_data: &'e RawValue,
    event_metadata: Option<&'e RawValue>,
    recorded_at: Timestamp,
}

impl<'e> EventElement<'e> {
    /// The element for `stored`.
    pub(crate) fn new(stored: &'e StoredEvent) -> Result<Self, Problem> {
        let event = &stored.event;
        Ok(Self {
            event_id: event.event_id,
            event_timestamp: event.event_timestamp,
            event_date: event.event_date(),
            event_type: &event.event_type,
            version: &event.version,
            event_category: event.event_category.as_str(),
            event_action: &event.event_action,
            event_outcome: event.event_outcome.as_str(),
            correlation_id: &event.correlation_id,
            parent_event_id: event.parent.map(|parent| parent.id),
            parent_event_date: event.parent.map(|parent| parent.date),
            resource_type: &event.resource_type,
            resource_id: &event.resource_id,
            resource_name: event.resource_name.as_deref(),
            namespace: event.namespace.as_deref(),
            cluster_name: event.cluster_name.as_deref(),
            severity: event.severity.as_deref(),
            duration_ms: event.duration_ms,
            error_code: event.error_code.as_deref(),
            error_message: event.error_message.as_deref(),
            actor_id: &event.actor_id,
            actor_type: &event.actor_type,
            actor_ip: event.actor_ip,
            trace_id: event.trace_id.as_deref(),
            span_id: event.span_id.as_deref(),
            retention_days: event.retention_days,
            is_sensitive: event.is_sensitive,
            event_data: raw(&event.event_data)?,
            event_metadata: event.event_metadata.as_ref().map(raw).transpose()?,
            recorded_at: stored.recorded_at,
        })
    }
}

/// The text as it is: never read into numbers, so none can change.
fn raw(object: &JsonObject) -> Result<&RawValue, Problem> {
    serde_json::from_str(object.as_str()).map_err(Problem::unwritable)
}

#[cfg(test)]
pub(crate) mod tests;
