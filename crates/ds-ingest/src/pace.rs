//! How fast flushes are, and how many writers that calls for.
//!
//! A flush costs some time however small it is (round trips, the sync of the log) and some for each
//! row. While the first part is small, one writer loses little to it and more would only make the
//! batches smaller. When it is large, as on slow storage, writers spend their time
//! waiting, and more of them wait at the same time.
//!
//! A flush is also slow when the processors are busy, and more writers would keep them busier. What
//! tells the two apart is the quickest of many flushes: storage is slow for it too, while every
//! crowd has gaps.

use std::time::Duration;

/// Weight that an older flush keeps when a new one is noted.
const MEMORY: f64 = 0.98;

/// The fixed cost of a flush that one more writer is worth, in seconds.
const WAIT_PER_WRITER: f64 = 0.000_8;

/// So many flushes are compared for the quickest, and at most as many again that came before.
const WINDOW: u32 = 64;

/// Flushes before the first conclusion: the very first ones connect and warm the caches.
const LEARNED: f64 = 8.0;

/// How much slower than expected a flush can be to be taken at its word, as a factor and in seconds.
const SURPRISE: f64 = 4.0;
const SURPRISE_SECONDS: f64 = 0.01;

/// Guesses before the first flush: of its fixed cost and of that per row, in seconds.
const FIXED_FIRST: f64 = 0.000_5;
const ROW_FIRST: f64 = 0.000_06;

/// A running regression of the time of a flush on its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    writers_min: usize,
    writers_max: usize,
    weight: f64,
    rows: f64,
    seconds: f64,
    rows_squared: f64,
    rows_seconds: f64,
    quickest: Quickest,
    writers: usize,
}

/// The least of the latest values.
#[derive(Clone, Copy, Debug)]
struct Quickest {
    before: f64,
    now: f64,
    count: u32,
}

impl Quickest {
    const NONE: Self = Self {
        before: f64::INFINITY,
        now: f64::INFINITY,
        count: 0,
    };

    fn note(&mut self, value: f64) {
        self.now = self.now.min(value);
        self.count += 1;
        if self.count == WINDOW {
            *self = Self {
                before: self.now,
                ..Self::NONE
            };
        }
    }

    fn get(self) -> f64 {
        self.before.min(self.now)
    }
}

impl Pace {
    pub(crate) fn new(writers_min: usize, writers_max: usize) -> Self {
        Self {
            writers_min,
            writers_max: writers_max.max(writers_min),
            weight: 0.0,
            rows: 0.0,
            seconds: 0.0,
            rows_squared: 0.0,
            rows_seconds: 0.0,
            quickest: Quickest::NONE,
            writers: writers_min,
        }
    }

    /// Notes a flush.
    pub(crate) fn flushed(&mut self, rows: usize, elapsed: Duration) {
        let rows = number(rows.max(1));
        let (fixed, per_row) = self.costs();
        // One flush that hung says little about the next ones; many of them will be believed.
        let likely_max = SURPRISE * (fixed + per_row * rows) + SURPRISE_SECONDS;
        let seconds = elapsed.as_secs_f64().min(likely_max);
        for (sum, value) in [
            (&mut self.weight, 1.0),
            (&mut self.rows, rows),
            (&mut self.seconds, seconds),
            (&mut self.rows_squared, rows * rows),
            (&mut self.rows_seconds, rows * seconds),
        ] {
            *sum = *sum * MEMORY + value;
        }
        let (_, per_row) = self.costs();
        self.quickest.note((seconds - per_row * rows).max(0.0));
        if self.weight < LEARNED {
            return;
        }
        let wanted = 1.0 + (self.quickest.get() / WAIT_PER_WRITER).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the value lies between the two bounds"
        )]
        let wanted = wanted.clamp(0.0, 1000.0) as usize;
        self.writers = wanted.clamp(self.writers_min, self.writers_max);
    }

    /// How many writers are worth their while.
    pub(crate) fn writers(&self) -> usize {
        self.writers
    }

    /// How long `rows` take that wait, when so many writers take at most `flush_rows_max` at once.
    pub(crate) fn delay(&self, rows: usize, writers: usize, flush_rows_max: usize) -> Duration {
        let (fixed, per_row) = self.costs();
        let flushes = number(rows.div_ceil(flush_rows_max.max(1)));
        let seconds = (flushes * fixed + number(rows) * per_row) / number(writers.max(1));
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// The part of a flush's time that does not depend on its rows, and that of one row.
    fn costs(&self) -> (f64, f64) {
        if self.weight < 1.0 {
            return (FIXED_FIRST, ROW_FIRST);
        }
        let (mean_rows, mean_seconds) = (self.rows / self.weight, self.seconds / self.weight);
        let variance = self.rows_squared / self.weight - mean_rows * mean_rows;
        // Flushes of one size say nothing about the share of a row.
        let per_row = if variance > 1.0 {
            let covariance = self.rows_seconds / self.weight - mean_rows * mean_seconds;
            (covariance / variance).clamp(0.0, mean_seconds / mean_rows)
        } else {
            ROW_FIRST.min(mean_seconds / mean_rows)
        };
        (mean_seconds - per_row * mean_rows, per_row)
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The writers wanted after flushes that cost `fixed_micros` and 60 µs a row.
    fn writers_for(fixed_micros: u64) -> usize {
        let mut pace = Pace::new(2, 8);
        for n in 0..500 {
            let rows = 1 + n * 7 % 60;
            pace.flushed(
                usize::try_from(rows).unwrap(),
                Duration::from_micros(fixed_micros + 60 * rows),
            );
        }
        pace.writers()
    }

    #[test]
    fn slow_storage_calls_for_more_writers() {
        assert_eq!(writers_for(300), 2);
        assert_eq!(writers_for(2_500), 4);
        assert_eq!(writers_for(50_000), 8);
    }

    #[test]
    fn single_rows_are_told_from_slow_storage() {
        let mut pace = Pace::new(2, 8);
        for _ in 0..100 {
            pace.flushed(1, Duration::from_micros(400));
        }
        assert_eq!(pace.writers(), 2);
        for _ in 0..200 {
            pace.flushed(1, Duration::from_millis(7));
        }
        assert_eq!(pace.writers(), 8);
    }

    #[test]
    fn busy_processors_do_not_call_for_more_writers() {
        let mut pace = Pace::new(2, 8);
        for n in 0..500_u64 {
            let rows = 1 + n * 7 % 60;
            // Eleven flushes of twelve had to wait for a processor.
            let wait = if n % 12 == 0 { 0 } else { 10_000 };
            let micros = 300 + 60 * rows + wait;
            pace.flushed(
                usize::try_from(rows).unwrap(),
                Duration::from_micros(micros),
            );
            assert_eq!(pace.writers(), 2, "after flush {n}");
        }
    }

    #[test]
    fn connecting_does_not_call_for_more_writers() {
        let mut pace = Pace::new(2, 8);
        for n in 0..20 {
            let millis = if n < 2 { 30 } else { 2 };
            pace.flushed(1, Duration::from_millis(millis));
        }
        assert_eq!(pace.writers(), 3);
    }

    #[test]
    fn the_expected_delay_grows_with_the_queue() {
        let mut pace = Pace::new(2, 2);
        assert_eq!(pace.delay(0, 2, 256), Duration::ZERO);
        for n in 0..100 {
            let rows = 100 + n % 10;
            pace.flushed(rows, Duration::from_micros(1_000 + 90 * rows as u64));
        }
        // Four flushes of 1 ms and 90 µs a row, by two writers.
        let millis = pace.delay(1000, 2, 256).as_millis();
        assert!((45..=49).contains(&millis), "{millis}");
    }

    #[test]
    fn one_flush_that_hung_does_not_spoil_the_estimate() {
        let mut pace = Pace::new(1, 8);
        for _ in 0..50 {
            pace.flushed(10, Duration::from_millis(1));
        }
        pace.flushed(10, Duration::from_secs(5));
        assert!(pace.delay(100, 1, 256) < Duration::from_millis(10));
        for _ in 0..100 {
            pace.flushed(10, Duration::from_secs(5));
        }
        assert!(pace.delay(100, 1, 256) > Duration::from_millis(200));
    }

    #[test]
    fn rows_that_share_a_slow_flush_do_not_wait_for_one_each() {
        let mut pace = Pace::new(2, 2);
        for _ in 0..100 {
            pace.flushed(1, Duration::from_millis(50));
        }
        assert!(pace.delay(200, 2, 256) < Duration::from_millis(60));
    }
}
