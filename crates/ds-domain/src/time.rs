//! Time: the clock port, and the two conversions everything agrees on.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The one source of "now".
pub trait Clock: Send + Sync + 'static {
    /// The current time, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// Cuts to whole microseconds, which is what PostgreSQL keeps.
///
/// Cuts downward, also before 1970, so that an instant never moves into the future.
pub fn truncate_to_micros(timestamp: Timestamp) -> Timestamp {
    let micros = timestamp.as_nanosecond().div_euclid(1_000);
    Timestamp::from_nanosecond(micros * 1_000).unwrap_or(timestamp)
}

/// The UTC day of an instant.
pub fn utc_date(timestamp: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(timestamp).date()
}

/// A clock that stands still until a test turns it. Clones share the same hands.
#[cfg(any(test, feature = "test-util"))]
#[derive(Clone, Debug)]
pub struct ManualClock(std::sync::Arc<std::sync::atomic::AtomicI64>);

#[cfg(any(test, feature = "test-util"))]
impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(std::sync::Arc::new(now.as_microsecond().into()))
    }

    /// Turns the clock to `now`.
    pub fn set(&self, now: Timestamp) {
        self.0
            .store(now.as_microsecond(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let micros = self.0.load(std::sync::atomic::Ordering::SeqCst);
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_cut(given: &str, expected: &str) {
        let cut = truncate_to_micros(given.parse().unwrap());
        assert_eq!(cut, expected.parse::<Timestamp>().unwrap());
    }

    #[test]
    fn instants_are_cut_downward_to_microseconds() {
        check_cut(
            "2026-11-21T10:00:00.123456789Z",
            "2026-11-21T10:00:00.123456Z",
        );
        check_cut("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z");
        check_cut(
            "1969-12-31T23:59:59.999999999Z",
            "1969-12-31T23:59:59.999999Z",
        );
    }

    #[test]
    fn the_day_is_the_utc_day() {
        let late = "2026-12-31T23:30:00-05:00".parse().unwrap();
        assert_eq!(utc_date(late), jiff::civil::date(2027, 1, 1));
    }
}
