//! Histogram buckets, each with the reason for its range.

/// Lag between an event and its row: senders buffer for up to a minute.
pub(crate) const LAG: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Writes: a durable commit takes under a millisecond, a stalled store up to the deadline.
pub(crate) const WRITE: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Queries: the range that existing dashboards use.
pub(crate) const QUERY: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Requests as a whole, and waits for a connection.
pub(crate) const REQUEST: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Rows of a flush: doubling up to what a writer takes at once, and beyond for large batches.
pub(crate) const ROWS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1000.0, 5000.0,
];

/// Results of a search: none, the first page of what a model looks at, and up to the most there are.
pub(crate) const RESULTS: &[f64] = &[0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0];
