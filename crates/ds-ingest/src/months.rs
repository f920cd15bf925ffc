//! Months whose partition fails: one that is missing, detached or locked must not hold up the others.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ds_domain::{month::Month, time::utc_date};
use ds_metrics::catalog;
use ds_validation::{NewEvent, ValidAction};

use crate::breaker::{Breaker, Pass, Temper};

/// One failure is enough: it may have cost a writer the longest wait for a lock.
const TEMPER: Temper = Temper {
    failures_max: 1,
    pause_min: Duration::from_secs(1),
    pause_max: Duration::from_secs(30),
};

/// A table with a partition for each month.
#[derive(Debug)]
pub(crate) struct Table {
    /// What the partition of a month is called.
    partition: fn(Month) -> String,
    /// What becomes of its rows while it fails.
    fate: &'static str,
}

/// The events.
pub(crate) const EVENTS: Table = Table {
    partition: |month| month.partition_of("audit_events"),
    fate: "its events are parked",
};

/// The actions.
pub(crate) const ACTIONS: Table = Table {
    partition: Month::partition_of_actions,
    fate: "its actions are refused",
};

/// What is stored in the partition of its month.
pub(crate) trait Monthly {
    /// That month.
    fn month(&self) -> Month;

    /// Whether its id is looked for in every month.
    fn looks_for_id(&self) -> bool;
}

impl Monthly for NewEvent {
    fn month(&self) -> Month {
        Month::of(self.event().event_date())
    }

    fn looks_for_id(&self) -> bool {
        self.sender_chose_id()
    }
}

impl Monthly for ValidAction {
    fn month(&self) -> Month {
        Month::of(utc_date(self.action().action_timestamp))
    }

    /// Ids of actions have a table of their own.
    fn looks_for_id(&self) -> bool {
        false
    }
}

/// The months of a table that fail.
#[derive(Debug)]
pub(crate) struct Months {
    table: Table,
    is_troubled: AtomicBool,
    failing: Mutex<HashMap<Month, Failing>>,
}

/// One month that fails.
#[derive(Debug)]
struct Failing {
    breaker: Breaker,
    /// Whether it cannot even be read. An id that a sender chose is looked for in every month, so
    /// that events with such ids have to wait for this one, whichever month they fall into.
    hides_ids: bool,
}

impl Months {
    /// A table of which no month fails.
    pub(crate) fn of(table: Table) -> Self {
        Self {
            table,
            is_troubled: AtomicBool::new(false),
            failing: Mutex::default(),
        }
    }

    /// What the partition of `month` is called.
    pub(crate) fn partition(&self, month: Month) -> String {
        (self.table.partition)(month)
    }

    /// Asks for passage for rows of these months: the strictest answer of all.
    pub(crate) fn ask(&self, rows: &[impl Monthly]) -> Pass {
        if !self.is_troubled.load(Ordering::Relaxed) {
            return Pass::Free;
        }
        let failing = self.lock();
        let mut answer = Pass::Free;
        for in_the_way in concerned(&failing, rows) {
            match in_the_way.breaker.ask() {
                Pass::Free => {}
                Pass::Probe => answer = Pass::Probe,
                Pass::Refused => return Pass::Refused,
            }
        }
        answer
    }

    /// Gives probes back that were not made after all.
    pub(crate) fn give_back(&self, rows: &[impl Monthly]) {
        for in_the_way in concerned(&self.lock(), rows) {
            in_the_way.breaker.give_back();
        }
    }

    /// Notes that `rows` could not be stored because of `month`, although others can.
    pub(crate) fn fail(&self, month: Month, rows: &[impl Monthly]) {
        let mut failing = self.lock();
        self.is_troubled.store(true, Ordering::Relaxed);
        let entry = failing.entry(month).or_insert_with(|| Failing {
            breaker: Breaker::new(TEMPER),
            hides_ids: false,
        });
        entry.hides_ids |= months_of(rows).all(|own| own != month);
        let opened = entry.breaker.fail();
        let partition = self.partition(month);
        catalog::partition_failures(partition.clone()).increment(1);
        catalog::partition_failing(partition.clone()).set(1.0);
        if opened {
            let fate = self.table.fate;
            tracing::error!(partition, "Partition {partition} fails: {fate}");
        }
    }

    /// Notes that rows were stored.
    pub(crate) fn succeed(&self, rows: &[impl Monthly]) {
        if !self.is_troubled.load(Ordering::Relaxed) {
            return;
        }
        let mut failing = self.lock();
        if rows.iter().any(Monthly::looks_for_id) {
            for entry in failing.values_mut() {
                entry.hides_ids = false;
            }
        }
        for month in months_of(rows) {
            if failing.remove(&month).is_some() {
                let partition = self.partition(month);
                catalog::partition_failing(partition.clone()).set(0.0);
                tracing::info!(partition, "Partition {partition} works again");
            }
        }
        self.is_troubled
            .store(!failing.is_empty(), Ordering::Relaxed);
    }

    /// Partitions that fail at present.
    pub(crate) fn failing(&self) -> Vec<String> {
        let failing = self.lock();
        let mut months: Vec<Month> = failing.keys().copied().collect();
        months.sort_unstable();
        months.into_iter().map(self.table.partition).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Month, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failing months that stand in the way of `rows`.
fn concerned<'m>(
    failing: &'m HashMap<Month, Failing>,
    rows: &'m [impl Monthly],
) -> impl Iterator<Item = &'m Failing> {
    let looks_for_ids = rows.iter().any(Monthly::looks_for_id);
    let concerned = failing.iter().filter(move |(month, entry)| {
        let is_own = months_of(rows).any(|own| own == **month);
        is_own || (looks_for_ids && entry.hides_ids)
    });
    concerned.map(|(_, entry)| entry)
}

/// The months of rows, each once if they follow each other.
fn months_of(rows: &[impl Monthly]) -> impl Iterator<Item = Month> {
    let mut last = None;
    rows.iter()
        .map(Monthly::month)
        .filter(move |month| last.replace(*month) != Some(*month))
}

#[cfg(test)]
mod tests {
    use ds_validation::{Limits, parse_event};
    use jiff::{Timestamp, ToSpan, civil::date, tz::TimeZone};

    use super::*;
    use crate::testing::event_body;

    fn event(day: jiff::civil::Date, more: &str) -> Vec<NewEvent> {
        let at: Timestamp = day.to_zoned(TimeZone::UTC).unwrap().timestamp();
        let body = event_body(at, more);
        let valid = parse_event(body.as_bytes(), at, &Limits::default()).unwrap();
        vec![valid.identify(uuid::Uuid::nil, None)]
    }

    #[tokio::test(start_paused = true)]
    async fn a_month_that_cannot_be_read_keeps_chosen_ids_of_all_months_out() {
        let chosen = r#","event_id":"01931c5e-7f00-7000-8000-0000000000aa""#;
        let october = date(2026, 10, 5);
        let november = october + 1.month();
        let months = Months::of(EVENTS);
        months.fail(Month::of(october), &event(october, ""));
        assert_eq!(months.ask(&event(november, chosen)), Pass::Free);
        months.fail(Month::of(october), &event(november, chosen));
        assert_eq!(months.ask(&event(november, chosen)), Pass::Refused);
        assert_eq!(months.ask(&event(november, "")), Pass::Free);
        tokio::time::advance(TEMPER.pause_max).await;
        assert_eq!(months.ask(&event(november, chosen)), Pass::Probe);
        months.succeed(&event(november, chosen));
        assert_eq!(months.ask(&event(november, chosen)), Pass::Free);
        assert_eq!(months.failing(), ["audit_events_2026_10"]);
        months.succeed(&event(october, ""));
        assert!(months.failing().is_empty());
    }
}
