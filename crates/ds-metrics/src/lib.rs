#![doc = include_str!("../README.md")]

mod bucket;
pub mod catalog;
#[cfg(feature = "exporter")]
mod exporter;
mod label;

#[cfg(feature = "exporter")]
pub use exporter::{Exporter, InstallError};
pub use label::{
    BacklogName, BreakerName, ExportEnd, Outcome, Pool, Refusal, Replayed, SpoolRefusal, Stream,
    Table, TraceStatus, Worker, WorkflowOutcome, WorkflowWrite,
};
