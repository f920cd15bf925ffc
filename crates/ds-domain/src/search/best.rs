//! The best of those workflows that come into question.

use std::collections::BinaryHeap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Standing, WorkflowSearch};
use crate::score::{Score, Total};

/// A workflow that comes into question.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its id.
    pub workflow_id: Uuid,
    /// When it was added.
    pub created_at: Timestamp,
    /// How many of its wildcards it needs.
    pub wildcards: u8,
    /// What its labels are worth.
    pub score: Score,
}

/// A workflow that was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ranked {
    /// Its id.
    pub workflow_id: Uuid,
    /// What its labels are worth.
    pub score: Score,
}

/// Keeps the best of those that are offered, whatever the order in which they come.
#[derive(Debug)]
pub struct Best {
    top_k: usize,
    min_score: Total,
    matching: u64,
    /// The worst one on top.
    kept: BinaryHeap<(Standing, Score)>,
}

impl Best {
    /// For one search; nothing was offered yet.
    pub fn of(search: &WorkflowSearch) -> Self {
        let top_k = usize::from(search.top_k);
        Self {
            top_k,
            min_score: search.min_score,
            matching: 0,
            kept: BinaryHeap::with_capacity(top_k + 1),
        }
    }

    /// Considers a workflow.
    pub fn offer(&mut self, candidate: Candidate) {
        let total = candidate.score.total();
        if total < self.min_score {
            return;
        }
        self.matching += 1;
        let standing = Standing::new(
            total,
            candidate.wildcards,
            candidate.created_at,
            candidate.workflow_id,
        );
        let is_worse = |(worst, _): &(Standing, Score)| standing > *worst;
        if self.kept.len() == self.top_k && self.kept.peek().is_some_and(is_worse) {
            return;
        }
        self.kept.push((standing, candidate.score));
        if self.kept.len() > self.top_k {
            self.kept.pop();
        }
    }

    /// How many there were whose score is high enough, found or not.
    pub fn matching(&self) -> u64 {
        self.matching
    }

    /// Those that were found, the best first.
    pub fn ranked(self) -> Vec<Ranked> {
        let ranked = self.kept.into_sorted_vec().into_iter();
        let ranked = ranked.map(|(standing, score)| Ranked {
            workflow_id: standing.workflow_id,
            score,
        });
        ranked.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        label::{MandatoryLabels, Priority, Severity},
        score::Points,
        search::SearchFilters,
    };

    fn search(top_k: u8, min_score: u16) -> WorkflowSearch {
        WorkflowSearch {
            remediation_id: None,
            filters: SearchFilters {
                labels: MandatoryLabels {
                    signal_type: "s".to_owned(),
                    severity: Severity::Low,
                    component: "c".to_owned(),
                    environment: "e".to_owned(),
                    priority: Priority::P0,
                },
                detected: Default::default(),
                custom: Default::default(),
                statuses: Vec::new(),
            },
            top_k,
            min_score: Total(min_score),
            include_disabled: false,
            explain: false,
        }
    }

    fn best(search: &WorkflowSearch, boosts: &[u16]) -> (u64, Vec<u128>) {
        let mut best = Best::of(search);
        for (id, boost) in (0_u128..).zip(boosts) {
            best.offer(Candidate {
                workflow_id: Uuid::from_u128(id),
                created_at: Timestamp::UNIX_EPOCH,
                wildcards: 0,
                score: Score {
                    boost: Points(*boost),
                    penalty: Points(0),
                },
            });
        }
        let matching = best.matching();
        let ranked = best.ranked().into_iter();
        (
            matching,
            ranked.map(|it| it.workflow_id.as_u128()).collect(),
        )
    }

    #[test]
    fn the_best_are_kept_in_their_order() {
        let boosts = [10, 30, 20, 30, 0];
        assert_eq!(best(&search(3, 0), &boosts), (5, vec![1, 3, 2]));
        assert_eq!(best(&search(100, 0), &boosts), (5, vec![1, 3, 2, 0, 4]));
        assert_eq!(best(&search(1, 5_020), &boosts), (3, vec![1]));
        assert_eq!(best(&search(9, 5_031), &boosts), (0, vec![]));
        assert_eq!(best(&search(9, 0), &[]), (0, vec![]));
    }
}
