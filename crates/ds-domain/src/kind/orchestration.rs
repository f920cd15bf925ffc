//! Remediation requests and their phases, and what operators do to the store.

use super::{
    ENDED, EventKind, FAILURE, Field, FieldValue::*, PENDING, SUCCESS, flat, kind, optional,
    required, shape, texts,
};
use crate::event::EventCategory::Orchestration;

#[rustfmt::skip]
pub(super) static KINDS: &[EventKind] = &[
    kind(Orchestration, "remediationorchestrator.request.created", &["request_created"], SUCCESS, &[flat(REQUESTED)])
        .says("A remediation was asked for.")
        .such_as(r#"{"remediation_request_id":"rr-71","workflow_id":"wf-71","signal_id":"sig-71","requested_by":"analysis"}"#),
    kind(Orchestration, "remediationorchestrator.phase.transitioned", &["phase_transitioned"], SUCCESS, &[flat(PHASE)])
        .says("A remediation went from one phase to the next.")
        .such_as(r#"{"remediation_request_id":"rr-71","from_phase":"Analyzing","to_phase":"Executing","transition_reason":"approved"}"#),
    kind(Orchestration, "remediationorchestrator.approval.requested", &["approval_requested"], PENDING, &[flat(APPROVAL)])
        .says("A remediation waits for somebody's approval.")
        .such_as(r#"{"remediation_request_id":"rr-71","approval_request_id":"apr-71","risk_level":"medium","requires_approval":true}"#),
    kind(Orchestration, "remediationorchestrator.child.created", &["child_created"], SUCCESS, &[flat(CHILD)])
        .says("A remediation was split: one of its parts was made.")
        .such_as(r#"{"parent_request_id":"rr-71","child_request_id":"rr-71-b","child_reason":"second_step","step_number":3}"#),
    kind(Orchestration, "remediationorchestrator.error.occurred", &["error_occurred"], FAILURE, &[flat(ERROR)])
        .says("A remediation failed.")
        .such_as(r#"{"error_type":"child_timeout","error_message":"deadline","remediation_request_id":"rr-71"}"#),
    kind(Orchestration, "orchestrator.lifecycle.started", &["started"], PENDING, &[shape("controller", STARTED)])
        .says("Work on a remediation request began.")
        .such_as(r#"{"rr_name":"rr-71","namespace":"ops"}"#),
    kind(Orchestration, "orchestrator.phase.transitioned", &["transitioned"], SUCCESS, &[shape("controller", TRANSITION)])
        .says("A remediation request went from one phase to the next.")
        .such_as(r#"{"rr_name":"rr-71","namespace":"ops","from_phase":"Analyzing","to_phase":"Executing"}"#),
    kind(Orchestration, "orchestrator.lifecycle.completed", &["completed"], ENDED, &[shape("controller", COMPLETED)])
        .says("Work on a remediation request has ended.")
        .such_as(r#"{"rr_name":"rr-71","namespace":"ops","outcome":"Remediated","duration_ms":73000}"#),
    kind(Orchestration, "orchestrator.approval.requested", &["approval_requested"], &[crate::event::EventOutcome::Success, crate::event::EventOutcome::Pending], &[shape("controller", DECISION)])
        .says("An approval request was made.")
        .such_as(r#"{"rar_name":"rar-71","rr_name":"rr-71","namespace":"ops","required_by":"2026-01-05T09:00:00Z","workflow_id":"wf-71","confidence":"0.77"}"#),
    kind(Orchestration, "orchestrator.approval.approved", &["approved"], SUCCESS, &[shape("controller", DECISION)])
        .says("An approval request was approved.")
        .such_as(r#"{"rar_name":"rar-71","rr_name":"rr-71","namespace":"ops","decision":"Approved","decided_by":"duty@example.org"}"#),
    kind(Orchestration, "orchestrator.approval.rejected", &["rejected"], FAILURE, &[shape("controller", DECISION)])
        .says("An approval request was rejected.")
        .such_as(r#"{"rar_name":"rar-71","rr_name":"rr-71","namespace":"ops","decision":"Rejected","decided_by":"duty@example.org"}"#),
    kind(Orchestration, "orchestrator.approval.expired", &["expired"], FAILURE, &[shape("controller", DECISION)])
        .says("Nobody decided on an approval request in time.")
        .such_as(r#"{"rar_name":"rar-71","rr_name":"rr-71","namespace":"ops","decision":"Expired","decided_by":"system"}"#),
    kind(Orchestration, "orchestrator.remediation.manual_review", &["manual_review_required", "manual_review"], PENDING, &[shape("controller", REVIEW)])
        .says("A remediation request needs a human.")
        .such_as(r#"{"rr_name":"rr-71","namespace":"ops","reason":"WorkflowResolutionFailed","sub_reason":"LowConfidence"}"#),
    kind(Orchestration, "orchestrator.routing.blocked", &["blocked"], PENDING, &[shape("controller", BLOCKED)])
        .says("A remediation request has to wait for something else.")
        .such_as(r#"{"block_reason":"RecentlyRemediated","block_message":"cooldown","from_phase":"Analyzing","to_phase":"Blocked","workflow_id":"wf-71","target_resource":"shop/deployment/cart","requeue_after_seconds":300}"#),
    kind(Orchestration, "datastorage.dlq.inspected", &["inspected"], SUCCESS, &[shape("datastorage", INSPECTED)])
        .says("An operator looked at the backlogs.")
        .such_as(r#"{"queue_entries":0,"spool_entries":null}"#),
    kind(Orchestration, "datastorage.dead_letter.listed", &["listed"], ENDED, &[shape("datastorage", LISTED)])
        .says("An operator looked at the dead letters.")
        .such_as(r#"{"after":null,"limit":50,"count":2}"#),
    kind(Orchestration, "datastorage.dead_letter.replayed", &["replayed"], PENDING, LETTERS)
        .says("An operator let dead letters wait for the store again.")
        .such_as(r#"{"event_id":"0193f3a1-0000-7000-8000-000000000071","reason":"parent event does not exist","buried_at":"2026-01-05T08:00:00Z"}"#),
    kind(Orchestration, "datastorage.dead_letter.purged", &["purged"], PENDING, LETTERS)
        .says("An operator removed dead letters for good.")
        .such_as(r#"{"stream":"audit:dlq:events","all":false,"limit":null,"ids":["1-0"],"count":1}"#),
];

const REQUESTED: &[Field] = texts![
    "remediation_request_id",
    "workflow_id",
    "signal_id",
    "requested_by"
];

const PHASE: &[Field] = texts![
    "remediation_request_id",
    "from_phase",
    "to_phase",
    "transition_reason"
];

const APPROVAL: &[Field] = &[
    required("remediation_request_id", Text),
    required("approval_request_id", Text),
    required("risk_level", Text),
    required("requires_approval", Boolean),
];

const CHILD: &[Field] = &[
    required("parent_request_id", Text),
    required("child_request_id", Text),
    required("child_reason", Text),
    required("step_number", Integer),
];

const ERROR: &[Field] = texts!["error_type", "error_message", "remediation_request_id"];

const STARTED: &[Field] = texts!["rr_name", "namespace"];

const TRANSITION: &[Field] = texts!["rr_name", "namespace", "from_phase", "to_phase"];

const COMPLETED: &[Field] = &[
    required("rr_name", Text),
    required("namespace", Text),
    required("outcome", Text),
    required("duration_ms", Integer),
    optional("failure_phase", Text),
    optional("failure_reason", Text),
];

const DECISION: &[Field] = &[
    required("rar_name", Text),
    required("rr_name", Text),
    required("namespace", Text),
    optional("decision", Text),
    optional("decided_by", Text),
    optional("message", Text),
    optional("required_by", Text),
    optional("workflow_id", Text),
    // A text, as the sender formats it.
    optional("confidence", Text),
];

const REVIEW: &[Field] = &[
    required("rr_name", Text),
    required("namespace", Text),
    required("reason", Text),
    optional("sub_reason", Text),
    optional("notification_name", Text),
];

const BLOCKED: &[Field] = &[
    required("block_reason", Text),
    required("block_message", Text),
    required("from_phase", Text),
    required("to_phase", Text),
    required("target_resource", Text),
    required("requeue_after_seconds", Integer),
    optional("workflow_id", Text),
    optional("blocked_until", Text),
    optional("blocking_wfe", Text),
    optional("duplicate_of", Text),
    optional("consecutive_failures", Integer),
    optional("backoff_seconds", Integer),
];

const INSPECTED: &[Field] = &[
    optional("queue_entries", Integer),
    optional("spool_entries", Integer),
];

const LISTED: &[Field] = &[
    required("limit", Integer),
    required("count", Integer),
    optional("after", Text),
];

/// One over HTTP, or many by the command.
const LETTERS: &[super::Shape] = &[
    shape(
        "datastorage",
        &[
            required("reason", Text),
            required("buried_at", Text),
            optional("event_id", Text),
        ],
    ),
    shape(
        "command",
        &[
            required("stream", Text),
            required("all", Boolean),
            required("ids", Texts),
            required("count", Integer),
            optional("limit", Integer),
        ],
    ),
];
