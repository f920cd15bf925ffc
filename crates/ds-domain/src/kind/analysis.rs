//! Root cause analysis and effectiveness.

pub(super) mod agent;
pub(super) mod controller;

use super::{
    EventKind, FAILURE, Field, FieldValue::*, PENDING, SUCCESS, Shape, flat, kind, optional,
    required, shape, texts,
};
use crate::event::EventCategory::Analysis;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(Analysis, "analysis.investigation.started", &["started"], PENDING, &[flat(STARTED), BUILDER])
        .says("A model is asked for the root cause of a signal.")
        .such_as(r#"{"analysis_id":"an-71","signal_id":"sig-71","llm_provider":"local","llm_model":"m-small","prompt_tokens":900}"#),
    kind(Analysis, "analysis.investigation.completed", &["completed"], SUCCESS, &[flat(COMPLETED), BUILDER])
        .says("A model has named a root cause.")
        .such_as(r#"{"analysis_id":"an-71","rca_summary":"limit below working set","confidence":0.77,"duration_ms":1710,"completion_tokens":240}"#),
    kind(Analysis, "analysis.recommendation.generated", &["generated"], SUCCESS, &[flat(RECOMMENDED), BUILDER])
        .says("A workflow was recommended.")
        .such_as(r#"{"analysis_id":"an-71","workflow_matched":"raise-limit","workflow_score":0.52,"recommendation":"raise memory limit"}"#),
    kind(Analysis, "analysis.approval.required", &["required"], PENDING, &[flat(APPROVAL), BUILDER])
        .says("A recommendation waits for somebody's approval.")
        .such_as(r#"{"analysis_id":"an-71","approval_reason":"prod_change","risk_level":"medium","estimated_impact":"pod_restart","approval_request_id":"apr-71"}"#),
    kind(Analysis, "analysis.error.occurred", &["error_occurred"], FAILURE, &[flat(ERROR), BUILDER])
        .says("An analysis failed.")
        .such_as(r#"{"error_type":"model_unavailable","error_message":"503","analysis_id":"an-71"}"#),
    kind(Analysis, "effectivenessmonitor.evaluation.started", &["started"], PENDING, &[flat(EVALUATION_STARTED)])
        .says("The effect of a remediation is being watched.")
        .such_as(r#"{"evaluation_id":"ev-71","remediation_request_id":"rr-71","workflow_id":"wf-71","evaluation_window_min":10}"#),
    kind(Analysis, "effectivenessmonitor.evaluation.completed", &["completed"], SUCCESS, &[flat(EVALUATED)])
        .says("The effect of a remediation is known.")
        .such_as(r#"{"evaluation_id":"ev-71","effectiveness_score":0.66,"issue_resolved":true,"signal_count_before":12,"signal_count_after":1}"#),
    kind(Analysis, "effectivenessmonitor.playbook.updated", &["playbook_updated"], SUCCESS, &[flat(PLAYBOOK)])
        .says("The confidence in a workflow changed with its effects.")
        .such_as(r#"{"workflow_id":"wf-71","confidence_delta":-0.02,"new_confidence":0.75,"update_reason":"weak_result"}"#),
];

const STARTED: &[Field] = &[
    required("analysis_id", Text),
    required("signal_id", Text),
    required("llm_provider", Text),
    required("llm_model", Text),
    required("prompt_tokens", Integer),
];

const COMPLETED: &[Field] = &[
    required("analysis_id", Text),
    required("rca_summary", Text),
    required("confidence", Number),
    required("duration_ms", Integer),
    required("completion_tokens", Integer),
];

const RECOMMENDED: &[Field] = &[
    required("analysis_id", Text),
    required("workflow_matched", Text),
    required("workflow_score", Number),
    required("recommendation", Text),
];

const APPROVAL: &[Field] = texts![
    "analysis_id",
    "approval_reason",
    "risk_level",
    "estimated_impact",
    "approval_request_id",
];

const ERROR: &[Field] = texts!["error_type", "error_message", "analysis_id"];

const EVALUATION_STARTED: &[Field] = &[
    required("evaluation_id", Text),
    required("remediation_request_id", Text),
    required("workflow_id", Text),
    required("evaluation_window_min", Integer),
];

const EVALUATED: &[Field] = &[
    required("evaluation_id", Text),
    required("effectiveness_score", Number),
    required("issue_resolved", Boolean),
    required("signal_count_before", Integer),
    required("signal_count_after", Integer),
];

const PLAYBOOK: &[Field] = &[
    required("workflow_id", Text),
    required("confidence_delta", Number),
    required("new_confidence", Number),
    required("update_reason", Text),
];

/// The envelope of the builder for analyses.
const BUILDER: Shape = shape(
    "builder",
    &[
        required("version", Text),
        required("service", Text),
        required("event_type", Text),
        required("timestamp", Text),
        required("data", Object(&[required("ai_analysis", Object(BUILT))])),
    ],
);

const BUILT: &[Field] = &[
    required("analysis_id", Text),
    required("prompt_tokens", Integer),
    required("completion_tokens", Integer),
    required("total_tokens", Integer),
    optional("llm_provider", Text),
    optional("llm_model", Text),
    optional("duration_ms", Integer),
    optional("rca_signal_type", Text),
    optional("rca_severity", Text),
    optional("confidence", Number),
    optional("workflow_id", Text),
    optional("tools_invoked", Texts),
    optional("error_code", Text),
];
