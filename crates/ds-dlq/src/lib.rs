#![doc = include_str!("../README.md")]

mod backlog;
mod entry;
mod redis;
mod spool;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

pub use backlog::{
    Backlog, BacklogError, Burial, Consumer, DeadLetter, Deferral, Delivery, EntryId, Item, LEASE,
    Parked, PutError, Setback, SharedError, Status, Unreadable,
};
pub use ds_metrics::Stream;
pub use redis::{DurabilityPolicy, RedisError, RedisQueue, RedisSettings};
pub use spool::{OpenReport, Spool, SpoolError, SpoolSettings};
