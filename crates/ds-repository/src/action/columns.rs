//! Actions turned into one array per column, for `unnest`; and their rows turned back.

use ds_domain::{
    action::{Action, ActionStatus, Fraction, Progress, Revision, StoredAction},
    json::JsonObject,
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    jsonb::{Read, Written},
    row::{Columns as Reader, Word},
};

/// What an action is, with `$before` in front of each column. A number with decimals stands between
/// `$open` and `$close`.
macro_rules! fixed_columns {
    ($before:literal, $open:literal, $close:literal) => {
        concat!(
            $before,
            "action_id, ",
            $before,
            "action_timestamp, ",
            $before,
            "action_history_id, ",
            $before,
            "correlation_id, ",
            $before,
            "signal_name, ",
            $before,
            "signal_severity, ",
            $before,
            "signal_labels, ",
            $before,
            "signal_annotations, ",
            $before,
            "signal_firing_time, ",
            $before,
            "model_used, ",
            $before,
            "routing_tier, ",
            $open,
            $before,
            "model_confidence",
            $close,
            ", ",
            $before,
            "model_reasoning, ",
            $before,
            "alternative_actions, ",
            $before,
            "action_type, ",
            $before,
            "action_parameters, ",
            $before,
            "resource_state_before, ",
            $before,
            "incident_type, ",
            $before,
            "alert_name, ",
            $before,
            "incident_severity, ",
            $before,
            "workflow_id, ",
            $before,
            "workflow_version, ",
            $before,
            "workflow_step_number, ",
            $before,
            "workflow_execution_id, ",
            $before,
            "ai_selected_workflow, ",
            $before,
            "ai_chained_workflows, ",
            $before,
            "ai_manual_escalation, ",
            $before,
            "ai_workflow_customization, ",
            $before,
            "namespace, ",
            $before,
            "cluster_name, ",
            $before,
            "environment"
        )
    };
}
pub(crate) use fixed_columns;

/// What became of it, likewise.
macro_rules! outcome_columns {
    ($before:literal, $open:literal, $close:literal) => {
        concat!(
            $before,
            "execution_status, ",
            $before,
            "execution_start_time, ",
            $before,
            "execution_end_time, ",
            $before,
            "execution_duration_ms, ",
            $before,
            "execution_error, ",
            $before,
            "kubernetes_operations, ",
            $before,
            "resource_state_after, ",
            $open,
            $before,
            "effectiveness_score",
            $close,
            ", ",
            $before,
            "effectiveness_criteria, ",
            $before,
            "effectiveness_assessed_at, ",
            $before,
            "effectiveness_assessment_method, ",
            $before,
            "effectiveness_notes, ",
            $before,
            "effectiveness_assessment_due, ",
            $before,
            "follow_up_actions"
        )
    };
}
pub(crate) use outcome_columns;

/// All columns of a row of `t`; [`stored`] reads them in this order.
macro_rules! stored_columns {
    () => {
        concat!(
            "t.id, ",
            fixed_columns!("t.", "(", " * 1000)::int4"),
            ", ",
            outcome_columns!("t.", "(", " * 1000)::int4"),
            ", t.revision, t.created_at, t.updated_at"
        )
    };
}
pub(crate) use stored_columns;

/// Declares the arrays, in the order of the parameters, and how each is filled from an action.
macro_rules! columns {
    ($action:ident; $($name:ident: $kind:ty = $value:expr,)+) => {
        /// One array per column.
        #[derive(Default)]
        pub(super) struct Columns<'e> {
            $($name: Vec<$kind>,)+
        }

        impl<'e> Columns<'e> {
            /// Adds a row.
            pub(super) fn push(&mut self, $action: &'e Action) {
                $(self.$name.push($value);)+
            }

            /// The parameters of a statement over these rows.
            pub(super) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
                vec![$(&self.$name),+]
            }
        }
    };
}

columns! { action;
    action_id: &'e str = &action.action_id,
    action_timestamp: Timestamp = action.action_timestamp,
    action_history_id: Option<i64> = action.action_history_id,
    correlation_id: Option<&'e str> = action.correlation_id.as_deref(),
    signal_name: &'e str = &action.signal_name,
    signal_severity: &'e str = &action.signal_severity,
    signal_labels: Option<Written<'e>> = action.signal_labels.as_ref().map(Written),
    signal_annotations: Option<Written<'e>> = action.signal_annotations.as_ref().map(Written),
    signal_firing_time: Option<Timestamp> = action.signal_firing_time,
    model_used: &'e str = &action.model_used,
    routing_tier: Option<&'e str> = action.routing_tier.as_deref(),
    model_confidence: String = decimal(action.model_confidence),
    model_reasoning: Option<&'e str> = action.model_reasoning.as_deref(),
    alternative_actions: Option<Written<'e>> = action.alternative_actions.as_ref().map(Written),
    action_type: &'e str = &action.action_type,
    action_parameters: Option<Written<'e>> = action.action_parameters.as_ref().map(Written),
    resource_state_before: Option<Written<'e>> = action.resource_state_before.as_ref().map(Written),
    incident_type: Option<&'e str> = action.incident_type.as_deref(),
    alert_name: Option<&'e str> = action.alert_name.as_deref(),
    incident_severity: Option<&'e str> = action.incident_severity.as_deref(),
    workflow_id: Option<&'e str> = action.workflow_id.as_deref(),
    workflow_version: Option<&'e str> = action.workflow_version.as_deref(),
    workflow_step_number: Option<i32> = action.workflow_step_number,
    workflow_execution_id: Option<&'e str> = action.workflow_execution_id.as_deref(),
    ai_selected_workflow: bool = action.ai_selected_workflow,
    ai_chained_workflows: bool = action.ai_chained_workflows,
    ai_manual_escalation: bool = action.ai_manual_escalation,
    ai_workflow_customization: Option<Written<'e>> =
        action.ai_workflow_customization.as_ref().map(Written),
    namespace: Option<&'e str> = action.namespace.as_deref(),
    cluster_name: Option<&'e str> = action.cluster_name.as_deref(),
    environment: Option<&'e str> = action.environment.as_deref(),
    execution_status: &'static str = action.execution_status.as_str(),
    execution_start_time: Option<Timestamp> = action.progress.execution_start_time,
    execution_end_time: Option<Timestamp> = action.progress.execution_end_time,
    execution_duration_ms: Option<i32> = action.progress.execution_duration_ms,
    execution_error: Option<&'e str> = action.progress.execution_error.as_deref(),
    kubernetes_operations: Option<Written<'e>> =
        action.progress.kubernetes_operations.as_ref().map(Written),
    resource_state_after: Option<Written<'e>> =
        action.progress.resource_state_after.as_ref().map(Written),
    effectiveness_score: Option<String> = action.progress.effectiveness_score.map(decimal),
    effectiveness_criteria: Option<Written<'e>> =
        action.progress.effectiveness_criteria.as_ref().map(Written),
    effectiveness_assessed_at: Option<Timestamp> = action.progress.effectiveness_assessed_at,
    effectiveness_assessment_method: Option<&'e str> =
        action.progress.effectiveness_assessment_method.as_deref(),
    effectiveness_notes: Option<&'e str> = action.progress.effectiveness_notes.as_deref(),
    effectiveness_assessment_due: Option<Timestamp> = action.progress.effectiveness_assessment_due,
    follow_up_actions: Option<Written<'e>> = action.progress.follow_up_actions.as_ref().map(Written),
}

/// A fraction as `numeric` reads it.
pub(super) fn decimal(fraction: Fraction) -> String {
    format!("{:.3}", fraction.as_f64())
}

fn fraction(thousandths: i32) -> Option<Fraction> {
    Fraction::from_thousandths(u16::try_from(thousandths).ok()?)
}

fn document(read: Option<Read>) -> Option<JsonObject> {
    read.map(|read| read.0)
}

/// Reads an action whose columns start at `first`.
pub(crate) fn stored(row: &Row, first: usize) -> Result<StoredAction, tokio_postgres::Error> {
    let mut columns = Reader::from(row, first);
    let id = columns.next()?;
    let action = Action {
        action_id: columns.next()?,
        action_timestamp: columns.next()?,
        action_history_id: columns.next()?,
        correlation_id: columns.next()?,
        signal_name: columns.next()?,
        signal_severity: columns.next()?,
        signal_labels: document(columns.next()?),
        signal_annotations: document(columns.next()?),
        signal_firing_time: columns.next()?,
        model_used: columns.next()?,
        routing_tier: columns.next()?,
        // The table keeps it between 0 and 1.
        model_confidence: fraction(columns.next()?).unwrap_or(Fraction::ONE),
        model_reasoning: columns.next()?,
        alternative_actions: document(columns.next()?),
        action_type: columns.next()?,
        action_parameters: document(columns.next()?),
        resource_state_before: document(columns.next()?),
        incident_type: columns.next()?,
        alert_name: columns.next()?,
        incident_severity: columns.next()?,
        workflow_id: columns.next()?,
        workflow_version: columns.next()?,
        workflow_step_number: columns.next()?,
        workflow_execution_id: columns.next()?,
        ai_selected_workflow: columns.next()?,
        ai_chained_workflows: columns.next()?,
        ai_manual_escalation: columns.next()?,
        ai_workflow_customization: document(columns.next()?),
        namespace: columns.next()?,
        cluster_name: columns.next()?,
        environment: columns.next()?,
        execution_status: columns.next::<Word<ActionStatus>>()?.0,
        progress: progress(&mut columns)?,
    };
    Ok(StoredAction {
        id,
        action,
        revision: columns.next()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}

/// Reads what was known before a change.
pub(super) fn revision(row: &Row) -> Result<Revision, tokio_postgres::Error> {
    let mut columns = Reader::from(row, 0);
    Ok(Revision {
        revision: columns.next()?,
        execution_status: columns.next::<Word<ActionStatus>>()?.0,
        progress: progress(&mut columns)?,
        superseded_at: columns.next()?,
    })
}

fn progress(columns: &mut Reader<'_>) -> Result<Progress, tokio_postgres::Error> {
    Ok(Progress {
        execution_start_time: columns.next()?,
        execution_end_time: columns.next()?,
        execution_duration_ms: columns.next()?,
        execution_error: columns.next()?,
        kubernetes_operations: document(columns.next()?),
        resource_state_after: document(columns.next()?),
        effectiveness_score: columns.next::<Option<i32>>()?.and_then(fraction),
        effectiveness_criteria: document(columns.next()?),
        effectiveness_assessed_at: columns.next()?,
        effectiveness_assessment_method: columns.next()?,
        effectiveness_notes: columns.next()?,
        effectiveness_assessment_due: columns.next()?,
        follow_up_actions: document(columns.next()?),
    })
}
