//! The only readers of the operating system's clock and randomness.

use ds_domain::{
    id::IdSource,
    time::{Clock, truncate_to_micros},
};
use jiff::Timestamp;
use uuid::Uuid;

/// The clock on the wall, in whole microseconds: what PostgreSQL keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    fn now(&self) -> Timestamp {
        truncate_to_micros(Timestamp::now())
    }
}

/// Version 7 UUIDs: ids made later sort later within this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemIds;

impl IdSource for SystemIds {
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_in_whole_microseconds() {
        assert_eq!(SystemClock.now().as_nanosecond() % 1_000, 0);
    }

    #[test]
    fn ids_are_version_7_and_rise() {
        let ids: Vec<_> = (0..1_000).map(|_| SystemIds.next_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(ids[0].get_version_num(), 7);
    }
}
