//! Notes about what became of the catalogue.

use ds_domain::workflow::{Change, StoredWorkflow};
use ds_ingest::{Ingest, WorkflowChanged, port::Ports};
use ds_repository::workflow::Changed;
use serde_json::{Map, Value, json};

use super::{DESCRIPTION_CHARS_MAX, Note, leave};

/// Notes a workflow that was added to the catalogue.
pub(crate) fn created<P: Ports>(ingest: &Ingest<P>, workflow: &StoredWorkflow) {
    let id = workflow.workflow_id.to_string();
    leave(
        ingest,
        &Note {
            event_type: "datastorage.workflow.created",
            action: "create",
            resource_type: "Workflow",
            resource_id: &id,
            correlation_id: &id,
            data: envelope("workflow_created", created_payload(workflow)),
        },
    );
}

/// Notes a workflow that was changed; one that was so before is no news.
pub(crate) fn changed<P: Ports>(ingest: &Ingest<P>, changed: &WorkflowChanged) {
    let Changed::Now(workflow) = &changed.changed else {
        return;
    };
    let id = workflow.workflow_id.to_string();
    leave(
        ingest,
        &Note {
            event_type: "datastorage.workflow.updated",
            action: "update",
            resource_type: "Workflow",
            resource_id: &id,
            correlation_id: &id,
            data: envelope(
                "workflow_updated",
                updated_payload(&changed.change, workflow),
            ),
        },
    );
}

fn envelope(operation: &str, payload: Value) -> Value {
    json!({
        "version": "1.0",
        "service": "datastorage",
        "operation": operation,
        "status": "success",
        "payload": payload,
    })
}

fn created_payload(workflow: &StoredWorkflow) -> Value {
    let labels: Value = serde_json::from_str(workflow.labels.as_str()).unwrap_or_default();
    let chars = workflow.description.chars();
    json!({
        "workflow_id": workflow.workflow_id,
        "workflow_name": workflow.workflow_name,
        "version": workflow.version,
        "status": workflow.lifecycle.status.as_str(),
        "is_latest_version": workflow.is_latest_version,
        "execution_engine": workflow.execution_engine,
        "name": workflow.name,
        "description": chars.take(DESCRIPTION_CHARS_MAX).collect::<String>(),
        "labels": labels,
    })
}

fn updated_payload(change: &Change, workflow: &StoredWorkflow) -> Value {
    let mut fields = Map::new();
    let status = workflow.lifecycle.status.as_str();
    fields.insert("status".to_owned(), status.into());
    for (name, given) in [
        ("status_reason", &change.status_reason),
        ("disabled_by", &change.disabled_by),
        ("disabled_reason", &change.disabled_reason),
        ("deprecation_notice", &change.deprecation_notice),
        ("updated_by", &change.updated_by),
    ] {
        if let Some(text) = given {
            let text: String = text.chars().take(DESCRIPTION_CHARS_MAX).collect();
            fields.insert(name.to_owned(), text.into());
        }
    }
    json!({ "workflow_id": workflow.workflow_id, "updated_fields": fields })
}

#[cfg(test)]
mod tests {
    use ds_domain::event::EventCategory;
    use ds_validation::{KindMode, Limits, parse_event};

    use super::*;

    /// A note passes as an event of its kind.
    #[track_caller]
    fn check(event_type: &str, action: &str, data: &Value) {
        let mut limits = Limits::default();
        limits.event_kinds = KindMode::Enforce;
        let now: jiff::Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let event = json!({
            "version": "1.0", "event_type": event_type, "event_timestamp": now,
            "event_category": EventCategory::Workflow.as_str(), "event_action": action,
            "event_outcome": "success", "correlation_id": "c", "event_data": data,
        });
        let parsed = parse_event(event.to_string().as_bytes(), now, &limits);
        assert!(parsed.is_ok(), "{parsed:?}");
    }

    #[test]
    fn notes_about_workflows_look_as_such_events_do() {
        let workflow = crate::wire::tests::workflows::workflow(true);
        let created = envelope("workflow_created", created_payload(&workflow));
        check("datastorage.workflow.created", "create", &created);
        assert_eq!(created["payload"]["labels"]["severity"], "high");
        let change = Change {
            disabled_by: Some("ann".to_owned()),
            disabled_reason: Some("ü".repeat(10_000)),
            ..Change::default()
        };
        let updated = envelope("workflow_updated", updated_payload(&change, &workflow));
        check("datastorage.workflow.updated", "update", &updated);
        let fields = &updated["payload"]["updated_fields"];
        assert_eq!(fields["status"], "disabled");
        assert_eq!(fields["disabled_by"], "ann");
        assert_eq!(
            fields["disabled_reason"].as_str().unwrap().chars().count(),
            200
        );
        assert_eq!(fields.as_object().unwrap().len(), 3);
    }
}
