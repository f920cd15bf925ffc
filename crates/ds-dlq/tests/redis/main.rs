//! The queue on real Redis servers: what it promises, and what becomes of that when they fail.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails panics; some tell how fast it was"
)]

mod capacity;
mod drain;
mod faults;
mod ground;
mod queue;
