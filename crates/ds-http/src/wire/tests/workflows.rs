//! The wire forms of workflows.

use ds_domain::{
    json::JsonObject,
    workflow::{Lifecycle, Rate, StoredWorkflow, WorkflowStatus},
};
use ds_ingest::WorkflowRecorded;
use ds_repository::{
    Total,
    workflow::{Versions, WorkflowPage},
};
use ds_validation::{Rule, Violation};
use serde_json::{Value, json};

use super::{erased, estimated_page, links};
use crate::wire::*;

pub(super) fn samples() -> Vec<(&'static str, Value)> {
    let found = WorkflowPage {
        items: vec![workflow(true), workflow(false)],
        total: Some(Total {
            count: 12,
            is_estimate: true,
        }),
        has_more: true,
        has_newer: true,
    };
    let (_, page) = estimated_page();
    let versions = Versions {
        versions: vec![workflow(true)],
        total: 1,
    };
    let recorded = |warnings| WorkflowRecorded {
        stored: Box::new(workflow(false)),
        warnings,
    };
    let warning = Violation::of_field("content_hash", Rule::ContentHash, "it is another one");
    let results = [
        Ok(recorded(Vec::new())),
        Ok(recorded(vec![warning])),
        Err(Problem::no_workflow(Uuid::nil())),
    ];
    let batch = WorkflowBatch::new(results.into_iter(), "r").unwrap();
    let value = |value: &dyn erased::Json| value.json();
    let element = |full| value(&WorkflowElement::new(&workflow(full)).unwrap());
    vec![
        ("Workflow", element(true)),
        ("Workflow", element(false)),
        (
            "WorkflowList",
            value(&WorkflowList::new(&found, page, links()).unwrap()),
        ),
        (
            "WorkflowVersions",
            value(&VersionList::new("restart", &versions).unwrap()),
        ),
        ("WorkflowBatch", value(&batch)),
    ]
}

/// A workflow with a value in every member, or in as few as there may be.
pub(crate) fn workflow(is_full: bool) -> StoredWorkflow {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let text = |text: &str| is_full.then(|| text.to_owned());
    let object = |text: &str| JsonObject::from_checked_text(if is_full { text } else { "{}" });
    let rate = Rate::from_thousandths(917).filter(|_| is_full);
    StoredWorkflow {
        workflow_id: Uuid::from_u128(1),
        workflow_name: "restart".to_owned(),
        version: "v1.0".to_owned(),
        name: "Restart".to_owned(),
        description: "restarts".to_owned(),
        owner: text("sre"),
        maintainer: text("ann"),
        content: "steps: []".to_owned(),
        content_hash: "0".repeat(64),
        parameters: is_full.then(|| object(r#"{"n": 9007199254740993}"#)),
        execution_engine: "tekton".to_owned(),
        container_image: text("quay.io/x"),
        container_digest: text("sha256:0"),
        labels: object(r#"{"severity": "high"}"#),
        custom_labels: object(r#"{"team": ["a"]}"#),
        detected_labels: object(r#"{"stateful": true}"#),
        lifecycle: Lifecycle {
            status: WorkflowStatus::Disabled,
            status_reason: text("it loops"),
            disabled_by: text("ann"),
            disabled_reason: text("it loops"),
            deprecation_notice: text("use v2"),
            updated_by: text("ann"),
        },
        disabled_at: is_full.then_some(at),
        is_latest_version: true,
        previous_version: text("v0.9"),
        version_notes: text("notes"),
        change_summary: text("all"),
        approved_by: text("bob"),
        approved_at: is_full.then_some(at),
        expected_success_rate: rate,
        expected_duration_seconds: is_full.then_some(90),
        actual_success_rate: rate,
        total_executions: 3,
        successful_executions: 2,
        created_at: at,
        updated_at: at,
        created_by: text("ann"),
    }
}

#[test]
fn a_workflow_keeps_its_numbers_and_leaves_out_what_it_has_not() {
    let element = WorkflowElement::new(&workflow(true)).map(|it| serde_json::to_string(&it));
    let text = element.unwrap().unwrap();
    assert!(
        text.contains(r#""parameters":{"n": 9007199254740993}"#),
        "{text}"
    );
    assert!(text.contains(r#""expected_success_rate":0.917,"#), "{text}");
    let sparse = WorkflowElement::new(&workflow(false)).map(|it| serde_json::to_value(&it));
    let sparse = sparse.unwrap().unwrap();
    assert_eq!(sparse["detected_labels"], json!({}));
    assert_eq!(sparse.get("custom_labels"), None);
    assert_eq!(sparse.as_object().unwrap().len(), 16);
}
