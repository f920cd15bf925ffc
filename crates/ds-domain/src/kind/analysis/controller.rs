//! What the controller of analyses sends.

use crate::{
    event::EventCategory::Analysis,
    kind::{
        ENDED, EventKind, FAILURE, Field, FieldValue::*, SUCCESS, kind, optional, required, shape,
        texts,
    },
};

#[rustfmt::skip]
pub(in crate::kind) static KINDS: &[EventKind] = &[
    kind(Analysis, "aianalysis.analysis.completed", &["analysis_complete"], ENDED, &[shape("controller", COMPLETED)])
        .says("An analysis has ended.")
        .such_as(r#"{"phase":"Completed","approval_required":true,"approval_reason":"production","degraded_mode":false,"warnings_count":0,"confidence":0.77,"workflow_id":"wf-71","target_in_owner_chain":true}"#),
    kind(Analysis, "aianalysis.phase.transition", &["phase_transition"], SUCCESS, &[shape("controller", TRANSITION)])
        .says("An analysis went from one phase to the next.")
        .such_as(r#"{"old_phase":"Investigating","new_phase":"Analyzing"}"#),
    kind(Analysis, "aianalysis.holmesgpt.call", &["holmesgpt_call"], ENDED, &[shape("controller", CALL)])
        .says("The agent that talks to models was called.")
        .such_as(r#"{"endpoint":"/api/v1/incident/analyze","http_status_code":200,"duration_ms":1710}"#),
    kind(Analysis, "aianalysis.approval.decision", &["approval_decision"], ENDED, &[shape("controller", APPROVAL)])
        .says("It was decided whether somebody must approve.")
        .such_as(r#"{"approval_required":true,"approval_reason":"production","auto_approved":false,"decision":"requires_approval","reason":"policy","environment":"production","confidence":0.77,"workflow_id":"wf-71"}"#),
    kind(Analysis, "aianalysis.rego.evaluation", &["policy_evaluation"], ENDED, &[shape("controller", POLICY)])
        .says("The approval policy was evaluated.")
        .such_as(r#"{"outcome":"requires_approval","degraded":false,"duration_ms":3,"reason":"production"}"#),
    kind(Analysis, "aianalysis.error.occurred", &["error"], FAILURE, &[shape("controller", ERROR)])
        .says("An analysis failed in one of its phases.")
        .such_as(r#"{"phase":"Investigating","error_message":"deadline exceeded"}"#),
];

const COMPLETED: &[Field] = &[
    required("phase", Text),
    required("approval_required", Boolean),
    required("degraded_mode", Boolean),
    required("warnings_count", Integer),
    optional("approval_reason", Text),
    optional("confidence", Number),
    optional("workflow_id", Text),
    optional("target_in_owner_chain", Boolean),
    optional("reason", Text),
    optional("sub_reason", Text),
];

const TRANSITION: &[Field] = texts!["old_phase", "new_phase"];

const CALL: &[Field] = &[
    required("endpoint", Text),
    required("http_status_code", Integer),
    required("duration_ms", Integer),
];

const APPROVAL: &[Field] = &[
    required("approval_required", Boolean),
    required("approval_reason", Text),
    required("auto_approved", Boolean),
    required("decision", Text),
    required("reason", Text),
    required("environment", Text),
    optional("confidence", Number),
    optional("workflow_id", Text),
];

const POLICY: &[Field] = &[
    required("outcome", Text),
    required("degraded", Boolean),
    required("duration_ms", Integer),
    optional("reason", Text),
];

/// Some versions call the text `error`, others `error_message`.
const ERROR: &[Field] = &[
    required("phase", Text),
    optional("error", Text),
    optional("error_message", Text),
];
