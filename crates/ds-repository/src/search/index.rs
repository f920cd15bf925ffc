//! What a search looks at: workflows by what they are for. Pure; [`super::live`] keeps it current.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use ds_domain::{
    label::{CustomLabels, DetectedLabels, MandatoryLabels, Severity},
    score::{Labels, score},
    search::{Best, Candidate, WorkflowSearch, WorkflowStatus},
};
use jiff::Timestamp;
use uuid::Uuid;

/// Workflows that searches can find: of each name the highest active version, or the latest one if no
/// version is active.
#[derive(Debug, Default)]
pub(super) struct Index {
    situations: HashMap<Situation, HashMap<LabelSet, Workflows>>,
    workflows: usize,
}

/// The labels that know no wildcard.
#[derive(Debug, Eq, Hash, PartialEq)]
struct Situation {
    signal_type: String,
    severity: Severity,
}

impl Situation {
    fn of(labels: &MandatoryLabels) -> Self {
        Self {
            signal_type: labels.signal_type.clone(),
            severity: labels.severity,
        }
    }
}

/// All labels of a workflow. What has the same labels has the same score, which is made once a search.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct LabelSet {
    pub(super) mandatory: MandatoryLabels,
    pub(super) detected: DetectedLabels,
    pub(super) custom: CustomLabels,
}

/// The newest first.
type Workflows = BTreeMap<(Reverse<Timestamp>, Uuid), WorkflowStatus>;

/// What became of a version.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) workflow_id: Uuid,
    pub(super) created_at: Timestamp,
    pub(super) labels: LabelSet,
    /// Its status, if searches can find it.
    pub(super) offered: Option<WorkflowStatus>,
}

impl Index {
    /// How many workflows there are.
    pub(super) fn len(&self) -> usize {
        self.workflows
    }

    /// Takes over what became of a version. Labels and time of a version never change.
    pub(super) fn apply(&mut self, change: Change) {
        let situation = Situation::of(&change.labels.mandatory);
        let place = (Reverse(change.created_at), change.workflow_id);
        let Some(status) = change.offered else {
            self.remove(&situation, &change.labels, place);
            return;
        };
        let sets = self.situations.entry(situation).or_default();
        let workflows = sets.entry(change.labels).or_default();
        if workflows.insert(place, status).is_none() {
            self.workflows += 1;
        }
    }

    fn remove(
        &mut self,
        situation: &Situation,
        labels: &LabelSet,
        place: (Reverse<Timestamp>, Uuid),
    ) {
        let Some(sets) = self.situations.get_mut(situation) else {
            return;
        };
        let Some(workflows) = sets.get_mut(labels) else {
            return;
        };
        if workflows.remove(&place).is_some() {
            self.workflows -= 1;
        }
        if workflows.is_empty() {
            sets.remove(labels);
        }
        if sets.is_empty() {
            self.situations.remove(situation);
        }
    }

    /// The workflows that suit best.
    pub(super) fn best(&self, search: &WorkflowSearch) -> Best {
        let mut best = Best::of(search);
        let (filters, statuses) = (&search.filters, search.statuses());
        let sets = self.situations.get(&Situation::of(&filters.labels));
        for (labels, workflows) in sets.into_iter().flatten() {
            let Some(wildcards) = labels.mandatory.fit(&filters.labels) else {
                continue;
            };
            let offered = Labels {
                detected: &labels.detected,
                custom: &labels.custom,
            };
            let score = score(filters.scored(), offered);
            for ((Reverse(created_at), workflow_id), status) in workflows {
                if statuses.contains(status) {
                    best.offer(Candidate {
                        workflow_id: *workflow_id,
                        created_at: *created_at,
                        wildcards,
                        score,
                    });
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use ds_domain::{label::Priority, score::Total, search::SearchFilters};

    use super::*;

    fn mandatory(signal_type: &str) -> MandatoryLabels {
        MandatoryLabels {
            signal_type: signal_type.to_owned(),
            severity: Severity::High,
            component: "*".to_owned(),
            environment: "production".to_owned(),
            priority: Priority::P1,
        }
    }

    fn change(id: u128, signal_type: &str, offered: Option<WorkflowStatus>) -> Change {
        Change {
            workflow_id: Uuid::from_u128(id),
            created_at: Timestamp::UNIX_EPOCH,
            labels: LabelSet {
                mandatory: mandatory(signal_type),
                detected: DetectedLabels::default(),
                custom: CustomLabels::default(),
            },
            offered,
        }
    }

    fn found(index: &Index, include_disabled: bool) -> Vec<u128> {
        let mut labels = mandatory("OOMKilled");
        labels.component = "pod".to_owned();
        let search = WorkflowSearch {
            remediation_id: None,
            filters: SearchFilters {
                labels,
                detected: DetectedLabels::default(),
                custom: CustomLabels::default(),
                statuses: Vec::new(),
            },
            top_k: 10,
            min_score: Total(0),
            include_disabled,
            explain: false,
        };
        let ranked = index.best(&search).ranked().into_iter();
        ranked.map(|one| one.workflow_id.as_u128()).collect()
    }

    #[test]
    fn what_was_changed_is_found_as_it_is_now_and_counted_once() {
        use WorkflowStatus::{Active, Disabled};
        let mut index = Index::default();
        for change in [
            change(1, "OOMKilled", Some(Active)),
            change(2, "OOMKilled", Some(Disabled)),
            change(3, "Evicted", Some(Active)),
            change(4, "OOMKilled", None),
        ] {
            index.apply(change);
        }
        assert_eq!(found(&index, false), [1]);
        assert_eq!(found(&index, true), [1, 2]);
        assert_eq!(index.len(), 3);
        index.apply(change(1, "OOMKilled", Some(Disabled)));
        index.apply(change(2, "OOMKilled", Some(Active)));
        assert_eq!(found(&index, false), [2]);
        assert_eq!(index.len(), 3);
        // The same change twice, and one of what is not there.
        for id in [1, 1, 2, 7] {
            index.apply(change(id, "OOMKilled", None));
        }
        assert!(found(&index, true).is_empty());
        assert_eq!(index.len(), 1);
        index.apply(change(3, "Evicted", None));
        assert!(index.situations.is_empty(), "nothing is left behind");
    }
}
