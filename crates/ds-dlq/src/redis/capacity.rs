//! How full the queue is: its metrics, and the log lines when it passes a threshold.

use std::sync::atomic::{AtomicU8, Ordering};

use ds_metrics::{Stream, catalog};

/// How alarming a filling is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Level {
    Calm = 0,
    Warning = 1,
    Critical = 2,
    Imminent = 3,
}

impl Level {
    fn of(ratio: f64) -> Self {
        match ratio {
            0.95.. => Self::Imminent,
            0.90.. => Self::Critical,
            0.80.. => Self::Warning,
            _ => Self::Calm,
        }
    }
}

/// The filling of one stream.
#[derive(Debug)]
pub(super) struct Capacity {
    stream: Stream,
    pub(super) entries_max: u64,
    pub(super) bytes_max: u64,
    level: AtomicU8,
}

impl Capacity {
    pub(super) fn new(stream: Stream, entries_max: u64, bytes_max: u64) -> Self {
        Self {
            stream,
            entries_max,
            bytes_max,
            level: AtomicU8::new(Level::Calm as u8),
        }
    }

    /// Takes note of how much there is.
    pub(super) fn observe(&self, depth: u64, bytes: u64) {
        let ratio = share(depth, self.entries_max).max(share(bytes, self.bytes_max));
        let level = Level::of(ratio);
        let stream = self.stream;
        catalog::dlq_depth(stream).set(float(depth));
        catalog::dlq_bytes(stream).set(float(bytes));
        catalog::dlq_capacity_ratio(stream).set(ratio);
        let is = |wanted: Level| f64::from(u8::from(level == wanted));
        catalog::dlq_warning(stream).set(is(Level::Warning));
        catalog::dlq_critical(stream).set(is(Level::Critical));
        catalog::dlq_overflow_imminent(stream).set(is(Level::Imminent));

        let before = self.level.swap(level as u8, Ordering::SeqCst);
        if before != level as u8 {
            self.log(level, before < level as u8, depth, bytes, ratio);
        }
    }

    fn log(&self, level: Level, is_rise: bool, depth: u64, bytes: u64, ratio: f64) {
        let (max, bytes_max) = (self.entries_max, self.bytes_max);
        let ratio = format!("{:.2}%", ratio * 100.0);
        let stream = self.stream.as_str();
        match (level, is_rise) {
            (Level::Imminent, true) => {
                tracing::error!(
                    depth,
                    max,
                    bytes,
                    bytes_max,
                    ratio,
                    stream,
                    "queue overflow is imminent"
                );
            }
            (Level::Critical, true) => {
                tracing::error!(
                    depth,
                    max,
                    bytes,
                    bytes_max,
                    ratio,
                    stream,
                    "queue is nearly full"
                );
            }
            (Level::Warning, true) => {
                tracing::info!(
                    depth,
                    max,
                    bytes,
                    bytes_max,
                    ratio,
                    stream,
                    "queue is filling up"
                );
            }
            (_, _) => {
                tracing::info!(
                    depth,
                    max,
                    bytes,
                    bytes_max,
                    ratio,
                    stream,
                    "queue is emptier again"
                );
            }
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    float(part) / float(whole.max(1))
}

/// As a metric; beyond 2^53 the last digits say nothing to anybody.
#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_at_their_thresholds() {
        for (ratio, level) in [
            (0.0, Level::Calm),
            (0.799, Level::Calm),
            (0.8, Level::Warning),
            (0.9, Level::Critical),
            (0.949, Level::Critical),
            (0.95, Level::Imminent),
            (1.2, Level::Imminent),
        ] {
            assert_eq!(Level::of(ratio), level, "{ratio}");
        }
    }
}
