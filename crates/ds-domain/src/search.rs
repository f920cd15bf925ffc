//! What somebody who looks for a workflow asks, and in which order the answers stand.

mod best;

use std::cmp::Reverse;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    label::{CustomLabels, DetectedLabels, MandatoryLabels},
    score::{Labels, Total},
};

pub use crate::workflow::WorkflowStatus;
pub use best::{Best, Candidate, Ranked};

/// One search.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorkflowSearch {
    /// The remediation it is for.
    pub remediation_id: Option<String>,
    /// What is looked for.
    pub filters: SearchFilters,
    /// At most so many workflows.
    pub top_k: u8,
    /// None with a lower score.
    pub min_score: Total,
    /// Also those that are not active.
    pub include_disabled: bool,
    /// Whether each score is to be explained.
    pub explain: bool,
}

/// What is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SearchFilters {
    /// What a workflow must be for.
    pub labels: MandatoryLabels,
    /// What was detected, which makes some workflows better than others.
    pub detected: DetectedLabels,
    /// What the customer says, likewise.
    pub custom: CustomLabels,
    /// Any of these; none at all leave it to [`WorkflowSearch::include_disabled`].
    pub statuses: Vec<WorkflowStatus>,
}

impl SearchFilters {
    /// The labels that make a score.
    pub fn scored(&self) -> Labels<'_> {
        Labels {
            detected: &self.detected,
            custom: &self.custom,
        }
    }
}

impl WorkflowSearch {
    /// The statuses that are looked for. Those that are named count; whoever names none looks for
    /// what is active, or for everything.
    pub fn statuses(&self) -> &[WorkflowStatus] {
        match (&*self.filters.statuses, self.include_disabled) {
            ([], false) => &[WorkflowStatus::Active],
            ([], true) => WorkflowStatus::ALL,
            (named, _) => named,
        }
    }
}

/// Where a workflow stands among others that were found: ordered as the answers are, the first one
/// the least.
///
/// The higher score first; of equals the one that needed fewer wildcards; then the newest; and where
/// even that is the same, the lower id. So the order is total, and any two servers agree about it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Standing {
    total: Reverse<Total>,
    wildcards: u8,
    created_at: Reverse<Timestamp>,
    workflow_id: Uuid,
}

impl Standing {
    /// Of a workflow with this score.
    pub fn new(total: Total, wildcards: u8, created_at: Timestamp, workflow_id: Uuid) -> Self {
        Self {
            total: Reverse(total),
            wildcards,
            created_at: Reverse(created_at),
            workflow_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standings in the order in which they are given must be in order.
    #[track_caller]
    fn check(standings: &[(u16, u8, i64, u128)]) {
        let standings = standings.iter().map(|(total, wildcards, second, id)| {
            let created_at = Timestamp::from_second(*second).unwrap();
            Standing::new(Total(*total), *wildcards, created_at, Uuid::from_u128(*id))
        });
        assert!(standings.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn better_more_exact_newer_and_lower_come_first() {
        check(&[
            (5_200, 3, 1, 9),
            (5_100, 0, 1, 9),
            (5_100, 1, 7, 5),
            (5_100, 1, 6, 4),
            (5_100, 1, 6, 5),
            (5_100, 2, 9, 1),
            (4_800, 0, 9, 1),
        ]);
    }
}
