#![doc = include_str!("../README.md")]

mod backlog;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

pub use backlog::{
    Backlog, BacklogError, Burial, Consumer, DeadLetter, Deferral, Delivery, EntryId, Parked,
    PutError, Setback, SharedError, Status, Unreadable,
};
