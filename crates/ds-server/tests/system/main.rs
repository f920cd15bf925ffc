//! The real binary on a real PostgreSQL: as an operator meets it (arguments, configuration, start,
//! signals, end), and as its clients do (what they send, and what they get back).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test the panic is the report, also in what tests share"
)]

mod acceptance;
mod actions;
mod burst;
mod cli;
mod config;
mod correlation;
mod dlq;
mod event_types;
mod export;
mod idempotency;
mod kill;
mod kinds;
mod lifecycle;
mod metrics;
mod notification_walk;
mod notifications;
mod outage;
mod overload;
mod partition;
mod predecessor;
mod program;
mod query;
mod refusal;
mod replicas;
mod restart;
mod schema;
mod search;
mod secrets;
mod service;
mod spill;
mod stage;
mod start;
mod stored;
mod success_rates;
mod traffic;
mod trail;
mod walk;
mod workflows;
