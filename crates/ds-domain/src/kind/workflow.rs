//! Catalogue and runs of remediation workflows.

use super::{
    ENDED, EventKind, FAILURE, Field, FieldValue::*, SUCCESS, Shape, flat, kind, optional,
    required, shape,
};
use crate::event::EventCategory::Workflow;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(Workflow, "workflow.catalog.search_completed", &["search_completed"], SUCCESS, &[flat(SEARCHED), shape("datastorage", SEARCH)])
        .says("The workflow catalogue was searched.")
        .such_as(r#"{"query_filters":{"signal_type":"OOMKilled","severity":"high","component":"pod"},"results_count":4,"top_match_id":"wf-71","top_match_score":0.53,"duration_ms":7}"#),
    kind(Workflow, "workflow.started", STARTED, SUCCESS, &[shape("controller", RUN), BUILDER])
        .says("A workflow began to run.")
        .such_as(r#"{"workflow_id":"wf-71","workflow_version":"1.2.0","target_resource":"shop/deployment/cart","phase":"Pending","container_image":"registry.example.org/raise-limit:1.2.0","execution_name":"we-71"}"#),
    kind(Workflow, "workflow.completed", COMPLETED, ENDED, &[shape("controller", RUN), BUILDER])
        .says("A workflow has run to its end.")
        .such_as(r#"{"workflow_id":"wf-71","workflow_version":"1.2.0","target_resource":"shop/deployment/cart","phase":"Completed","container_image":"registry.example.org/raise-limit:1.2.0","execution_name":"we-71","started_at":"2026-01-05T08:01:00Z","completed_at":"2026-01-05T08:02:10Z","duration":"1m10s"}"#),
    kind(Workflow, "workflow.failed", FAILED, FAILURE, &[shape("controller", RUN), BUILDER])
        .says("A workflow failed.")
        .such_as(r#"{"workflow_id":"wf-71","workflow_version":"1.2.0","target_resource":"shop/deployment/cart","phase":"Failed","container_image":"registry.example.org/raise-limit:1.2.0","execution_name":"we-71","failure_reason":"TaskFailed","failed_task_name":"patch"}"#),
    kind(Workflow, "datastorage.workflow.created", &["create"], SUCCESS, &[shape("envelope", CREATED_ENVELOPE), shape("datastorage", CREATED)])
        .says("A workflow was added to the catalogue.")
        .such_as(r#"{"version":"1.0","service":"datastorage","operation":"workflow_created","status":"success","payload":{"workflow_id":"0193f3a1-0000-7000-8000-000000000071","workflow_name":"raise-limit","version":"1.2.0","status":"active","is_latest_version":true,"execution_engine":"tekton","name":"Raise limit","description":"Raises a memory limit","labels":{"severity":"high"}}}"#),
    kind(Workflow, "datastorage.workflow.updated", &["update"], SUCCESS, &[shape("envelope", UPDATED_ENVELOPE), shape("datastorage", UPDATED)])
        .says("A workflow of the catalogue was changed or disabled.")
        .such_as(r#"{"version":"1.0","service":"datastorage","operation":"workflow_updated","status":"success","payload":{"workflow_id":"0193f3a1-0000-7000-8000-000000000071","updated_fields":{"status":"disabled","disabled_by":"ops","disabled_reason":"superseded"}}}"#),
];

/// Runs name the last part of their type, or all of it.
const STARTED: &[&str] = &["started", "workflow.started"];
const COMPLETED: &[&str] = &["completed", "workflow.completed"];
const FAILED: &[&str] = &["failed", "workflow.failed"];

const SEARCHED: &[Field] = &[
    required("query_filters", Object(FILTERS)),
    required("results_count", Integer),
    required("top_match_id", Text),
    required("top_match_score", Number),
    required("duration_ms", Integer),
];

const FILTERS: &[Field] = &[
    optional("signal_type", Text),
    optional("severity", Text),
    optional("component", Text),
];

/// What this service sends itself.
const SEARCH: &[Field] = &[
    required(
        "query",
        Object(&[
            required("top_k", Integer),
            optional("min_score", Number),
            optional("filters", Object(&[])),
        ]),
    ),
    required(
        "results",
        Object(&[
            required("total_found", Integer),
            required("returned", Integer),
            optional("workflows", Objects),
        ]),
    ),
    required(
        "search_metadata",
        Object(&[
            required("duration_ms", Integer),
            optional("embedding_dimensions", Integer),
            optional("embedding_model", Text),
        ]),
    ),
];

const RUN: &[Field] = &[
    required("workflow_id", Text),
    required("workflow_version", Text),
    required("target_resource", Text),
    required("phase", Text),
    required("container_image", Text),
    required("execution_name", Text),
    optional("started_at", Text),
    optional("completed_at", Text),
    optional("duration", Text),
    optional("failure_reason", Text),
    optional("failure_message", Text),
    optional("failed_task_name", Text),
    optional("pipelinerun_name", Text),
];

/// The envelope of the builder for runs.
const BUILDER: Shape = shape(
    "builder",
    &[
        required("version", Text),
        required("service", Text),
        required("event_type", Text),
        required("timestamp", Text),
        required("data", Object(&[required("workflow", Object(BUILT))])),
    ],
);

const BUILT: &[Field] = &[
    required("workflow_id", Text),
    required("approval_required", Boolean),
    optional("execution_id", Text),
    optional("phase", Text),
    optional("current_step", Integer),
    optional("total_steps", Integer),
    optional("step_name", Text),
    optional("duration_ms", Integer),
    optional("outcome", Text),
    optional("approval_decision", Text),
    optional("approver", Text),
    optional("error_message", Text),
];

/// Envelope and payload, as changes of the catalogue are written.
macro_rules! envelope {
    ($payload:expr) => {
        &[
            required("version", Text),
            required("service", Text),
            required("operation", Text),
            required("status", Text),
            required("payload", Object($payload)),
            optional("source_payload", Any),
        ]
    };
}

const CREATED_ENVELOPE: &[Field] = envelope!(CREATED);
const UPDATED_ENVELOPE: &[Field] = envelope!(UPDATED);

const CREATED: &[Field] = &[
    required("workflow_id", Text),
    required("workflow_name", Text),
    required("version", Text),
    required("status", Text),
    required("is_latest_version", Boolean),
    required("execution_engine", Text),
    required("name", Text),
    optional("description", Text),
    optional("labels", Object(&[])),
];

const UPDATED: &[Field] = &[
    required("workflow_id", Text),
    required(
        "updated_fields",
        Object(&[
            optional("status", Text),
            optional("disabled_by", Text),
            optional("disabled_reason", Text),
        ]),
    ),
];
