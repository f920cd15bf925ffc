//! What must hold for every input, one module a target.
//!
//! The fuzzer looks for inputs that break it (`cargo xtask fuzz`). The tests of ds-validation hold it
//! for the committed seeds, among which is every input that ever broke it.

pub mod action;
pub mod batch;
pub mod cursor;
pub mod event;
pub mod notification;
pub mod query;
pub mod search;
pub mod time_range;
pub mod traceparent;
pub mod workflow;

mod refusal;

use jiff::Timestamp;

/// The moment at which everything is read: 2026-11-21T10:00:00Z.
fn now() -> Timestamp {
    Timestamp::constant(1_795_255_200, 0)
}
