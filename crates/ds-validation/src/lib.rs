#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod date_time;
mod decode;
mod draft;
mod envelope;
mod json;
mod kind;
mod limits;
mod member;
pub mod query;
mod relative_time;
mod valid;
mod violation;

pub use batch::parse_batch;
pub use decode::{Rejection, parse_event};
pub use draft::EventDraft;
pub use envelope::validate;
pub use json::SyntaxError;
pub use kind::{KindCheck, KindFinding, KindMode};
pub use limits::Limits;
pub use valid::{NewEvent, ValidEvent};
pub use violation::{Rule, Violation, Violations};
