//! The spool on a real disk: what it promises, and what becomes of that when things break.

#![expect(
    clippy::unwrap_used,
    reason = "in a test the panic is the report, also in what tests share"
)]

mod bounds;
mod damage;
mod disk;
mod kill;
mod metrics;
mod model;
mod place;
mod restart;
mod space;
mod writer;
