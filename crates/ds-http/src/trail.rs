//! What the service notes about itself: who looked for workflows and what was found, and what became
//! of the catalogue. Each note is an audit event like any other; it is recorded behind the answer.

mod workflow;

use std::time::Duration;

use ds_domain::{
    event::{EventCategory, EventOutcome},
    id::IdSource,
    label::MandatoryLabel,
    search::{SearchFilters, WorkflowSearch},
    time::Clock,
};
use ds_ingest::{Ingest, port::Ports};
use ds_repository::{FoundWorkflow, SearchResults};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::wire::{FilterEcho, points, total};

pub(crate) use workflow::{changed, created};

/// How long notes are kept, in days.
const RETENTION_DAYS: u16 = 90;

/// Longest description of a workflow that is repeated in a note.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// What is noted.
struct Note<'n> {
    event_type: &'static str,
    action: &'static str,
    resource_type: &'static str,
    resource_id: &'n str,
    correlation_id: &'n str,
    data: Value,
}

/// The event, as any sender writes it. It has its id from the start, so that trying again does not
/// double it.
#[derive(Serialize)]
struct Event<'n> {
    event_id: Uuid,
    version: &'static str,
    event_type: &'static str,
    event_timestamp: Timestamp,
    event_category: &'static str,
    event_action: &'static str,
    event_outcome: &'static str,
    actor_type: &'static str,
    actor_id: &'static str,
    resource_type: &'static str,
    resource_id: &'n str,
    correlation_id: &'n str,
    retention_days: u16,
    event_data: &'n Value,
}

/// Notes a search that was answered, also when nothing was found.
pub(crate) fn searched<P: Ports>(
    ingest: &Ingest<P>,
    search: &WorkflowSearch,
    found: &SearchResults,
    took: Duration,
) {
    let digest = digest(&search.filters);
    let correlation_id = search.remediation_id.as_deref().unwrap_or(&digest);
    leave(
        ingest,
        &Note {
            event_type: "workflow.catalog.search_completed",
            action: "search_completed",
            resource_type: "workflow_catalog",
            resource_id: &digest,
            correlation_id,
            data: search_data(search, found, took),
        },
    );
}

fn search_data(search: &WorkflowSearch, found: &SearchResults, took: Duration) -> Value {
    let workflows = (1..).zip(&found.workflows);
    let workflows = workflows.map(|(rank, found)| found_data(rank, found));
    json!({
        "query": {
            "top_k": search.top_k,
            "min_score": total(search.min_score),
            "include_disabled": search.include_disabled,
            "filters": FilterEcho(&search.filters),
        },
        "results": {
            "total_found": found.matching,
            "returned": found.workflows.len(),
            "workflows": workflows.collect::<Vec<_>>(),
        },
        "search_metadata": {
            "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        },
    })
}

fn found_data(rank: u16, found: &FoundWorkflow) -> Value {
    let chars = found.description.chars();
    json!({
        "workflow_id": found.workflow_id,
        "title": found.title,
        "rank": rank,
        "description": chars.take(DESCRIPTION_CHARS_MAX).collect::<String>(),
        "labels": { "signal_type": found.signal_type },
        "scoring": {
            "confidence": total(found.score.total()),
            "label_boost": points(found.score.boost),
            "label_penalty": points(found.score.penalty),
        },
    })
}

/// A name for what is looked for: the same for the same mandatory labels.
fn digest(filters: &SearchFilters) -> String {
    let labels = MandatoryLabel::ALL.iter();
    let labels: Vec<&str> = labels.map(|label| filters.labels.get(*label)).collect();
    let hash = Sha256::digest(labels.join("-"));
    let bytes = hash.iter().take(8);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn leave<P: Ports>(ingest: &Ingest<P>, note: &Note<'_>) {
    let event = Event {
        event_id: ingest.ids().next_id(),
        version: "1.0",
        event_type: note.event_type,
        event_timestamp: ingest.clock().now(),
        event_category: EventCategory::Workflow.as_str(),
        event_action: note.action,
        event_outcome: EventOutcome::Success.as_str(),
        actor_type: "service",
        actor_id: "datastorage",
        resource_type: note.resource_type,
        resource_id: note.resource_id,
        correlation_id: note.correlation_id,
        retention_days: RETENTION_DAYS,
        event_data: &note.data,
    };
    match serde_json::to_vec(&event) {
        Ok(event) => ingest.leave(event),
        // Texts and numbers always serialise.
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "An event of the service itself cannot be written"
        ),
    }
}

#[cfg(test)]
mod tests {
    use ds_validation::{KindMode, Limits, parse_event, parse_search};

    use super::*;

    const BODY: &str = r#"{"filters":{"signal_type":"OOMKilled","severity":"high","component":"pod",
        "environment":"production","priority":"P1","detected_labels":{"stateful":true}},
        "min_score":0.5025}"#;

    fn search() -> WorkflowSearch {
        parse_search(BODY.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn what_is_looked_for_has_a_name() {
        // printf 'OOMKilled-high-pod-production-P1' | sha256sum | head -c 16
        assert_eq!(digest(&search().filters), "31e05785f4b8620d");
    }

    #[test]
    fn a_search_is_noted_as_such_events_look() {
        let found = SearchResults {
            workflows: vec![FoundWorkflow {
                description: "ü".repeat(10_000),
                ..crate::wire::found_workflow()
            }],
            matching: 7,
        };
        let mut limits = Limits::default();
        limits.event_kinds = KindMode::Enforce;
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        for found in [&found, &SearchResults::default()] {
            let data = search_data(&search(), found, Duration::from_millis(7));
            let event = Event {
                event_id: Uuid::from_u128(1),
                version: "1.0",
                event_type: "workflow.catalog.search_completed",
                event_timestamp: now,
                event_category: EventCategory::Workflow.as_str(),
                event_action: "search_completed",
                event_outcome: EventOutcome::Success.as_str(),
                actor_type: "service",
                actor_id: "datastorage",
                resource_type: "workflow_catalog",
                resource_id: "r",
                correlation_id: "c",
                retention_days: RETENTION_DAYS,
                event_data: &data,
            };
            let body = serde_json::to_vec(&event).unwrap();
            assert!(body.len() < 2_000, "{}", body.len());
            let parsed = parse_event(&body, now, &limits);
            assert!(parsed.is_ok(), "{parsed:?}");
        }
    }
}
