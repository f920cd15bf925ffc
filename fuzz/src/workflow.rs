//! A workflow, or what becomes of one: it is refused with a reason, or comes back as it was read.

use ds_domain::{
    json::JsonObject,
    label::{CustomLabels, DetectedLabels, MandatoryLabels},
    workflow::{Rate, Workflow},
};
use ds_validation::{
    Limits, Rejection, parse_executions, parse_workflow, parse_workflow_batch,
    parse_workflow_change, parse_workflow_disabling, parse_workflow_enabling,
};
use serde_json::{Value, json, value::RawValue};

use super::refusal;

/// Checks what everything that reads a body of the catalogue makes of `data`.
pub fn check(data: &[u8]) {
    let limits = Limits::default();
    let single = parse_workflow(data, &limits);
    let batch = [b"[", data, b"]"].concat();
    let batched = parse_workflow_batch(&batch, &limits);
    match single {
        Ok(valid) => {
            check_again(valid.workflow());
            let batched = batched.unwrap_or_else(|error| panic!("as a batch: {error:?}"));
            assert_eq!(batched, [Ok(valid)]);
        }
        Err(rejection) => {
            refusal::check(data, &rejection);
            if let (Rejection::Invalid(violations), Ok(batched)) = (rejection, batched) {
                // Several of them are one body that is no object.
                assert!(batched.len() > 1 || batched == [Err(violations)]);
            }
        }
    }
    if let Err(rejection) = parse_workflow_batch(data, &limits) {
        refusal::check(data, &rejection);
    }
    for parse in [
        parse_workflow_change,
        parse_workflow_disabling,
        parse_workflow_enabling,
    ] {
        if let Err(rejection) = parse(data, &limits) {
            refusal::check(data, &rejection);
        }
    }
    match parse_executions(data, &limits) {
        Ok(executions) => assert!((0..=executions.count).contains(&executions.successful)),
        Err(rejection) => refusal::check(data, &rejection),
    }
}

fn check_again(workflow: &Workflow) {
    let written = json!({
        "workflow_name": workflow.workflow_name,
        "version": workflow.version,
        "name": workflow.name,
        "description": workflow.description,
        "content": workflow.content,
        "content_hash": workflow.content_hash,
        "execution_engine": workflow.execution_engine,
        "labels": mandatory(&workflow.labels),
        "custom_labels": custom(&workflow.custom_labels),
        "detected_labels": detected(&workflow.detected_labels),
        "status": workflow.status.as_str(),
    });
    let Value::Object(mut written) = written else {
        unreachable!("it is an object");
    };
    let texts = [
        ("owner", &workflow.owner),
        ("maintainer", &workflow.maintainer),
        ("container_image", &workflow.container_image),
        ("container_digest", &workflow.container_digest),
        ("previous_version", &workflow.previous_version),
        ("version_notes", &workflow.version_notes),
        ("change_summary", &workflow.change_summary),
        ("approved_by", &workflow.approved_by),
        ("created_by", &workflow.created_by),
    ];
    let texts = texts.map(|(name, text)| (name, text.clone().map(Value::from)));
    let rate = workflow.expected_success_rate.map(Rate::as_f64);
    let others = [
        (
            "approved_at",
            workflow.approved_at.map(|at| at.to_string().into()),
        ),
        ("expected_success_rate", rate.map(Value::from)),
        (
            "expected_duration_seconds",
            workflow.expected_duration_seconds.map(Value::from),
        ),
    ];
    for (name, value) in texts.into_iter().chain(others) {
        written.extend(value.map(|value| (name.to_owned(), value)));
    }
    let mut written = Value::Object(written).to_string();
    if let Some(parameters) = &workflow.parameters {
        // As it is: no number goes through a float.
        written.truncate(written.len() - 1);
        written = format!("{written},\"parameters\":{}}}", parameters.as_str());
        check_json(parameters);
    }
    let again = parse_workflow(written.as_bytes(), &Limits::default());
    let again = again.unwrap_or_else(|error| panic!("{error:?} in {written}"));
    assert_eq!(again.workflow(), workflow, "{written}");
}

/// Labels that must be there, as they are sent.
pub(super) fn mandatory(labels: &MandatoryLabels) -> Value {
    json!({
        "signal_type": labels.signal_type,
        "severity": labels.severity.as_str(),
        "component": labels.component,
        "environment": labels.environment,
        "priority": labels.priority.as_str(),
    })
}

/// Labels of a customer, as they are sent.
pub(super) fn custom(labels: &CustomLabels) -> Value {
    json!(labels.0)
}

/// Labels that were detected, as they are sent.
pub(super) fn detected(labels: &DetectedLabels) -> Value {
    let flags = labels.flags.iter();
    let flags = flags.map(|label| (label.as_str().to_owned(), Value::Bool(true)));
    let mut members: serde_json::Map<_, _> = flags.collect();
    if let Some(tool) = labels.git_ops_tool {
        members.insert("gitOpsTool".to_owned(), tool.as_str().into());
    }
    if let Some(mesh) = labels.service_mesh {
        members.insert("serviceMesh".to_owned(), mesh.as_str().into());
    }
    let failed: Vec<_> = labels.failed.iter().map(|label| label.as_str()).collect();
    if !failed.is_empty() {
        members.insert("failed_detections".to_owned(), json!(failed));
    }
    Value::Object(members)
}

fn check_json(object: &JsonObject) {
    let other = serde_json::from_str::<&RawValue>(object.as_str());
    assert!(other.is_ok(), "what is accepted is JSON: {other:?}");
}
