//! The kinds of events that are known: what each type says, and what its payload looks like.
//!
//! The set of types is open: an event of a type that is not here is as good as any other. For those
//! that are here this registry is the one source: the check, the list that is served and the
//! documentation come from it. There is one file for each category, and one item for each kind.

mod analysis;
mod gateway;
mod notification;
mod orchestration;
mod signalprocessing;
mod workflow;

use std::{collections::HashMap, sync::LazyLock};

use crate::event::{EventCategory, EventOutcome};

/// Every kind, by category, in documentation order.
static KINDS: [&[EventKind]; 8] = [
    gateway::KINDS,
    signalprocessing::KINDS,
    analysis::KINDS,
    analysis::controller::KINDS,
    analysis::agent::KINDS,
    workflow::KINDS,
    orchestration::KINDS,
    notification::KINDS,
];

/// Most names from the payload down to a field of a shape.
pub const FIELD_DEPTH_MAX: usize = 4;

/// What is known about the events of one type.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventKind {
    /// The type.
    pub event_type: &'static str,
    /// What happened when such an event is sent.
    pub description: &'static str,
    /// The category it belongs to.
    pub category: EventCategory,
    /// The actions that senders name; the catalogue's first.
    pub actions: &'static [&'static str],
    /// The outcomes it naturally has. Others are not wrong.
    pub outcomes: &'static [EventOutcome],
    /// What its payload looks like: it fits when it fits one of them.
    pub shapes: &'static [Shape],
    /// A payload that fits, as JSON.
    pub example: &'static str,
}

/// One way to write a payload.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shape {
    /// Who writes it so.
    pub name: &'static str,
    /// The members that are known. Others may be there.
    pub fields: &'static [Field],
}

/// A member of a payload, or of an object inside.
#[derive(Debug)]
#[non_exhaustive]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub value: FieldValue,
    /// Whether every known sender of the shape sends it. Where it is not, `null` says as much as
    /// its absence.
    pub required: bool,
}

/// What a member of a payload holds.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue {
    /// A string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number without a fractional part.
    Integer,
    /// A number.
    Number,
    /// An array of strings.
    Texts,
    /// An array of objects, whose members are not described.
    Objects,
    /// An object of strings under any name.
    TextMap,
    /// An object with these members, and perhaps others.
    Object(&'static [Field]),
    /// Anything but `null`.
    Any,
}

/// Every kind, in documentation order.
pub fn all() -> impl Iterator<Item = &'static EventKind> {
    KINDS.iter().copied().flatten()
}

/// The kind of events of the given type, if it is known.
pub fn find(event_type: &str) -> Option<&'static EventKind> {
    static BY_TYPE: LazyLock<HashMap<&str, &EventKind>> =
        LazyLock::new(|| all().map(|kind| (kind.event_type, kind)).collect());
    BY_TYPE.get(event_type).copied()
}

// === how the files of this module write them ===

const SUCCESS: &[EventOutcome] = &[EventOutcome::Success];
const FAILURE: &[EventOutcome] = &[EventOutcome::Failure];
const PENDING: &[EventOutcome] = &[EventOutcome::Pending];
const ENDED: &[EventOutcome] = &[EventOutcome::Success, EventOutcome::Failure];

const fn kind(
    category: EventCategory,
    event_type: &'static str,
    actions: &'static [&'static str],
    outcomes: &'static [EventOutcome],
    shapes: &'static [Shape],
) -> EventKind {
    EventKind {
        event_type,
        description: "",
        category,
        actions,
        outcomes,
        shapes,
        example: "{}",
    }
}

impl EventKind {
    const fn says(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }

    const fn such_as(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

/// Members at the top of the payload, as the catalogue of event types has it.
const fn flat(fields: &'static [Field]) -> Shape {
    shape("catalogue", fields)
}

const fn shape(name: &'static str, fields: &'static [Field]) -> Shape {
    Shape { name, fields }
}

const fn required(name: &'static str, value: FieldValue) -> Field {
    Field {
        name,
        value,
        required: true,
    }
}

const fn optional(name: &'static str, value: FieldValue) -> Field {
    Field {
        name,
        value,
        required: false,
    }
}

/// Required strings, the commonest of all.
macro_rules! texts {
    ($($name:literal),+ $(,)?) => { &[$(crate::kind::required($name, crate::kind::FieldValue::Text)),+] };
}
use texts;

#[cfg(test)]
mod tests;
