//! The JSON of actions.

use ds_domain::{
    action::{Progress, Revision, StoredAction},
    json::JsonObject,
};
use ds_ingest::ActionRecorded;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// Declares an element that borrows from an action; members without a value are left out.
macro_rules! optional_members {
    (
        $(#[$doc:meta])*
        $name:ident { $($member:ident: $kind:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Serialize)]
        struct $name<'a> {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                $member: Option<$kind>,
            )+
        }
    };
}

optional_members! {
    /// What else is known about an action.
    Details {
        action_history_id: i64,
        correlation_id: &'a str,
        signal_labels: &'a RawValue,
        signal_annotations: &'a RawValue,
        signal_firing_time: Timestamp,
        routing_tier: &'a str,
        model_reasoning: &'a str,
        alternative_actions: &'a RawValue,
        action_parameters: &'a RawValue,
        resource_state_before: &'a RawValue,
        incident_type: &'a str,
        alert_name: &'a str,
        incident_severity: &'a str,
        workflow_id: &'a str,
        workflow_version: &'a str,
        workflow_step_number: i32,
        workflow_execution_id: &'a str,
        ai_workflow_customization: &'a RawValue,
        namespace: &'a str,
        cluster_name: &'a str,
        environment: &'a str,
    }
}

optional_members! {
    /// What became of it.
    Outcome {
        execution_start_time: Timestamp,
        execution_end_time: Timestamp,
        execution_duration_ms: i32,
        execution_error: &'a str,
        kubernetes_operations: &'a RawValue,
        resource_state_after: &'a RawValue,
        effectiveness_score: f64,
        effectiveness_criteria: &'a RawValue,
        effectiveness_assessed_at: Timestamp,
        effectiveness_assessment_method: &'a str,
        effectiveness_notes: &'a str,
        effectiveness_assessment_due: Timestamp,
        follow_up_actions: &'a RawValue,
    }
}

impl<'a> Outcome<'a> {
    fn new(progress: &'a Progress) -> Result<Self, Problem> {
        Ok(Self {
            execution_start_time: progress.execution_start_time,
            execution_end_time: progress.execution_end_time,
            execution_duration_ms: progress.execution_duration_ms,
            execution_error: progress.execution_error.as_deref(),
            kubernetes_operations: raw(progress.kubernetes_operations.as_ref())?,
            resource_state_after: raw(progress.resource_state_after.as_ref())?,
            effectiveness_score: progress.effectiveness_score.map(|score| score.as_f64()),
            effectiveness_criteria: raw(progress.effectiveness_criteria.as_ref())?,
            effectiveness_assessed_at: progress.effectiveness_assessed_at,
            effectiveness_assessment_method: progress.effectiveness_assessment_method.as_deref(),
            effectiveness_notes: progress.effectiveness_notes.as_deref(),
            effectiveness_assessment_due: progress.effectiveness_assessment_due,
            follow_up_actions: raw(progress.follow_up_actions.as_ref())?,
        })
    }
}

/// An action as it is stored.
#[derive(Serialize)]
pub(crate) struct ActionElement<'a> {
    id: i64,
    action_id: &'a str,
    action_timestamp: Timestamp,
    signal_name: &'a str,
    signal_severity: &'a str,
    model_used: &'a str,
    model_confidence: f64,
    action_type: &'a str,
    #[serde(flatten)]
    details: Details<'a>,
    ai_selected_workflow: bool,
    ai_chained_workflows: bool,
    ai_manual_escalation: bool,
    execution_status: &'static str,
    #[serde(flatten)]
    outcome: Outcome<'a>,
    revision: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> ActionElement<'a> {
    /// The element for `stored`.
    pub(crate) fn new(stored: &'a StoredAction) -> Result<Self, Problem> {
        let action = &stored.action;
        Ok(Self {
            id: stored.id,
            action_id: &action.action_id,
            action_timestamp: action.action_timestamp,
            signal_name: &action.signal_name,
            signal_severity: &action.signal_severity,
            model_used: &action.model_used,
            model_confidence: action.model_confidence.as_f64(),
            action_type: &action.action_type,
            details: Details {
                action_history_id: action.action_history_id,
                correlation_id: action.correlation_id.as_deref(),
                signal_labels: raw(action.signal_labels.as_ref())?,
                signal_annotations: raw(action.signal_annotations.as_ref())?,
                signal_firing_time: action.signal_firing_time,
                routing_tier: action.routing_tier.as_deref(),
                model_reasoning: action.model_reasoning.as_deref(),
                alternative_actions: raw(action.alternative_actions.as_ref())?,
                action_parameters: raw(action.action_parameters.as_ref())?,
                resource_state_before: raw(action.resource_state_before.as_ref())?,
                incident_type: action.incident_type.as_deref(),
                alert_name: action.alert_name.as_deref(),
                incident_severity: action.incident_severity.as_deref(),
                workflow_id: action.workflow_id.as_deref(),
                workflow_version: action.workflow_version.as_deref(),
                workflow_step_number: action.workflow_step_number,
                workflow_execution_id: action.workflow_execution_id.as_deref(),
                ai_workflow_customization: raw(action.ai_workflow_customization.as_ref())?,
                namespace: action.namespace.as_deref(),
                cluster_name: action.cluster_name.as_deref(),
                environment: action.environment.as_deref(),
            },
            ai_selected_workflow: action.ai_selected_workflow,
            ai_chained_workflows: action.ai_chained_workflows,
            ai_manual_escalation: action.ai_manual_escalation,
            execution_status: action.execution_status.as_str(),
            outcome: Outcome::new(&action.progress)?,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        })
    }
}

/// An action with what was known of it before.
#[derive(Serialize)]
pub(crate) struct ActionDetail<'a> {
    #[serde(flatten)]
    action: ActionElement<'a>,
    revisions: Vec<RevisionElement<'a>>,
}

impl<'a> ActionDetail<'a> {
    /// The answer for `stored`, which was changed after these revisions.
    pub(crate) fn new(
        stored: &'a StoredAction,
        revisions: &'a [Revision],
    ) -> Result<Self, Problem> {
        let revisions = revisions.iter().map(RevisionElement::new);
        Ok(Self {
            action: ActionElement::new(stored)?,
            revisions: revisions.collect::<Result<_, _>>()?,
        })
    }
}

/// What was known of an action before a change.
#[derive(Serialize)]
struct RevisionElement<'a> {
    revision: i32,
    execution_status: &'static str,
    #[serde(flatten)]
    outcome: Outcome<'a>,
    superseded_at: Timestamp,
}

impl<'a> RevisionElement<'a> {
    fn new(revision: &'a Revision) -> Result<Self, Problem> {
        Ok(Self {
            revision: revision.revision,
            execution_status: revision.execution_status.as_str(),
            outcome: Outcome::new(&revision.progress)?,
            superseded_at: revision.superseded_at,
        })
    }
}

/// One action was recorded.
#[derive(Serialize)]
pub(crate) struct ActionCreated<'a> {
    #[serde(flatten)]
    receipt: Receipt<'a>,
    message: &'static str,
    status: &'static str,
}

/// Several actions were recorded.
#[derive(Serialize)]
pub(crate) struct ActionsCreated<'a> {
    actions: Vec<Receipt<'a>>,
    message: String,
    status: &'static str,
}

/// Which action was recorded, and as what.
#[derive(Serialize)]
struct Receipt<'a> {
    id: i64,
    action_id: &'a str,
    action_timestamp: Timestamp,
    created_at: Timestamp,
}

impl<'a> Receipt<'a> {
    fn new(recorded: &'a ActionRecorded) -> Self {
        Self {
            id: recorded.id,
            action_id: &recorded.action_id,
            action_timestamp: recorded.action_timestamp,
            created_at: recorded.created_at,
        }
    }
}

impl<'a> ActionCreated<'a> {
    /// The answer for `recorded`.
    pub(crate) fn new(recorded: &'a ActionRecorded) -> Self {
        Self {
            receipt: Receipt::new(recorded),
            message: "action trace created successfully",
            status: "created",
        }
    }
}

impl<'a> ActionsCreated<'a> {
    /// The answer for `recorded`, in the order of the request.
    pub(crate) fn new(recorded: &'a [ActionRecorded]) -> Self {
        Self {
            actions: recorded.iter().map(Receipt::new).collect(),
            message: format!("{} action traces created successfully", recorded.len()),
            status: "created",
        }
    }
}

/// The text as it is: never read into numbers, so none can change.
fn raw(document: Option<&JsonObject>) -> Result<Option<&RawValue>, Problem> {
    let raw = document.map(|document| serde_json::from_str(document.as_str()));
    raw.transpose().map_err(Problem::unwritable)
}
