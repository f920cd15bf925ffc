//! What a remediation workflow is, and what becomes of it in the catalogue.

mod change;
pub mod version;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    cursor::{Placed, Position},
    event::words,
    filter::Timed,
    json::JsonObject,
    label::{CustomLabels, DetectedLabels, MandatoryLabel, MandatoryLabels},
};

pub use change::{Change, ForbiddenChange, Lifecycle};

words! {
    /// Whether a version of a workflow is to be used.
    WorkflowStatus {
        /// It is.
        Active = "active",
        /// Not at present.
        Disabled = "disabled",
        /// Not for much longer.
        Deprecated = "deprecated",
        /// No more.
        Archived = "archived",
    }
}

impl WorkflowStatus {
    /// Whether a version of this status may get that one. To stay what it is is no change.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Active, Self::Disabled | Self::Deprecated)
                | (Self::Disabled, Self::Active)
                | (Self::Deprecated, Self::Archived)
        )
    }
}

/// A share of successes, in thousandths: from 0 to 1000.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rate(u16);

impl Rate {
    /// All of them.
    pub const MAX: Self = Self(1_000);

    /// So many thousandths; `None` when they are more than the whole.
    pub fn from_thousandths(thousandths: i32) -> Option<Self> {
        let rate = Self(u16::try_from(thousandths).ok()?);
        (rate <= Self::MAX).then_some(rate)
    }

    /// How many thousandths.
    pub fn thousandths(self) -> i32 {
        self.0.into()
    }

    /// As a number between 0 and 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

/// One version of a workflow as its author wrote it: every default applied, every field as it is
/// stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workflow {
    /// Name that all of its versions share.
    pub workflow_name: String,
    /// Which version.
    pub version: String,
    /// Title for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Who looks after it.
    pub maintainer: Option<String>,
    /// What is run, byte for byte.
    pub content: String,
    /// What its author says the SHA-256 of the content is.
    pub content_hash: String,
    /// What it can be given.
    pub parameters: Option<JsonObject>,
    /// What runs it.
    pub execution_engine: String,
    /// The image that is run.
    pub container_image: Option<String>,
    /// Digest of the image.
    pub container_digest: Option<String>,
    /// What it is for.
    pub labels: MandatoryLabels,
    /// What customers say about it.
    pub custom_labels: CustomLabels,
    /// What it expects of the surroundings.
    pub detected_labels: DetectedLabels,
    /// Whether it is to be used.
    pub status: WorkflowStatus,
    /// The version it follows, in the words of its author.
    pub previous_version: Option<String>,
    /// Notes about the version.
    pub version_notes: Option<String>,
    /// What is different.
    pub change_summary: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When, in whole microseconds.
    pub approved_at: Option<Timestamp>,
    /// How often it is expected to succeed.
    pub expected_success_rate: Option<Rate>,
    /// How long it is expected to take.
    pub expected_duration_seconds: Option<i32>,
    /// Who wrote it.
    pub created_by: Option<String>,
}

/// A version of a workflow as the store gives it back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredWorkflow {
    /// Its id.
    pub workflow_id: Uuid,
    /// Name that all of its versions share.
    pub workflow_name: String,
    /// Which version.
    pub version: String,
    /// Title for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Who looks after it.
    pub maintainer: Option<String>,
    /// What is run, byte for byte.
    pub content: String,
    /// What its author says the SHA-256 of the content is.
    pub content_hash: String,
    /// What it can be given.
    pub parameters: Option<JsonObject>,
    /// What runs it.
    pub execution_engine: String,
    /// The image that is run.
    pub container_image: Option<String>,
    /// Digest of the image.
    pub container_digest: Option<String>,
    /// What it is for. As text, like the other labels: what an older service has stored is given back
    /// even if it would be refused today.
    pub labels: JsonObject,
    /// What customers say about it.
    pub custom_labels: JsonObject,
    /// What it expects of the surroundings.
    pub detected_labels: JsonObject,
    /// What became of it, and why.
    pub lifecycle: Lifecycle,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
    /// Whether it is the highest version of its name.
    pub is_latest_version: bool,
    /// The version it follows, in the words of its author.
    pub previous_version: Option<String>,
    /// Notes about the version.
    pub version_notes: Option<String>,
    /// What is different.
    pub change_summary: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// How often it is expected to succeed.
    pub expected_success_rate: Option<Rate>,
    /// How long it is expected to take.
    pub expected_duration_seconds: Option<i32>,
    /// How often it has succeeded; nothing before its first run.
    pub actual_success_rate: Option<Rate>,
    /// How often it has run.
    pub total_executions: i32,
    /// How often with success.
    pub successful_executions: i32,
    /// When the store wrote it.
    pub created_at: Timestamp,
    /// When the store changed it last.
    pub updated_at: Timestamp,
    /// Who wrote it.
    pub created_by: Option<String>,
}

impl Placed for StoredWorkflow {
    fn position(&self) -> Position {
        Position {
            at: self.created_at,
            id: self.workflow_id,
        }
    }
}

/// Runs of a workflow that are reported together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executions {
    /// Name of the report, by which a repetition is recognised.
    pub execution_id: Option<String>,
    /// How many runs; at least one.
    pub count: i32,
    /// How many of them succeeded.
    pub successful: i32,
}

/// Which workflows a list asks for: those that have one of the values of every member that has any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WorkflowFilter {
    /// Of these statuses.
    pub statuses: Vec<WorkflowStatus>,
    /// With these values of mandatory labels; a label that is not listed may have any.
    pub labels: Vec<(MandatoryLabel, Vec<String>)>,
    /// With one of these values of a custom label, for each label that is listed.
    pub custom_labels: Vec<(String, Vec<String>)>,
}

impl Timed for WorkflowFilter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_whole_thousandths_between_none_and_all() {
        let rate = |thousandths| Rate::from_thousandths(thousandths).map(Rate::as_f64);
        assert_eq!(rate(0), Some(0.0));
        assert_eq!(rate(857), Some(0.857));
        assert_eq!(rate(1_000), Some(1.0));
        assert_eq!([rate(-1), rate(1_001), rate(i32::MIN)], [None; 3]);
        assert_eq!(Rate::MAX.thousandths(), 1_000);
    }

    #[test]
    fn statuses_follow_each_other_as_the_table_says() {
        let all = WorkflowStatus::ALL.iter();
        let pairs = all.flat_map(|from| WorkflowStatus::ALL.iter().map(move |to| (*from, *to)));
        let allowed = pairs.filter(|(from, to)| from.may_become(*to));
        let words = allowed.map(|(from, to)| format!("{} {}", from.as_str(), to.as_str()));
        let expected = [
            "active disabled",
            "active deprecated",
            "disabled active",
            "deprecated archived",
        ];
        assert_eq!(words.collect::<Vec<_>>(), expected);
    }
}
