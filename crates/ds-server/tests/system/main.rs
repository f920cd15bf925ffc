//! The real binary on a real PostgreSQL: as an operator meets it (arguments, configuration, start,
//! signals, end), and as its clients do (what they send, and what they get back).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test the panic is the report, also in what tests share"
)]

mod acceptance;
mod cli;
mod config;
mod event_types;
mod idempotency;
mod kill;
mod lifecycle;
mod metrics;
mod program;
mod query;
mod refusal;
mod schema;
mod service;
mod start;
mod stored;
