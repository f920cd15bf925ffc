//! Calendar months in UTC: the unit of partitioning.

use std::fmt;

use jiff::civil::Date;

/// One calendar month.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month that holds `date`.
    pub fn of(date: Date) -> Self {
        Self {
            year: date.year(),
            month: date.month(),
        }
    }

    /// Its first day: the inclusive lower bound of its partition.
    pub fn first_day(self) -> Date {
        // `Month` is only made from real dates and by stepping within jiff's years.
        jiff::civil::date(self.year, self.month, 1)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    /// The month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        match self.month {
            1 => Self {
                year: self.year - 1,
                month: 12,
            },
            month => Self {
                year: self.year,
                month: month - 1,
            },
        }
    }

    /// The name of this month's partition of `table`, as in `audit_events_2026_11`.
    pub fn partition_of(self, table: &str) -> String {
        format!("{table}_{:04}_{:02}", self.year, self.month)
    }

    /// The name of this month's partition of the actions, which the first service named in its own
    /// way: `resource_action_traces_y2026m11`.
    pub fn partition_of_actions(self) -> String {
        format!("resource_action_traces_y{:04}m{:02}", self.year, self.month)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// The months that must have a partition on `today`: the previous one, this one and `ahead` more.
pub fn covering(today: Date, ahead: u8) -> Vec<Month> {
    let current = Month::of(today);
    let first = current.previous();
    std::iter::successors(Some(first), |month| Some(month.next()))
        .take(usize::from(ahead) + 2)
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{
        limit::{CLOCK_SKEW_MAX, EVENT_AGE_MAX},
        time::{Clock, ManualClock, utc_date},
    };

    #[track_caller]
    fn check(today: Date, expected: &[&str]) {
        let months: Vec<String> = covering(today, 3).iter().map(ToString::to_string).collect();
        assert_eq!(months, expected);
    }

    #[test]
    fn coverage_is_previous_current_and_three_more_on_any_day() {
        check(
            date(2026, 11, 21),
            &["2026-10", "2026-11", "2026-12", "2027-01", "2027-02"],
        );
        check(
            date(2026, 1, 31),
            &["2025-12", "2026-01", "2026-02", "2026-03", "2026-04"],
        );
        check(
            date(2028, 2, 29),
            &["2028-01", "2028-02", "2028-03", "2028-04", "2028-05"],
        );
        check(
            date(2026, 12, 31),
            &["2026-11", "2026-12", "2027-01", "2027-02", "2027-03"],
        );
        check(
            date(2026, 8, 30),
            &["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"],
        );
    }

    #[test]
    fn every_event_in_the_accepted_window_has_a_partition_on_any_day() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        while clock.now() < "2030-03-02T00:00:00Z".parse().unwrap() {
            let now = clock.now();
            let covered = covering(utc_date(now), 3);
            for instant in [now - EVENT_AGE_MAX, now, now + CLOCK_SKEW_MAX] {
                assert!(
                    covered.contains(&Month::of(utc_date(instant))),
                    "{instant} on {now}"
                );
            }
            // Three minutes off the hour, so that midnights are approached from both sides.
            clock.set(now + jiff::SignedDuration::from_mins(57));
        }
    }

    #[test]
    fn partitions_are_named_after_the_month() {
        assert_eq!(
            Month::of(date(2026, 3, 9)).partition_of("audit_events"),
            "audit_events_2026_03"
        );
    }
}
