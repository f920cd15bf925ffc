//! What an action trace is: one remediation action, why it was chosen, and what became of it.

use jiff::Timestamp;

use crate::{event::words, json::JsonObject};

words! {
    /// How far an action has come.
    ActionStatus {
        /// It is decided on, and has not begun.
        Pending = "pending",
        /// It is under way.
        Executing = "executing",
        /// It did what it was meant to.
        Completed = "completed",
        /// It did not.
        Failed = "failed",
        /// It was taken back.
        RolledBack = "rolled-back",
    }
}

impl ActionStatus {
    /// Whether an action of this status can still become one of `next`. Staying as it is is no step.
    pub const fn can_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (
                Self::Pending,
                Self::Executing | Self::Completed | Self::Failed | Self::RolledBack
            ) | (
                Self::Executing,
                Self::Completed | Self::Failed | Self::RolledBack
            )
        )
    }
}

/// A number from 0 to 1, in thousandths: what `numeric(4,3)` keeps.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Fraction(u16);

impl Fraction {
    /// All of it.
    pub const ONE: Self = Self(1_000);

    /// The nearest fraction to `number`; `None` when that lies outside of 0 to 1.
    pub fn nearest(number: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&number) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "0 to 1000")]
        let thousandths = (number * 1_000.0).round() as u16;
        Some(Self(thousandths))
    }

    /// So many thousandths; `None` when they are more than one.
    pub const fn from_thousandths(thousandths: u16) -> Option<Self> {
        match thousandths {
            0..=1_000 => Some(Self(thousandths)),
            _ => None,
        }
    }

    /// How many thousandths it is.
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// The number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

/// What can still change about an action after it was recorded, but for its status.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// When it began.
    pub execution_start_time: Option<Timestamp>,
    /// When it ended.
    pub execution_end_time: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub execution_duration_ms: Option<i32>,
    /// Text of the failure.
    pub execution_error: Option<String>,
    /// What was done to the cluster.
    pub kubernetes_operations: Option<JsonObject>,
    /// The resource after the action.
    pub resource_state_after: Option<JsonObject>,
    /// How well it worked.
    pub effectiveness_score: Option<Fraction>,
    /// What that was judged by.
    pub effectiveness_criteria: Option<JsonObject>,
    /// When that was judged.
    pub effectiveness_assessed_at: Option<Timestamp>,
    /// How that was judged.
    pub effectiveness_assessment_method: Option<String>,
    /// What else there is to say about it.
    pub effectiveness_notes: Option<String>,
    /// When it is to be judged.
    pub effectiveness_assessment_due: Option<Timestamp>,
    /// What is to be done next.
    pub follow_up_actions: Option<JsonObject>,
}

/// One action: every default applied, every field as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Action {
    /// Identity of the action, chosen by its sender.
    pub action_id: String,
    /// When it was decided on, in whole microseconds.
    pub action_timestamp: Timestamp,
    /// Number of the resource's history in the sender's books.
    pub action_history_id: Option<i64>,
    /// Ties the records of one remediation together.
    pub correlation_id: Option<String>,
    /// The signal that called for it.
    pub signal_name: String,
    /// How severe that signal is.
    pub signal_severity: String,
    /// Labels of the signal.
    pub signal_labels: Option<JsonObject>,
    /// Annotations of the signal.
    pub signal_annotations: Option<JsonObject>,
    /// When the signal began to fire.
    pub signal_firing_time: Option<Timestamp>,
    /// The model that chose the action.
    pub model_used: String,
    /// Which kind of model was asked.
    pub routing_tier: Option<String>,
    /// How sure the model was.
    pub model_confidence: Fraction,
    /// What the model said about it.
    pub model_reasoning: Option<String>,
    /// What the model would have done instead.
    pub alternative_actions: Option<JsonObject>,
    /// What kind of action it is.
    pub action_type: String,
    /// With which parameters.
    pub action_parameters: Option<JsonObject>,
    /// The resource before the action.
    pub resource_state_before: Option<JsonObject>,
    /// What kind of incident it is about.
    pub incident_type: Option<String>,
    /// The alert that reported the incident.
    pub alert_name: Option<String>,
    /// How severe the incident is.
    pub incident_severity: Option<String>,
    /// The workflow that the action is a step of: a free name, not an id of the catalogue.
    pub workflow_id: Option<String>,
    /// Version of that workflow.
    pub workflow_version: Option<String>,
    /// Number of the step.
    pub workflow_step_number: Option<i32>,
    /// The run of the workflow.
    pub workflow_execution_id: Option<String>,
    /// Whether the workflow was chosen from the catalogue.
    pub ai_selected_workflow: bool,
    /// Whether several workflows were chained.
    pub ai_chained_workflows: bool,
    /// Whether people were called.
    pub ai_manual_escalation: bool,
    /// How the workflow was adapted.
    pub ai_workflow_customization: Option<JsonObject>,
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Cluster.
    pub cluster_name: Option<String>,
    /// Environment.
    pub environment: Option<String>,
    /// How far it has come.
    pub execution_status: ActionStatus,
    /// What else became of it.
    pub progress: Progress,
}

/// A change of what became of an action; what is absent stays as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ActionUpdate {
    /// How far it has come.
    pub execution_status: Option<ActionStatus>,
    /// What else became of it.
    pub progress: Progress,
}

/// An action as the store gives it back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredAction {
    /// Number of the record.
    pub id: i64,
    /// The action.
    pub action: Action,
    /// How often it was changed.
    pub revision: i32,
    /// When the store wrote it.
    pub created_at: Timestamp,
    /// When the store changed it last.
    pub updated_at: Timestamp,
}

/// What was known about an action before it was changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revision {
    /// Number of the revision; 0 is what was recorded first.
    pub revision: i32,
    /// How far it had come.
    pub execution_status: ActionStatus,
    /// What else had become of it.
    pub progress: Progress,
    /// When it was replaced.
    pub superseded_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_only_goes_forward() {
        use ActionStatus::{Completed, Executing, Failed, Pending, RolledBack};
        let steps = |from: ActionStatus| {
            let all = ActionStatus::ALL.iter().copied();
            all.filter(|to| from.can_become(*to)).collect::<Vec<_>>()
        };
        assert_eq!(steps(Pending), [Executing, Completed, Failed, RolledBack]);
        assert_eq!(steps(Executing), [Completed, Failed, RolledBack]);
        for end in [Completed, Failed, RolledBack] {
            assert_eq!(steps(end), []);
        }
    }

    #[track_caller]
    fn check(number: f64, expected: Option<u16>) {
        let nearest = Fraction::nearest(number);
        assert_eq!(nearest.map(Fraction::thousandths), expected, "{number}");
    }

    #[test]
    fn fractions_are_kept_in_thousandths() {
        check(0.0, Some(0));
        check(-0.0, Some(0));
        check(0.85, Some(850));
        check(0.8504, Some(850));
        check(0.8506, Some(851));
        check(0.9999, Some(1_000));
        check(1.0, Some(1_000));
        check(1.000_001, None);
        check(-0.000_1, None);
        check(9.5, None);
        check(f64::NAN, None);
        for thousandths in 0..=1_000 {
            let fraction = Fraction::from_thousandths(thousandths).unwrap();
            check(fraction.as_f64(), Some(thousandths));
        }
        assert_eq!(Fraction::from_thousandths(1_001), None);
    }
}
