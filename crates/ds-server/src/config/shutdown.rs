//! Section `shutdown`: what happens after a signal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::{Problems, set};

const BUDGET_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Shutdown {
    propagation_pause: String,
    drain_timeout: String,
    workers_timeout: String,
    total_timeout: Option<String>,
}

/// What happens after a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ShutdownSettings {
    /// How long the API keeps serving while readiness says no.
    pub propagation_pause: Duration,
    /// Longest time to finish the requests that are being answered.
    pub drain_timeout: Duration,
    /// Longest time for background work to end.
    pub workers_timeout: Duration,
}

impl Shutdown {
    pub(super) fn settings(&self, problems: &mut Problems) -> ShutdownSettings {
        let mut budget = |key: &str, text: &str| {
            problems.duration(
                &format!("shutdown.{key}"),
                text,
                Duration::ZERO..=BUDGET_MAX,
            )
        };
        let pause = budget("propagation_pause", &self.propagation_pause);
        let drain = budget("drain_timeout", &self.drain_timeout);
        let workers_timeout = budget("workers_timeout", &self.workers_timeout);
        let total = set(self.total_timeout.as_ref()).map(|text| budget("total_timeout", text));
        let (propagation_pause, drain_timeout) = within(total, pause, drain);
        ShutdownSettings {
            propagation_pause,
            drain_timeout,
            workers_timeout,
        }
    }
}

/// Fits pause and drain into `total`. The pause gives way when it would take more than half: a drain
/// without time cuts requests off for certain, a short pause only risks that new ones are refused.
fn within(total: Option<Duration>, pause: Duration, drain: Duration) -> (Duration, Duration) {
    let Some(total) = total else {
        return (pause, drain);
    };
    let pause = pause.min(total / 2);
    (pause, drain.min(total.saturating_sub(pause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_bounds_pause_and_drain_together() {
        let secs = Duration::from_secs;
        assert_eq!(within(None, secs(5), secs(30)), (secs(5), secs(30)));
        assert_eq!(
            within(Some(secs(30)), secs(5), secs(30)),
            (secs(5), secs(25))
        );
        assert_eq!(
            within(Some(secs(60)), secs(5), secs(30)),
            (secs(5), secs(30))
        );
        assert_eq!(within(Some(secs(4)), secs(5), secs(30)), (secs(2), secs(2)));
    }
}
