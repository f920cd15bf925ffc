//! The JSON of answers: what it looks like, and how it is made from what is stored.

mod action;
mod dead_letter_queue;
mod event;
mod event_type;
mod health;
mod incident;
mod notification;
mod search;
mod success_rate;
mod timeline;
mod workflow;

use ds_domain::{
    event::StoredEvent,
    filter::{Page, Start},
};
use ds_ingest::{Kept, Recorded};
use ds_repository::{EventPage, Listing};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use crate::{links::Links, problem::Problem};

pub(crate) use action::{ActionCreated, ActionDetail, ActionElement, ActionsCreated};
pub(crate) use dead_letter_queue::{BacklogReport, DeadLetterQueue, DeadLetters, LetterReplayed};
pub(crate) use event_type::EventTypeList;
pub(crate) use health::{Alive, Checks, Health, Ready};
pub(crate) use incident::{IncidentList, NamespaceCounts, OutcomeCounts, SeverityCounts, Trend};
pub(crate) use notification::{
    DeliveryElement, NotificationAccepted, NotificationDetail, NotificationElement,
};
#[cfg(test)]
pub(crate) use search::tests::found as found_workflow;
pub(crate) use search::{FilterEcho, SearchAnswer, points, total};
pub(crate) use success_rate::SuccessRateReport;
pub(crate) use timeline::Correlation;
pub(crate) use workflow::{VersionList, WorkflowBatch, WorkflowElement, WorkflowList};

/// Room for what is said about a page, its links included.
const PAGINATION_BYTES: usize = 2048;

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

/// A page of events.
pub(crate) fn event_list(found: &EventPage, pagination: &Pagination) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(event::room_for(&found.items) + PAGINATION_BYTES);
    out.extend_from_slice(b"{\"data\":");
    list(&mut out, &found.items, event::write_event);
    out.extend_from_slice(b",\"pagination\":");
    serde_json::to_writer(&mut out, pagination).map_err(Problem::unwritable)?;
    out.push(b'}');
    Ok(out)
}

/// One stored event.
pub(crate) fn stored_event(stored: &StoredEvent) -> Vec<u8> {
    let mut out = Vec::with_capacity(event::room_for([stored]));
    event::write_event(&mut out, stored);
    out
}

/// Stored events, one a line.
pub(crate) fn event_lines(events: &[StoredEvent]) -> Vec<u8> {
    let mut out = Vec::with_capacity(event::room_for(events));
    for stored in events {
        event::write_event(&mut out, stored);
        out.push(b'\n');
    }
    out
}

/// Writes an array.
fn list<'v, T>(out: &mut Vec<u8>, values: &'v [T], mut write: impl FnMut(&mut Vec<u8>, &'v T)) {
    let mut separator = b'[';
    for value in values {
        out.push(separator);
        write(out, value);
        separator = b',';
    }
    if values.is_empty() {
        out.push(separator);
    }
    out.push(b']');
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

#[cfg(test)]
pub(crate) mod tests;
