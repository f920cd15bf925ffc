//! Who may write: decided before a body is read, so that overload costs next to nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ds_metrics::{Refusal, catalog};

use crate::{queue::Level, settings::Settings};

/// Shortest and longest time a refused client is told to wait.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// More is asked for than can be done now. Nothing was read or recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many writes are waiting")]
pub struct Overloaded {
    /// When to come again.
    pub retry_after: Duration,
}

/// The right to send one write; given back when it is dropped.
#[derive(Debug)]
pub struct Admission {
    gate: Arc<Gate>,
    bytes: usize,
}

/// Counts what is in flight.
#[derive(Debug)]
pub(crate) struct Gate {
    writes_max: usize,
    bytes_max: usize,
    delay_max: Duration,
    large_delay_max: Duration,
    writes: AtomicUsize,
    bytes: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            writes_max: settings.writes_in_flight_max,
            bytes_max: settings.body_bytes_in_flight_max,
            delay_max: settings.queue_delay_max,
            // Beyond it they would be parked.
            large_delay_max: settings.queue_wait_max,
            writes: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        })
    }

    /// Lets a write of `bytes` in, unless there are too many.
    pub(crate) fn admit(
        self: &Arc<Self>,
        bytes: usize,
        level: impl FnOnce() -> Level,
    ) -> Result<Admission, Overloaded> {
        // Counted first and judged then: the count is exact however many come at once.
        let admission = Admission {
            gate: Arc::clone(self),
            bytes,
        };
        let writes = self.writes.fetch_add(1, Ordering::Relaxed);
        let in_flight = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let Level {
            delay, large_delay, ..
        } = level();
        let refusal = if writes >= self.writes_max {
            Refusal::WritesInFlight
        } else if in_flight > 0 && in_flight.saturating_add(bytes) > self.bytes_max {
            Refusal::BodyBytes
        } else if delay > self.delay_max || large_delay > self.large_delay_max {
            Refusal::QueueDelay
        } else {
            return Ok(admission);
        };
        Err(overloaded(refusal, delay))
    }
}

/// Counts a refusal and says when to come again.
pub(crate) fn overloaded(refusal: Refusal, delay: Duration) -> Overloaded {
    catalog::writes_refused(refusal).increment(1);
    Overloaded {
        retry_after: delay.clamp(RETRY_MIN, RETRY_MAX),
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.gate.writes.fetch_sub(1, Ordering::Relaxed);
        self.gate.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Arc<Gate> {
        Gate::new(&Settings {
            writes_in_flight_max: 2,
            body_bytes_in_flight_max: 100,
            queue_delay_max: Duration::from_millis(50),
            ..Settings::default()
        })
    }

    #[test]
    fn writes_in_flight_are_bounded() {
        let gate = gate();
        let first = gate.admit(1, Level::default).unwrap();
        let _second = gate.admit(1, Level::default).unwrap();
        assert!(gate.admit(1, Level::default).is_err());
        assert!(
            gate.admit(1, Level::default).is_err(),
            "a refusal gives its place back"
        );
        drop(first);
        assert!(gate.admit(1, Level::default).is_ok());
    }

    #[test]
    fn bodies_in_flight_are_bounded_but_one_always_passes() {
        let gate = gate();
        let large = gate.admit(1000, Level::default).unwrap();
        assert!(gate.admit(1, Level::default).is_err());
        drop(large);
        let _half = gate.admit(60, Level::default).unwrap();
        assert!(gate.admit(60, Level::default).is_err());
        assert!(gate.admit(40, Level::default).is_ok());
    }

    #[test]
    fn nobody_is_let_in_to_wait_for_too_long() {
        let level = |millis| Level {
            delay: Duration::from_millis(millis),
            ..Level::default()
        };
        let gate = gate();
        assert!(gate.admit(1, || level(50)).is_ok());
        let refused = gate.admit(1, || level(51)).unwrap_err();
        assert_eq!(refused.retry_after, RETRY_MIN);
        let refused = gate.admit(1, || level(7_000)).unwrap_err();
        assert_eq!(refused.retry_after.as_secs(), 7);
        let batches = |millis| Level {
            large_delay: Duration::from_millis(millis),
            ..Level::default()
        };
        assert!(gate.admit(1, || batches(1_000)).is_ok());
        assert!(gate.admit(1, || batches(1_001)).is_err());
    }
}
