#![doc = include_str!("../README.md")]

mod actions;
mod admission;
mod breaker;
mod group;
mod guard;
mod ingest;
mod months;
mod notifications;
mod outcome;
mod pace;
mod parent;
mod parking;
pub mod port;
mod queue;
mod recent;
mod record;
mod replay;
mod screened;
mod settings;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
mod trail;
mod warning;
mod workflows;

pub use actions::{ActionError, ActionRecorded, ActionUpdated, ActionsRecorded};
pub use admission::{Admission, Overloaded};
pub use breaker::BreakerState;
pub use ingest::{Ingest, IngestState, Parts};
pub use notifications::{NotificationError, NotificationRecorded};
pub use parking::BacklogState;
pub use record::{Kept, Receipt, RecordError, Recorded, Submission};
pub use screened::Redacted;
pub use settings::Settings;
pub use warning::Warnings;
pub use workflows::{Edit, WorkflowChanged, WorkflowError, WorkflowRecorded};
