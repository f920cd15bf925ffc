//! Actions as their senders wrote them, and how each member is read.

use ds_domain::json::JsonObject;
use jiff::Timestamp;

use super::member::{fraction, list};
use crate::{
    form::{Field, nullable, required},
    member::{boolean, date_time, integer, object, past_time, string},
};

/// An action as its sender wrote it: shaped, but not yet checked. `None` is an absent member.
#[derive(Clone, Debug, Default)]
#[expect(
    missing_docs,
    reason = "the members are those of `ds_domain::action::Action`"
)]
pub struct ActionDraft {
    pub action_id: Option<String>,
    pub action_timestamp: Option<Timestamp>,
    pub action_history_id: Option<i64>,
    pub correlation_id: Option<String>,
    pub signal_name: Option<String>,
    pub signal_severity: Option<String>,
    pub signal_labels: Option<JsonObject>,
    pub signal_annotations: Option<JsonObject>,
    pub signal_firing_time: Option<Timestamp>,
    pub model_used: Option<String>,
    pub routing_tier: Option<String>,
    pub model_confidence: Option<f64>,
    pub model_reasoning: Option<String>,
    pub alternative_actions: Option<JsonObject>,
    pub action_type: Option<String>,
    pub action_parameters: Option<JsonObject>,
    pub resource_state_before: Option<JsonObject>,
    pub incident_type: Option<String>,
    pub alert_name: Option<String>,
    pub incident_severity: Option<String>,
    pub workflow_id: Option<String>,
    pub workflow_version: Option<String>,
    pub workflow_step_number: Option<i64>,
    pub workflow_execution_id: Option<String>,
    pub ai_selected_workflow: Option<bool>,
    pub ai_chained_workflows: Option<bool>,
    pub ai_manual_escalation: Option<bool>,
    pub ai_workflow_customization: Option<JsonObject>,
    pub namespace: Option<String>,
    pub cluster_name: Option<String>,
    pub environment: Option<String>,
    /// What became of it so far.
    pub outcome: ActionUpdateDraft,
}

/// What became of an action, likewise.
#[derive(Clone, Debug, Default)]
#[expect(
    missing_docs,
    reason = "the members are those of `ds_domain::action::Progress`"
)]
pub struct ActionUpdateDraft {
    pub execution_status: Option<String>,
    pub execution_start_time: Option<Timestamp>,
    pub execution_end_time: Option<Timestamp>,
    pub execution_duration_ms: Option<i64>,
    pub execution_error: Option<String>,
    pub kubernetes_operations: Option<JsonObject>,
    pub resource_state_after: Option<JsonObject>,
    pub effectiveness_score: Option<f64>,
    pub effectiveness_criteria: Option<JsonObject>,
    pub effectiveness_assessed_at: Option<Timestamp>,
    pub effectiveness_assessment_method: Option<String>,
    pub effectiveness_notes: Option<String>,
    pub effectiveness_assessment_due: Option<Timestamp>,
    pub follow_up_actions: Option<JsonObject>,
}

/// The table of members: whether `null` may be sent, the name, how it is read, and where it goes.
macro_rules! members {
    ($($rule:ident $name:ident: $read:ident $(in $part:ident)?,)+) => {
        &[$($rule(stringify!($name), |name, value, draft| {
            $read(name, value).map(|it| draft.$($part.)?$name = Some(it.into()))
        })),+]
    };
}

/// The members of an action.
pub(super) const ACTION: &[Field<ActionDraft>] = members! {
    required action_id: string,
    required action_timestamp: past_time,
    required signal_name: string,
    required signal_severity: string,
    required model_used: string,
    required model_confidence: fraction,
    required action_type: string,
    nullable action_history_id: integer,
    nullable correlation_id: string,
    nullable signal_labels: object,
    nullable signal_annotations: object,
    nullable signal_firing_time: date_time,
    nullable routing_tier: string,
    nullable model_reasoning: string,
    nullable alternative_actions: list,
    nullable action_parameters: object,
    nullable resource_state_before: object,
    nullable incident_type: string,
    nullable alert_name: string,
    nullable incident_severity: string,
    nullable workflow_id: string,
    nullable workflow_version: string,
    nullable workflow_step_number: integer,
    nullable workflow_execution_id: string,
    nullable ai_selected_workflow: boolean,
    nullable ai_chained_workflows: boolean,
    nullable ai_manual_escalation: boolean,
    nullable ai_workflow_customization: object,
    nullable namespace: string,
    nullable cluster_name: string,
    nullable environment: string,
    nullable execution_status: string in outcome,
    nullable execution_start_time: date_time in outcome,
    nullable execution_end_time: date_time in outcome,
    nullable execution_duration_ms: integer in outcome,
    nullable execution_error: string in outcome,
    nullable kubernetes_operations: list in outcome,
    nullable resource_state_after: object in outcome,
    nullable effectiveness_score: fraction in outcome,
    nullable effectiveness_criteria: object in outcome,
    nullable effectiveness_assessed_at: date_time in outcome,
    nullable effectiveness_assessment_method: string in outcome,
    nullable effectiveness_notes: string in outcome,
    nullable effectiveness_assessment_due: date_time in outcome,
    nullable follow_up_actions: list in outcome,
};

/// The members of a change.
pub(super) const UPDATE: &[Field<ActionUpdateDraft>] = members! {
    nullable execution_status: string,
    nullable execution_start_time: date_time,
    nullable execution_end_time: date_time,
    nullable execution_duration_ms: integer,
    nullable execution_error: string,
    nullable kubernetes_operations: list,
    nullable resource_state_after: object,
    nullable effectiveness_score: fraction,
    nullable effectiveness_criteria: object,
    nullable effectiveness_assessed_at: date_time,
    nullable effectiveness_assessment_method: string,
    nullable effectiveness_notes: string,
    nullable effectiveness_assessment_due: date_time,
    nullable follow_up_actions: list,
};

/// A text of a draft.
pub(super) type Text<'d> = (&'static str, &'d mut Option<String>);

/// A payload of a draft.
pub(super) type Document<'d> = (&'static str, &'d mut Option<JsonObject>);

/// Pairs of a member's name and its place.
macro_rules! places {
    ($draft:ident: $($name:ident),+ $(,)?) => { vec![$((stringify!($name), &mut $draft.$name)),+] };
}

impl ActionDraft {
    /// Its texts, by name.
    #[rustfmt::skip]
    pub(super) fn texts(&mut self) -> Vec<Text<'_>> {
        let mut texts = places!(self:
            action_id, signal_name, signal_severity, model_used, action_type, correlation_id,
            routing_tier, model_reasoning, incident_type, alert_name, incident_severity, workflow_id,
            workflow_version, workflow_execution_id, namespace, cluster_name, environment,
        );
        texts.extend(self.outcome.texts());
        texts
    }

    /// Its payloads, by name.
    #[rustfmt::skip]
    pub(super) fn documents(&mut self) -> Vec<Document<'_>> {
        let mut documents = places!(self:
            signal_labels, signal_annotations, alternative_actions, action_parameters,
            resource_state_before, ai_workflow_customization,
        );
        documents.extend(self.outcome.documents());
        documents
    }
}

impl ActionUpdateDraft {
    /// Its texts, by name.
    #[rustfmt::skip]
    pub(super) fn texts(&mut self) -> Vec<Text<'_>> {
        places!(self:
            execution_status, execution_error, effectiveness_assessment_method, effectiveness_notes,
        )
    }

    /// Its payloads, by name.
    #[rustfmt::skip]
    pub(super) fn documents(&mut self) -> Vec<Document<'_>> {
        places!(self:
            kubernetes_operations, resource_state_after, effectiveness_criteria, follow_up_actions,
        )
    }
}
