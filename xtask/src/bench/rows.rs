//! How each row is measured.

pub(super) mod batch;
pub(super) mod catalogue;
pub(super) mod coalescer;
pub(super) mod curve;
pub(super) mod latency;
pub(super) mod memory;
pub(super) mod million;
pub(super) mod outage;
pub(super) mod overload;
pub(super) mod query;
pub(super) mod rate;
pub(super) mod search;
pub(super) mod single;
pub(super) mod slow_storage;
pub(super) mod start;
