//! What is told about accepted events that are not like others of their type.

use std::collections::HashMap;

use ds_metrics::catalog;
use ds_validation::{KindCheck, KindFinding, Rule, ValidEvent};

/// Most findings that are told about one request; the others are counted.
const FINDINGS_MAX: usize = 32;

/// The label of events of a type that nothing is known about.
const UNKNOWN: &str = "unknown";

/// In which ways the events of a request differ from others of their type.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Warnings {
    first: Vec<(usize, KindFinding)>,
    total: usize,
}

/// The same by type and rule, for the metrics.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    unknown: u64,
    known: HashMap<(&'static str, Rule), u64>,
}

impl Warnings {
    /// What validation found in `events`.
    pub(crate) fn of(events: &[ValidEvent]) -> (Self, Tally) {
        let (mut warnings, mut tally) = (Self::default(), Tally::default());
        for (index, event) in events.iter().enumerate() {
            match event.kind() {
                KindCheck::Off => {}
                KindCheck::Unknown => tally.unknown += 1,
                KindCheck::Known(findings) => {
                    for finding in findings {
                        let key = (finding.event_type(), finding.rule());
                        *tally.known.entry(key).or_default() += 1;
                        warnings.total += 1;
                        if warnings.first.len() < FINDINGS_MAX {
                            warnings.first.push((index, *finding));
                        }
                    }
                }
            }
        }
        (warnings, tally)
    }

    /// The first of them, each with the position of its event in the request.
    pub fn first(&self) -> &[(usize, KindFinding)] {
        &self.first
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total
    }
}

impl Tally {
    /// Counts what was found in events that are accepted.
    pub(crate) fn count(&self) {
        if self.unknown > 0 {
            catalog::event_kind_findings(UNKNOWN, "unknown_type").increment(self.unknown);
        }
        for ((event_type, rule), times) in &self.known {
            catalog::event_kind_findings(*event_type, rule.as_str()).increment(*times);
        }
    }
}
