//! The bodies that are measured.

use jiff::Timestamp;
use serde_json::{Value, json};

/// One event type a line.
const FIXTURE: &str = include_str!("../../../../fixtures/event-types.jsonl");

/// One body, or several that are read one after the other.
pub(crate) struct Work {
    /// What it is.
    pub(crate) name: &'static str,
    /// The bodies.
    pub(crate) bodies: Vec<String>,
    /// Whether a body is a batch.
    pub(crate) is_batch: bool,
    /// Events in all of them.
    pub(crate) events: usize,
}

impl Work {
    /// Bytes of all bodies.
    pub(crate) fn bytes(&self) -> usize {
        self.bodies.iter().map(String::len).sum()
    }
}

/// The moment at which everything is read.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_255_201).unwrap_or_default()
}

/// Everything that is measured.
pub(crate) fn all() -> Vec<Work> {
    let types: Vec<String> = FIXTURE.lines().map(event_of).collect();
    let large = with_payload(4_096);
    let batch = types.iter().cycle().take(500).cloned();
    let batch: Vec<String> = batch.collect();
    vec![
        Work {
            name: "27 event types",
            events: types.len(),
            bodies: types,
            is_batch: false,
        },
        Work {
            name: "payload of 4 KiB",
            events: 1,
            bodies: vec![large],
            is_batch: false,
        },
        Work {
            name: "batch of 500",
            events: batch.len(),
            bodies: vec![format!("[{}]", batch.join(","))],
            is_batch: true,
        },
    ]
}

/// The request for a line of the fixture, as a controller of the platform sends it.
fn event_of(line: &str) -> String {
    let line: Value = line.parse().unwrap_or_default();
    let service = line["service"].as_str().unwrap_or_default();
    json!({
        "version": "1.0",
        "event_type": line["event_type"],
        "event_timestamp": "2026-11-21T10:00:00.123456Z",
        "event_category": line["event_category"],
        "event_action": line["event_action"],
        "event_outcome": line["outcome"],
        "actor_type": "service",
        "actor_id": format!("{service}-service"),
        "resource_type": "RemediationRequest",
        "resource_id": "ops/rr-7f01",
        "correlation_id": "rr-2026-11-21-7f01",
        "namespace": "shop",
        "cluster_name": "edge-3",
        "severity": "warning",
        "duration_ms": 125,
        "event_data": line["data"],
    })
    .to_string()
}

/// An event whose payload has at least so many bytes: nested objects, arrays, numbers, texts.
fn with_payload(bytes: usize) -> String {
    let step = |number: usize| {
        json!({
            "name": format!("step-{number}"),
            "phase": "Executing",
            "duration_ms": number * 17,
            "confidence": 0.875,
            "dry_run": false,
            "labels": { "app": "checkout", "team": "payments", "severity": "critical" },
            "message": "scaled \"checkout\" from 3 to 5 replicas; waiting for pods to be ready",
        })
    };
    let mut steps = Vec::new();
    while Value::Array(steps.clone()).to_string().len() < bytes {
        steps.push(step(steps.len()));
    }
    let line = json!({
        "service": "workflow",
        "event_type": "workflow.execution.completed",
        "event_category": "workflow",
        "event_action": "completed",
        "outcome": "success",
        "data": { "steps": steps },
    });
    event_of(&line.to_string())
}
