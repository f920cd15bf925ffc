//! What a soak prints.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use ds_testkit::checker::{Finding, Harm, Look};

use super::Journals;
use super::fault::FAULTS;
use super::round::{Passed, Round};
use super::stage::Stage;
use super::writers::Figures;

/// Findings of each kind that are printed one by one.
const SHOWN: usize = 10;

/// Everything that is told at the end.
pub(super) struct Report {
    journals: Journals,
    figures: Arc<Figures>,
    begun: Instant,
    rounds: usize,
    by_fault: BTreeMap<&'static str, usize>,
    worst_recovery: Duration,
    most_parked: usize,
    most_spooled: usize,
    drains: Vec<Duration>,
    findings: Vec<Finding>,
    failures: Vec<String>,
}

/// Which faults this machine has no means for.
pub(super) fn announce(stage: &Stage) {
    if let Err(reason) = &stage.disk {
        println!("The disk of the spool is never full here: {reason:#}");
    }
    if let Err(reason) = &stage.strace {
        println!("Syncs never fail here: {reason:#}");
    }
    println!(
        "{:>4}{:>8}{:>7}{:>9}{:>8}{:>8}{:>8}  {:<6}  faults",
        "", "broken", "ready", "201", "202", "parked", "spooled", "check"
    );
}

impl Report {
    pub(super) fn new(journals: Journals, figures: Arc<Figures>) -> Self {
        Self {
            journals,
            figures,
            begun: Instant::now(),
            rounds: 0,
            by_fault: BTreeMap::new(),
            worst_recovery: Duration::ZERO,
            most_parked: 0,
            most_spooled: 0,
            drains: Vec::new(),
            findings: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn journals(&self) -> &Journals {
        &self.journals
    }

    /// Counts a round and prints its line.
    pub(super) fn add_round(&mut self, number: usize, round: &Round, passed: Passed, look: &Look) {
        self.rounds += 1;
        self.most_parked = self.most_parked.max(look.parked);
        self.most_spooled = self.most_spooled.max(look.spooled);
        for fault in &round.faults {
            *self.by_fault.entry(fault.name).or_default() += 1;
        }
        self.worst_recovery = self.worst_recovery.max(passed.recovery);
        let [events, notifications] = self.journals.both().map(|journal| journal.tally());
        println!(
            "{number:>4}{:>8.1}{:>7.1}{:>9}{:>8}{:>8}{:>8}  {:<6}  {round}",
            passed.broken.as_secs_f64(),
            passed.recovery.as_secs_f64(),
            events.stored + notifications.stored,
            events.accepted + notifications.accepted,
            look.parked,
            look.spooled,
            if look.findings.is_empty() {
                "ok"
            } else {
                "BROKEN"
            },
        );
    }

    pub(super) fn add_drain(&mut self, drained: bool, took: Duration) {
        println!(
            "      backlogs {} after {:.1} s",
            if drained { "empty" } else { "NOT EMPTY" },
            took.as_secs_f64()
        );
        self.drains.push(took);
    }

    pub(super) fn add_findings(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            let is_known =
                |known: &Finding| known.harm == finding.harm && known.mark == finding.mark;
            if !self.findings.iter().any(is_known) {
                self.findings.push(finding);
            }
        }
    }

    /// Something went wrong that is no broken promise.
    pub(super) fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    pub(super) fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    pub(super) fn is_clean(&self) -> bool {
        let surprises = self.figures.surprises.lock();
        let surprises = surprises.unwrap_or_else(PoisonError::into_inner);
        self.findings.is_empty() && self.failures.is_empty() && surprises.is_empty()
    }

    pub(super) fn print(&self) {
        println!();
        for fault in FAULTS {
            let count = self.by_fault.get(fault.name).copied().unwrap_or_default();
            println!("{:<28}{count:>9} rounds", fault.name);
        }
        println!();
        self.print_records();
        let micros =
            |value: u64| format!("{:.1} ms", Duration::from_micros(value).as_secs_f64() * 1e3);
        let figures = &self.figures;
        let drain = self.drains.iter().max().copied().unwrap_or_default();
        for (name, value) in [
            ("rounds", self.rounds.to_string()),
            (
                "time",
                format!("{:.0} s", self.begun.elapsed().as_secs_f64()),
            ),
            (
                "requests not sent",
                figures.unsent.load(Ordering::Relaxed).to_string(),
            ),
            (
                "slowest 201",
                micros(figures.slowest_stored.load(Ordering::Relaxed)),
            ),
            (
                "slowest 202",
                micros(figures.slowest_accepted.load(Ordering::Relaxed)),
            ),
            (
                "slowest recovery",
                format!("{:.1} s", self.worst_recovery.as_secs_f64()),
            ),
            ("slowest drain", format!("{:.1} s", drain.as_secs_f64())),
        ] {
            println!("{name:<28}{value:>12}");
        }
        self.print_harm();
    }

    fn print_records(&self) {
        for (journal, what) in self
            .journals
            .both()
            .into_iter()
            .zip(["event", "notification"])
        {
            let tally = journal.tally();
            for (name, count) in [
                ("acknowledged as stored", tally.stored),
                ("acknowledged 202", tally.accepted),
                ("refused", tally.refused),
                ("without an answer", tally.unanswered),
            ] {
                println!("{name:<28}{count:>9} {what}s");
            }
            let statuses = journal.statuses().into_iter();
            let statuses: Vec<String> = statuses
                .map(|(status, count)| match status {
                    0 => format!("none {count}"),
                    _ => format!("{status} {count}"),
                })
                .collect();
            let name = format!("answers to each {what}");
            println!("{name:<28} {}", statuses.join(", "));
        }
        let refusals = self.figures.refusals.lock();
        let refusals = refusals.unwrap_or_else(PoisonError::into_inner);
        for ((status, detail), count) in refusals.iter() {
            println!("{count:>9} requests {status}: {detail}");
        }
    }

    fn print_harm(&self) {
        println!();
        for (harm, name) in [
            (Harm::Lost, "lost"),
            (Harm::Duplicated, "duplicated"),
            (Harm::Altered, "altered"),
        ] {
            let harmed = || self.findings.iter().filter(|each| each.harm == harm);
            println!("{name:<28}{:>9} records", harmed().count());
            for finding in harmed().take(SHOWN) {
                println!("  {finding}");
            }
        }
        for failure in &self.failures {
            println!("failed: {failure}");
        }
        let surprises = self.figures.surprises.lock();
        for surprise in surprises.unwrap_or_else(PoisonError::into_inner).iter() {
            println!("a valid record was answered {surprise}");
        }
    }
}
