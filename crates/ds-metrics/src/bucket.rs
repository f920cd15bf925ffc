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
