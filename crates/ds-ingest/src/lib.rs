#![doc = include_str!("../README.md")]

mod parent;
pub mod port;
mod record;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;

pub use record::{Ingest, RecordError, Recorded};
