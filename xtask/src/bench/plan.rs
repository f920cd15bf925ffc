//! How long is measured, and how often.

use std::time::Duration;

/// Times and counts of a run.
pub(super) struct Plan {
    /// Before each measurement.
    pub(super) warm_up: Duration,
    /// Each measurement of a rate or a latency.
    pub(super) measure: Duration,
    /// Rounds in which what is compared takes turns; the median counts.
    pub(super) rounds: usize,
    /// Connections of the plots.
    pub(super) curve: &'static [usize],
    /// Each point of the plots.
    pub(super) point: Duration,
    /// Rows 7 and 9, which look for the rare.
    pub(super) long: Duration,
    /// Starts of the service.
    pub(super) starts: usize,
    /// Rows of the table that queries read.
    pub(super) seeded_rows: u32,
    /// Rows of the table that is read as a whole.
    pub(super) many_rows: u32,
    /// How long PostgreSQL stays away.
    pub(super) outage: Duration,
}

impl Plan {
    /// What the targets ask for; about ten minutes.
    pub(super) fn full() -> Self {
        Self {
            warm_up: Duration::from_secs(1),
            measure: Duration::from_secs(4),
            rounds: 3,
            curve: &[1, 8, 16, 64, 256, 512],
            point: Duration::from_secs(2),
            long: Duration::from_secs(60),
            starts: 15,
            seeded_rows: 300_000,
            many_rows: 1_000_000,
            outage: Duration::from_secs(8),
        }
    }

    /// The same with less certainty, in three minutes.
    pub(super) fn quick() -> Self {
        Self {
            warm_up: Duration::from_millis(500),
            measure: Duration::from_secs(2),
            rounds: 1,
            curve: &[1, 16, 64, 256],
            point: Duration::from_secs(1),
            long: Duration::from_secs(20),
            starts: 5,
            seeded_rows: 100_000,
            many_rows: 200_000,
            outage: Duration::from_secs(4),
        }
    }
}
