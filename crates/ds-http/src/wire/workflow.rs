//! The JSON of workflows.

use ds_domain::{
    filter::{Page, Start},
    json::JsonObject,
    workflow::{Rate, StoredWorkflow},
};
use ds_ingest::WorkflowRecorded;
use ds_repository::workflow::{Versions, WorkflowPage};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{links::Links, problem::Problem};

/// A workflow as it is stored. Members without a value are left out, as the first contract has it.
#[derive(Serialize)]
pub(crate) struct WorkflowElement<'w> {
    workflow_id: Uuid,
    workflow_name: &'w str,
    version: &'w str,
    name: &'w str,
    description: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maintainer: Option<&'w str>,
    content: &'w str,
    content_hash: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'w RawValue>,
    execution_engine: &'w str,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_image: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_digest: Option<&'w str>,
    labels: &'w RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_labels: Option<&'w RawValue>,
    detected_labels: &'w RawValue,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_by: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'w str>,
    is_latest_version: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecation_notice: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_notes: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_summary: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_success_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_duration_seconds: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual_success_rate: Option<f64>,
    total_executions: i32,
    successful_executions: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<&'w str>,
}

impl<'w> WorkflowElement<'w> {
    /// The element for `stored`.
    pub(crate) fn new(stored: &'w StoredWorkflow) -> Result<Self, Problem> {
        let lifecycle = &stored.lifecycle;
        let has_members = |object: &&JsonObject| object.as_str() != "{}";
        let custom_labels = Some(&stored.custom_labels).filter(has_members);
        Ok(Self {
            workflow_id: stored.workflow_id,
            workflow_name: &stored.workflow_name,
            version: &stored.version,
            name: &stored.name,
            description: &stored.description,
            owner: stored.owner.as_deref(),
            maintainer: stored.maintainer.as_deref(),
            content: &stored.content,
            content_hash: &stored.content_hash,
            parameters: stored.parameters.as_ref().map(raw).transpose()?,
            execution_engine: &stored.execution_engine,
            container_image: stored.container_image.as_deref(),
            container_digest: stored.container_digest.as_deref(),
            labels: raw(&stored.labels)?,
            custom_labels: custom_labels.map(raw).transpose()?,
            detected_labels: raw(&stored.detected_labels)?,
            status: lifecycle.status.as_str(),
            status_reason: lifecycle.status_reason.as_deref(),
            disabled_at: stored.disabled_at,
            disabled_by: lifecycle.disabled_by.as_deref(),
            disabled_reason: lifecycle.disabled_reason.as_deref(),
            is_latest_version: stored.is_latest_version,
            previous_version: stored.previous_version.as_deref(),
            deprecation_notice: lifecycle.deprecation_notice.as_deref(),
            version_notes: stored.version_notes.as_deref(),
            change_summary: stored.change_summary.as_deref(),
            approved_by: stored.approved_by.as_deref(),
            approved_at: stored.approved_at,
            expected_success_rate: stored.expected_success_rate.map(Rate::as_f64),
            expected_duration_seconds: stored.expected_duration_seconds,
            actual_success_rate: stored.actual_success_rate.map(Rate::as_f64),
            total_executions: stored.total_executions,
            successful_executions: stored.successful_executions,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            created_by: stored.created_by.as_deref(),
            updated_by: lifecycle.updated_by.as_deref(),
        })
    }
}

/// The text as it is: never read into numbers, so none can change.
fn raw(object: &JsonObject) -> Result<&RawValue, Problem> {
    serde_json::from_str(object.as_str()).map_err(Problem::unwritable)
}

/// A page of workflows.
#[derive(Serialize)]
pub(crate) struct WorkflowList<'w> {
    workflows: Vec<WorkflowElement<'w>>,
    limit: u16,
    /// Only of a page that was asked for by its offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// Said only when it is so: the first contract knows exact totals alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_estimate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
}

impl<'w> WorkflowList<'w> {
    /// The answer for what was `found` when `page` was asked for.
    pub(crate) fn new(found: &'w WorkflowPage, page: Page, links: Links) -> Result<Self, Problem> {
        let workflows = found.items.iter().map(WorkflowElement::new);
        Ok(Self {
            workflows: workflows.collect::<Result<_, _>>()?,
            limit: page.limit,
            offset: match page.start {
                Start::Offset(offset) => Some(offset),
                Start::Newest | Start::After(_) | Start::Before(_) => None,
            },
            total: found.total.map(|total| total.count),
            total_is_estimate: found
                .total
                .and_then(|total| total.is_estimate.then_some(true)),
            next: links.next,
            prev: links.prev,
        })
    }
}

/// The versions of a name.
#[derive(Serialize)]
pub(crate) struct VersionList<'w> {
    workflow_name: &'w str,
    versions: Vec<WorkflowElement<'w>>,
    total: u64,
}

impl<'w> VersionList<'w> {
    /// The answer for what was `found` of `workflow_name`.
    pub(crate) fn new(workflow_name: &'w str, found: &'w Versions) -> Result<Self, Problem> {
        let versions = found.versions.iter().map(WorkflowElement::new);
        Ok(Self {
            workflow_name,
            versions: versions.collect::<Result<_, _>>()?,
            total: found.total,
        })
    }
}

/// What became of a batch.
#[derive(Serialize)]
pub(crate) struct WorkflowBatch {
    results: Vec<WorkflowResult>,
    created: usize,
    failed: usize,
}

/// What became of one of its workflows.
#[derive(Serialize)]
struct WorkflowResult {
    index: usize,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<WorkflowSummary>,
    /// Rules that it breaks and that are no reason to refuse it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<serde_json::Value>,
}

/// What identifies a workflow. Its content is not repeated.
#[derive(Serialize)]
struct WorkflowSummary {
    workflow_id: Uuid,
    workflow_name: String,
    version: String,
    is_latest_version: bool,
    created_at: Timestamp,
}

impl WorkflowBatch {
    /// The answer for `results`, in the order of the request `request_id`.
    pub(crate) fn new(
        results: impl Iterator<Item = Result<WorkflowRecorded, Problem>>,
        request_id: &str,
    ) -> Result<Self, Problem> {
        let mut batch = Self {
            results: Vec::new(),
            created: 0,
            failed: 0,
        };
        for (index, result) in results.enumerate() {
            let result = match result {
                Ok(recorded) => {
                    batch.created += 1;
                    created(index, recorded)
                }
                Err(problem) => {
                    batch.failed += 1;
                    WorkflowResult {
                        index,
                        status: problem.status().as_u16(),
                        workflow: None,
                        warnings: Vec::new(),
                        problem: Some(problem.value(&format!("#/{index}"), request_id)?),
                    }
                }
            };
            batch.results.push(result);
        }
        Ok(batch)
    }
}

fn created(index: usize, recorded: WorkflowRecorded) -> WorkflowResult {
    let WorkflowRecorded { stored, warnings } = recorded;
    let rules = warnings.iter().map(|warning| warning.rule.as_str());
    WorkflowResult {
        index,
        status: http::StatusCode::CREATED.as_u16(),
        warnings: rules.collect(),
        problem: None,
        workflow: Some(WorkflowSummary {
            workflow_id: stored.workflow_id,
            workflow_name: stored.workflow_name,
            version: stored.version,
            is_latest_version: stored.is_latest_version,
            created_at: stored.created_at,
        }),
    }
}
