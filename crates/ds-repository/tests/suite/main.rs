//! The repository against a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test that fails panics, and a table of cases is as long as its cases"
)]

mod action;
mod append;
mod catalogue;
mod catalogue_list;
mod catalogue_schema;
mod event;
mod incident;
mod migrate;
mod notification;
mod outage;
mod partition;
mod rate;
mod read;
mod round_trip;
mod schema;
mod search;
mod tls;
mod upkeep;
mod walk;
mod writer;
