//! Action traces: bytes → valid actions, or everything that is wrong with them.

mod batch;
mod draft;
mod member;
pub(crate) mod parameter;
mod rules;

use ds_domain::{
    action::{Action, ActionStatus, ActionUpdate, Fraction, Progress},
    limit::{ACTION_TEXT_FIELDS, ACTION_UPDATE_TEXT_FIELDS, TextField},
    time::truncate_to_micros,
};
use jiff::Timestamp;

use crate::{
    Limits, Rejection, Violations, form,
    screen::{self, Screen, Screening},
};

use draft::{Document, Text};

pub use batch::{Actions, parse_actions};
pub use draft::{ActionDraft, ActionUpdateDraft};

/// An action that passed every rule. Only [`validate_action`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidAction {
    action: Action,
    screening: Screening,
}

impl ValidAction {
    /// The action.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// What was found in its texts, and taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// A change that passed every rule. Only [`validate_action_update`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidActionUpdate {
    update: ActionUpdate,
    screening: Screening,
}

impl ValidActionUpdate {
    /// The change.
    pub fn update(&self) -> &ActionUpdate {
        &self.update
    }

    /// What was found in its texts, and taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// Reads and checks one action.
pub fn parse_action(
    body: &[u8],
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidAction, Rejection> {
    let text = std::str::from_utf8(body).ok();
    form::parse(body, limits, draft::ACTION, |draft, found| {
        check_action(draft, text, found, now, limits)
    })
}

/// Checks an action against every rule as of `now`.
pub fn validate_action(
    draft: ActionDraft,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidAction, Violations> {
    check_action(draft, None, Violations::default(), now, limits)
}

/// Reads and checks a change of an action.
pub fn parse_action_update(body: &[u8], limits: &Limits) -> Result<ValidActionUpdate, Rejection> {
    let text = std::str::from_utf8(body).ok();
    form::parse(body, limits, draft::UPDATE, |draft, found| {
        check_update(draft, text, found, limits)
    })
}

/// Checks a change of an action against every rule.
pub fn validate_action_update(
    draft: ActionUpdateDraft,
    limits: &Limits,
) -> Result<ValidActionUpdate, Violations> {
    check_update(draft, None, Violations::default(), limits)
}

fn check_action(
    mut draft: ActionDraft,
    text: Option<&str>,
    mut found: Violations,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidAction, Violations> {
    let mut screening = Screening::default();
    if screen::is_worth_it(text, limits) {
        let mut screen = Screen::new(limits);
        // The id must stay what its sender calls it.
        let texts = draft.texts().into_iter();
        let texts = texts.filter(|(name, _)| *name != "action_id");
        look_at_texts(&mut screen, ACTION_TEXT_FIELDS, texts);
        look_at_documents(&mut screen, draft.documents());
        screening = screen.finish(&mut found);
    }
    // A body that is no object has no members to be missing.
    if !found.has("") {
        rules::check_presence(&mut draft, &mut found);
        rules::check_texts(ACTION_TEXT_FIELDS, draft.texts(), &mut found);
        rules::check_time(draft.action_timestamp, now, limits, &mut found);
        rules::check_fraction("model_confidence", draft.model_confidence, &mut found);
        rules::check_number(
            "workflow_step_number",
            draft.workflow_step_number,
            &mut found,
        );
        rules::check_outcome(&draft.outcome, &mut found);
    }
    judge(found, || {
        let action = action(draft)?;
        Some(ValidAction { action, screening })
    })
}

fn check_update(
    mut draft: ActionUpdateDraft,
    text: Option<&str>,
    mut found: Violations,
    limits: &Limits,
) -> Result<ValidActionUpdate, Violations> {
    let mut screening = Screening::default();
    if screen::is_worth_it(text, limits) {
        let mut screen = Screen::new(limits);
        let texts = draft.texts().into_iter();
        look_at_texts(&mut screen, ACTION_UPDATE_TEXT_FIELDS, texts);
        look_at_documents(&mut screen, draft.documents());
        screening = screen.finish(&mut found);
    }
    if !found.has("") {
        rules::check_texts(ACTION_UPDATE_TEXT_FIELDS, draft.texts(), &mut found);
        rules::check_outcome(&draft, &mut found);
    }
    judge(found, || {
        let (execution_status, progress) = outcome(draft)?;
        let update = ActionUpdate {
            execution_status,
            progress,
        };
        Some(ValidActionUpdate { update, screening })
    })
}

fn look_at_texts<'d>(
    screen: &mut Screen,
    fields: &[TextField],
    texts: impl Iterator<Item = Text<'d>>,
) {
    for (name, text) in texts {
        let field = fields.iter().find(|field| field.name == name);
        if let Some(text) = text {
            screen.text(name, field.and_then(|field| field.chars_max), text);
        }
    }
}

fn look_at_documents(screen: &mut Screen, documents: Vec<Document<'_>>) {
    for (name, document) in documents {
        if let Some(document) = document {
            screen.document(name, document);
        }
    }
}

/// What was made of a draft that breaks no rule.
fn judge<T>(mut found: Violations, complete: impl FnOnce() -> Option<T>) -> Result<T, Violations> {
    if found.is_empty()
        && let Some(valid) = complete()
    {
        return Ok(valid);
    }
    found.sort();
    Err(found)
}

// === complete ===

/// Applies the defaults. `None` when a required member is missing, which the rules have reported.
fn action(draft: ActionDraft) -> Option<Action> {
    let step = draft.workflow_step_number.map(i32::try_from).transpose();
    let (status, progress) = outcome(draft.outcome)?;
    Some(Action {
        action_id: draft.action_id?,
        action_timestamp: truncate_to_micros(draft.action_timestamp?),
        action_history_id: draft.action_history_id,
        correlation_id: non_empty(draft.correlation_id),
        signal_name: draft.signal_name?,
        signal_severity: draft.signal_severity?,
        signal_labels: draft.signal_labels,
        signal_annotations: draft.signal_annotations,
        signal_firing_time: draft.signal_firing_time.map(truncate_to_micros),
        model_used: draft.model_used?,
        routing_tier: non_empty(draft.routing_tier),
        model_confidence: Fraction::nearest(draft.model_confidence?)?,
        model_reasoning: non_empty(draft.model_reasoning),
        alternative_actions: draft.alternative_actions,
        action_type: draft.action_type?,
        action_parameters: draft.action_parameters,
        resource_state_before: draft.resource_state_before,
        incident_type: non_empty(draft.incident_type),
        alert_name: non_empty(draft.alert_name),
        incident_severity: non_empty(draft.incident_severity),
        workflow_id: non_empty(draft.workflow_id),
        workflow_version: non_empty(draft.workflow_version),
        workflow_step_number: step.ok()?,
        workflow_execution_id: non_empty(draft.workflow_execution_id),
        ai_selected_workflow: draft.ai_selected_workflow.unwrap_or(false),
        ai_chained_workflows: draft.ai_chained_workflows.unwrap_or(false),
        ai_manual_escalation: draft.ai_manual_escalation.unwrap_or(false),
        ai_workflow_customization: draft.ai_workflow_customization,
        namespace: non_empty(draft.namespace),
        cluster_name: non_empty(draft.cluster_name),
        environment: non_empty(draft.environment),
        execution_status: status.unwrap_or(ActionStatus::Pending),
        progress,
    })
}

fn outcome(draft: ActionUpdateDraft) -> Option<(Option<ActionStatus>, Progress)> {
    let status = match draft.execution_status {
        Some(word) => Some(ActionStatus::from_word(&word)?),
        None => None,
    };
    let duration = draft.execution_duration_ms.map(i32::try_from).transpose();
    let score = match draft.effectiveness_score {
        Some(number) => Some(Fraction::nearest(number)?),
        None => None,
    };
    let progress = Progress {
        execution_start_time: draft.execution_start_time.map(truncate_to_micros),
        execution_end_time: draft.execution_end_time.map(truncate_to_micros),
        execution_duration_ms: duration.ok()?,
        execution_error: non_empty(draft.execution_error),
        kubernetes_operations: draft.kubernetes_operations,
        resource_state_after: draft.resource_state_after,
        effectiveness_score: score,
        effectiveness_criteria: draft.effectiveness_criteria,
        effectiveness_assessed_at: draft.effectiveness_assessed_at.map(truncate_to_micros),
        effectiveness_assessment_method: non_empty(draft.effectiveness_assessment_method),
        effectiveness_notes: non_empty(draft.effectiveness_notes),
        effectiveness_assessment_due: draft.effectiveness_assessment_due.map(truncate_to_micros),
        follow_up_actions: draft.follow_up_actions,
    };
    Some((status, progress))
}

/// An empty optional text says nothing, and is stored as absent.
fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
