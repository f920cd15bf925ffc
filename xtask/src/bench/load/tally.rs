//! What came of a load: how many events, how fast, with which answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// A connection that broke instead of an answer.
pub(in crate::bench) const BROKEN: u16 = 0;

/// Latencies are kept in microseconds up to a minute, to three digits.
const LONGEST_US: u64 = 60_000_000;

/// What one request came to.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) struct Done {
    /// Status of the answer; the references count as 200.
    pub(in crate::bench) status: u16,
    /// Events it carried.
    pub(in crate::bench) events: u32,
    /// Whether the answer says when to come again.
    pub(in crate::bench) has_retry_after: bool,
}

impl Done {
    /// Success without HTTP.
    pub(in crate::bench) fn stored(events: u32) -> Self {
        Self {
            status: 200,
            events,
            has_retry_after: false,
        }
    }

    fn is_accepted(self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A count in progress.
pub(super) struct Tally {
    accepted: Histogram<u64>,
    refused: Histogram<u64>,
    events: u64,
    without_retry_after: u64,
    by_status: BTreeMap<u16, u64>,
}

impl Tally {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and valid")]
    pub(super) fn new() -> Self {
        let empty = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds are valid");
        Self {
            accepted: empty.clone(),
            refused: empty,
            events: 0,
            without_retry_after: 0,
            by_status: BTreeMap::new(),
        }
    }

    pub(super) fn count(&mut self, done: Done, latency: Duration) {
        *self.by_status.entry(done.status).or_default() += 1;
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        if done.is_accepted() {
            self.accepted.saturating_record(micros);
            self.events += u64::from(done.events);
        } else if done.status != BROKEN {
            self.refused.saturating_record(micros);
            self.without_retry_after += u64::from(!done.has_retry_after);
        }
    }

    /// Moves what was counted into `sum` and begins anew.
    pub(super) fn drain_into(&mut self, sum: &mut Self) {
        // Both have the same bounds.
        let _ = sum.accepted.add(&self.accepted);
        let _ = sum.refused.add(&self.refused);
        sum.events += std::mem::take(&mut self.events);
        sum.without_retry_after += std::mem::take(&mut self.without_retry_after);
        for (status, count) in std::mem::take(&mut self.by_status) {
            *sum.by_status.entry(status).or_default() += count;
        }
        self.accepted.reset();
        self.refused.reset();
    }
}

/// A count over a known time.
pub(in crate::bench) struct Measured {
    seconds: f64,
    tally: Tally,
}

impl Measured {
    pub(super) fn new(tally: Tally, time: Duration) -> Self {
        Self {
            seconds: time.as_secs_f64(),
            tally,
        }
    }

    /// Events a second that were accepted.
    pub(in crate::bench) fn rate(&self) -> f64 {
        count(self.tally.events) / self.seconds
    }

    /// Events that were accepted.
    pub(in crate::bench) fn events(&self) -> u64 {
        self.tally.events
    }

    /// Requests answered with this status.
    pub(in crate::bench) fn answered(&self, status: u16) -> u64 {
        self.tally.by_status.get(&status).copied().unwrap_or(0)
    }

    /// Requests a second that were answered with this status.
    pub(in crate::bench) fn answered_rate(&self, status: u16) -> f64 {
        count(self.answered(status)) / self.seconds
    }

    /// All requests, whatever came of them.
    pub(in crate::bench) fn requests(&self) -> u64 {
        self.tally.by_status.values().sum()
    }

    /// All requests a second.
    pub(in crate::bench) fn requests_rate(&self) -> f64 {
        count(self.requests()) / self.seconds
    }

    /// Milliseconds within which this share of the accepted were answered.
    pub(in crate::bench) fn accepted_ms(&self, percent: f64) -> f64 {
        millis(&self.tally.accepted, percent)
    }

    /// The same of the refused.
    pub(in crate::bench) fn refused_ms(&self, percent: f64) -> f64 {
        millis(&self.tally.refused, percent)
    }

    /// Refusals that do not say when to come again.
    pub(in crate::bench) fn without_retry_after(&self) -> u64 {
        self.tally.without_retry_after
    }

    /// `201: 4711, 503: 3`, for people.
    pub(in crate::bench) fn statuses(&self) -> String {
        let name = |status: &u16| match *status {
            BROKEN => "broken connection".to_owned(),
            status => status.to_string(),
        };
        let each = self.tally.by_status.iter();
        each.map(|(status, count)| format!("{}: {count}", name(status)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn millis(histogram: &Histogram<u64>, percent: f64) -> f64 {
    count(histogram.value_at_percentile(percent)) / 1000.0
}

/// A count as a number to reckon with; exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2⁵³")]
pub(in crate::bench) fn count(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(status: u16) -> Done {
        Done {
            status,
            events: 2,
            has_retry_after: status == 429,
        }
    }

    #[test]
    fn accepted_and_refused_are_kept_apart() {
        let (mut shard, mut sum) = (Tally::new(), Tally::new());
        for (status, ms) in [(201, 2), (202, 4), (429, 10), (503, 20), (BROKEN, 9)] {
            shard.count(done(status), Duration::from_millis(ms));
        }
        shard.drain_into(&mut sum);
        shard.drain_into(&mut sum);
        let measured = Measured::new(sum, Duration::from_secs(2));
        assert_eq!(measured.events(), 4);
        assert!((measured.rate() - 2.0).abs() < 1e-9);
        assert!((measured.accepted_ms(100.0) - 4.0).abs() < 0.1);
        assert!((measured.refused_ms(100.0) - 20.0).abs() < 0.1);
        assert_eq!(measured.without_retry_after(), 1);
        assert_eq!(
            measured.statuses(),
            "broken connection: 1, 201: 1, 202: 1, 429: 1, 503: 1"
        );
    }
}
