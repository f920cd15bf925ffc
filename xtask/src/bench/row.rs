//! The rows of the table: a new one is one entry here and one function.

use std::fmt;
use std::pin::Pin;

use anyhow::{Error, Result};

use super::figure::Figure;
use super::rows::{
    batch, catalogue, coalescer, latency, memory, million, outage, overload, query, rate, search,
    single, slow_storage, start,
};
use super::stage::Stage;

/// A row of the targets.
pub(super) struct Row {
    /// Its number there.
    pub(super) number: u8,
    /// What it is about.
    pub(super) property: &'static str,
    /// What it asks for, as it stands there.
    pub(super) must: &'static str,
    /// And what beyond that.
    pub(super) stretch: &'static str,
    /// Measures it.
    pub(super) measure: for<'s> fn(&'s Stage) -> Measuring<'s>,
}

/// A row being measured.
pub(super) type Measuring<'s> = Pin<Box<dyn Future<Output = Result<Vec<Line>>> + 's>>;

/// A line of the table.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// A figure.
    Measured(Figure),
    /// None, and why.
    Missing {
        property: String,
        must: &'static str,
        stretch: &'static str,
        reason: String,
    },
}

impl From<Figure> for Line {
    fn from(figure: Figure) -> Self {
        Self::Measured(figure)
    }
}

/// Something that cannot be measured here, which is no failure of what is measured.
#[derive(Debug)]
pub(super) struct NotMeasured(pub(super) String);

impl NotMeasured {
    /// Without `what`, because of `error`.
    pub(super) fn because(what: &str, error: &Error) -> Error {
        // The last line says most: it is the end of a log, or all there is.
        let reason = format!("{error:#}");
        let reason = reason.lines().last().unwrap_or_default();
        Error::new(Self(format!("{what}: {reason}")))
    }
}

impl fmt::Display for NotMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotMeasured {}

/// All rows, in the order in which they are measured: queries before the table they read has grown.
pub(super) const ROWS: &[Row] = &[
    Row {
        number: 1,
        property: "single POST, durable 201, ≥ 256 concurrent",
        must: "≥ 0.80 × H and ≥ 2.5 × one INSERT per request",
        stretch: "≥ 0.95 × H",
        measure: |stage| Box::pin(single::measure(stage)),
    },
    Row {
        number: 2,
        property: "group commit alone",
        must: "≥ 0.80 × M (256 waiters), ≥ 0.95 × M (1024)",
        stretch: "≥ 0.95 × C (1024)",
        measure: |stage| Box::pin(coalescer::measure(stage)),
    },
    Row {
        number: 5,
        property: "batch POST, 500 events, 4 clients",
        must: "≥ 0.75 × C",
        stretch: "≥ 0.85 × C",
        measure: |stage| Box::pin(batch::measure(stage)),
    },
    Row {
        number: 6,
        property: "latency at low load, 1 connection",
        must: "p50 ≤ s₁ + 0.20 ms",
        stretch: "≤ s₁ + 0.10 ms",
        measure: |stage| Box::pin(latency::low_load(stage)),
    },
    Row {
        number: 7,
        property: "latency at 50 % of the maximum, open loop",
        must: "p50 ≤ 4 × s₁, p99 ≤ 15 × s₁, max ≤ 60 ms",
        stretch: "p99 ≤ 10 × s₁, max ≤ 40 ms",
        measure: |stage| Box::pin(latency::half_load(stage)),
    },
    Row {
        number: 8,
        property: "p99 against one INSERT per request at 0.6 S",
        must: "≤ 0.60 ×",
        stretch: "≤ 0.45 ×",
        measure: |stage| Box::pin(latency::same_rate(stage)),
    },
    Row {
        number: 9,
        property: "overload, 3 × capacity offered",
        must: "goodput ≥ 0.90 of peak; refusals in 20 ms; p99 of accepted ≤ 2 ×; memory bounded",
        stretch: "goodput ≥ 0.95",
        measure: |stage| Box::pin(overload::measure(stage)),
    },
    Row {
        number: 10,
        property: "query latency against the same SQL",
        must: "≤ Q + 0.30 ms + 3 µs a row, and ≤ 1.6 × Q for a page of 100",
        stretch: "≤ 1.3 × Q",
        measure: |stage| Box::pin(query::measure(stage)),
    },
    Row {
        number: 13,
        property: "memory and connections",
        must: "20 MB idle; 22 KB a connection; 64 MB at 256 busy; 14 sessions",
        stretch: "12 MB idle; 12 KB a connection",
        measure: |stage| Box::pin(memory::measure(stage)),
    },
    Row {
        number: 14,
        property: "cold start, exec to first durable 201",
        must: "≤ 80 ms",
        stretch: "≤ 30 ms",
        measure: |stage| Box::pin(start::measure(stage)),
    },
    Row {
        number: 15,
        property: "processor time of the service for an event",
        must: "≤ 25 µs single, ≤ 10 µs in a batch",
        stretch: "15 and 7 µs",
        measure: |stage| Box::pin(single::processor_time(stage)),
    },
    Row {
        number: 16,
        property: "PostgreSQL down",
        must: "first 202 within 1 s, then ≥ 0.50 × min(N, Redis)",
        stretch: "≥ 0.80 × min(N, Redis)",
        measure: |stage| Box::pin(outage::down(stage)),
    },
    Row {
        number: 17,
        property: "recovery, taking 0.3 M of live traffic",
        must: "drains at ≥ 0.70 × M; nothing lost, nothing twice",
        stretch: "≥ 0.80 × M",
        measure: |stage| Box::pin(outage::recovery(stage)),
    },
    Row {
        number: 20,
        property: "slow storage, 2 ms more for each fdatasync",
        must: "≥ 2.0 × S at 64 connections",
        stretch: "≥ 3.0 × S",
        measure: |stage| Box::pin(slow_storage::measure(stage)),
    },
    Row {
        number: 21,
        property: "a million events, read in every way",
        must: "page ≤ 1.5 × Q; last page of a walk ≤ 1.5 × the first, none missed, none twice; stream ≤ 50 MB",
        stretch: "page ≤ 1.3 × Q",
        measure: |stage| Box::pin(million::measure(stage)),
    },
    Row {
        number: 22,
        property: "workflows added to the catalogue",
        must: "one by one ≤ 10 ms each; 200 by one batch ≤ 1 s",
        stretch: "",
        measure: |stage| Box::pin(catalogue::measure(stage)),
    },
    Row {
        number: 23,
        property: "searches of the workflow catalogue, 1 and 20 callers",
        must: "≤ 4.0 × Q; p95 ≤ 5 ms at 200 workflows, ≤ 20 ms at 10,000",
        stretch: "—",
        measure: |stage| Box::pin(search::measure(stage)),
    },
    Row {
        number: 24,
        property: "success rates over a million traces against the same SQL",
        must: "≤ 1.5 × Q",
        stretch: "≤ 1.2 × Q",
        measure: |stage| Box::pin(rate::measure(stage)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_upwards() {
        assert!(ROWS.is_sorted_by(|a, b| a.number < b.number));
    }
}
