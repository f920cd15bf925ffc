//! What a measurement yields.

use serde_json::{Value, json};

/// How often per second, and how long it took half and nearly all of the clients.
#[derive(Debug, PartialEq)]
pub(super) struct Measurement {
    pub(super) rate: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Measurement {
    /// From every single duration, in microseconds; `None` of nothing.
    pub(super) fn of(mut micros: Vec<u64>, seconds: f64) -> Option<Self> {
        micros.sort_unstable();
        Some(Self {
            rate: f64::from(u32::try_from(micros.len()).ok()?) / seconds,
            p50_ms: percentile(&micros, 50)?,
            p99_ms: percentile(&micros, 99)?,
        })
    }

    /// As a JSON object.
    pub(super) fn to_json(&self) -> Value {
        json!({ "rate": self.rate, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms })
    }
}

/// By the nearest rank, of sorted microseconds, in milliseconds.
fn percentile(sorted: &[u64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let micros = *sorted.get(rank.checked_sub(1)?)?;
    Some(f64::from(u32::try_from(micros).ok()?) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let measured = Measurement::of((1..=100).rev().map(|each| each * 1000).collect(), 10.0);
        assert_eq!(
            measured,
            Some(Measurement {
                rate: 10.0,
                p50_ms: 50.0,
                p99_ms: 99.0
            })
        );
        assert_eq!(Measurement::of(Vec::new(), 1.0), None);
    }
}
