//! Whether an event is like others of its type.
//!
//! The registry in `ds_domain::kind` says what they look like. An event of a type that is not there
//! is as good as any other. What is found is made of names in the registry alone: it can be shown
//! and counted without repeating anything that the sender wrote.

use std::fmt;

use ds_domain::kind::{self, EventKind, FIELD_DEPTH_MAX, Field, FieldValue, Shape};

use crate::{
    EventDraft, Limits, Rule, Violation, Violations,
    json::{Kind, Outline, Part, Reader},
};

/// What is done about an event that is not like others of its type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum KindMode {
    /// Nothing: it is not compared.
    Off,
    /// It is accepted, and what differs is handed out with it.
    #[default]
    Warn,
    /// It is refused.
    Enforce,
}

impl KindMode {
    /// Every mode, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Warn, Self::Enforce];

    /// The mode as it is written in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// What a comparison of an event with its kind gave.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum KindCheck {
    /// It was not compared.
    #[default]
    Off,
    /// Nothing is known about its type.
    Unknown,
    /// These differences; none when it is like the others.
    Known(Vec<KindFinding>),
}

/// One way in which an event differs from others of its type.
#[derive(Clone, Copy)]
pub struct KindFinding {
    kind: &'static EventKind,
    difference: Difference,
    place: Place,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Difference {
    Category,
    Action,
    Missing,
    /// The member holds something else than this.
    Holds(&'static str),
}

/// Names that lead from the payload to one of its members.
type Place = [Option<&'static str>; FIELD_DEPTH_MAX];

/// The payload itself.
const PAYLOAD: Place = [None; FIELD_DEPTH_MAX];

impl KindFinding {
    /// The type of the event: one of the registry.
    pub fn event_type(&self) -> &'static str {
        self.kind.event_type
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        match self.difference {
            Difference::Category => Rule::UnexpectedCategory,
            Difference::Action => Rule::UnexpectedAction,
            Difference::Missing => Rule::PayloadMemberMissing,
            Difference::Holds(_) => Rule::PayloadMemberType,
        }
    }

    /// The envelope member it concerns.
    pub fn field(&self) -> &'static str {
        match self.difference {
            Difference::Category => "event_category",
            Difference::Action => "event_action",
            Difference::Missing | Difference::Holds(_) => "event_data",
        }
    }

    /// JSON pointer to the value that differs, or that is missing.
    pub fn pointer(&self) -> String {
        let mut pointer = format!("/{}", self.field());
        for name in self.place.iter().flatten() {
            pointer.push('/');
            pointer.push_str(name);
        }
        pointer
    }

    /// What differs, in words.
    pub fn message(&self) -> String {
        let event_type = self.kind.event_type;
        match self.difference {
            Difference::Category => {
                let category = self.kind.category.as_str();
                format!("events of type {event_type} have the category \"{category}\"")
            }
            Difference::Action => {
                let actions = self.kind.actions.join("\",\"");
                format!("events of type {event_type} have one of the actions [\"{actions}\"]")
            }
            Difference::Missing => {
                let name = self.place.iter().flatten().next_back();
                let name = name.copied().unwrap_or_default();
                format!("property \"{name}\" of {event_type} is missing")
            }
            Difference::Holds(expected) => format!("value of {event_type} must be {expected}"),
        }
    }
}

impl From<&KindFinding> for Violation {
    fn from(finding: &KindFinding) -> Self {
        let (pointer, message) = (finding.pointer(), finding.message());
        Self::at(pointer, finding.field(), finding.rule(), message)
    }
}

impl fmt::Debug for KindFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer(), self.message())
    }
}

impl PartialEq for KindFinding {
    fn eq(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.event_type(), one.difference, one.place);
        key(self) == key(other)
    }
}

impl Eq for KindFinding {}

/// Compares a draft with its kind as `limits` ask for it. What makes it invalid goes to `found`.
pub(crate) fn check(
    draft: &EventDraft,
    outline: Option<&Outline<'_>>,
    limits: &Limits,
    found: &mut Violations,
) -> KindCheck {
    let Some(event_type) = draft.event_type.as_deref() else {
        return KindCheck::Off;
    };
    if limits.event_kinds == KindMode::Off {
        return KindCheck::Off;
    }
    let Some(kind) = kind::find(event_type) else {
        return KindCheck::Unknown;
    };
    let mut findings = envelope(kind, draft);
    match (&draft.event_data, outline) {
        (None, _) => {}
        (Some(_), Some(outline)) => findings.extend(payload(kind, outline.parts())),
        // A draft that was not read from a body.
        (Some(data), None) => {
            if let Some(outline) = outline_of(data.as_str(), limits) {
                findings.extend(payload(kind, outline.parts()));
            }
        }
    }
    if limits.event_kinds == KindMode::Enforce {
        for violation in findings.iter().map(Violation::from) {
            if !found.has(&violation.pointer) {
                found.add(violation);
            }
        }
    }
    KindCheck::Known(findings)
}

/// What is in the text of a payload.
fn outline_of<'a>(text: &'a str, limits: &Limits) -> Option<Outline<'a>> {
    let mut reader = Reader::new(text.as_bytes(), limits).ok()?;
    reader.start_outline();
    reader.value().ok()?;
    reader.take_outline()
}

fn envelope(kind: &'static EventKind, draft: &EventDraft) -> Vec<KindFinding> {
    let mut findings = Vec::new();
    let mut differs = |difference| {
        let place = PAYLOAD;
        findings.push(KindFinding {
            kind,
            difference,
            place,
        });
    };
    let category = draft.event_category.as_deref();
    if category.is_some_and(|category| category != kind.category.as_str()) {
        differs(Difference::Category);
    }
    let action = draft.event_action.as_deref();
    if action.is_some_and(|action| !kind.actions.contains(&action)) {
        differs(Difference::Action);
    }
    findings
}

/// How a payload differs from the shape that it is most like; nothing when it fits one.
fn payload(kind: &'static EventKind, parts: &[Part<'_>]) -> Vec<KindFinding> {
    let fits = |shape: &Shape| {
        let mut fits = true;
        compare(shape.fields, parts, 0, PAYLOAD, &mut |_, _| fits = false);
        fits
    };
    let mut findings = Vec::new();
    if kind.shapes.iter().any(fits) {
        return findings;
    }
    if let Some(shape) = most_alike(kind.shapes, parts) {
        compare(shape.fields, parts, 0, PAYLOAD, &mut |difference, place| {
            findings.push(KindFinding {
                kind,
                difference,
                place,
            });
        });
    }
    findings
}

/// The shape most of whose members are there; of equals the first.
fn most_alike<'s>(shapes: &'s [Shape], parts: &[Part<'_>]) -> Option<&'s Shape> {
    let known = |shape: &&Shape| {
        let is_there = |field: &&Field| member(field, parts, 0).is_some();
        shape.fields.iter().filter(is_there).count()
    };
    shapes.iter().rev().max_by_key(known)
}

/// Compares the members at `depth` among `parts` with `fields`, and tells each difference with its
/// place.
fn compare(
    fields: &'static [Field],
    parts: &[Part<'_>],
    depth: usize,
    place: Place,
    tell: &mut impl FnMut(Difference, Place),
) {
    for field in fields {
        let mut place = place;
        if let Some(last) = place.get_mut(depth) {
            *last = Some(field.name);
        }
        let found = member(field, parts, depth).and_then(|at| Some((at, parts.get(at)?)));
        let Some((at, part)) = found else {
            if field.required {
                tell(Difference::Missing, place);
            }
            continue;
        };
        if part.kind == Kind::Null && !field.required {
            continue;
        }
        match field.value {
            value if !holds(part, value) => tell(Difference::Holds(expected(value)), place),
            FieldValue::Object(fields) => {
                compare(fields, inside(parts, at), depth + 1, place, tell);
            }
            FieldValue::Text
            | FieldValue::Boolean
            | FieldValue::Integer
            | FieldValue::Number
            | FieldValue::Texts
            | FieldValue::Objects
            | FieldValue::TextMap
            | FieldValue::Any => {}
        }
    }
}

/// Where the member is among `parts`, which are those of one object and all that is inside.
fn member(field: &Field, parts: &[Part<'_>], depth: usize) -> Option<usize> {
    parts
        .iter()
        .position(|part| part.depth == depth && part.name == field.name)
}

/// What is inside the member at `at`.
fn inside<'p, 'a>(parts: &'p [Part<'a>], at: usize) -> &'p [Part<'a>] {
    let Some((part, rest)) = parts.get(at..).and_then(<[_]>::split_first) else {
        return &[];
    };
    let end = rest.iter().position(|other| other.depth <= part.depth);
    &rest[..end.unwrap_or(rest.len())]
}

fn holds(part: &Part<'_>, value: FieldValue) -> bool {
    match value {
        FieldValue::Text => part.kind == Kind::String,
        FieldValue::Boolean => part.kind == Kind::Bool,
        FieldValue::Integer => part.is_integer,
        FieldValue::Number => part.kind == Kind::Number,
        FieldValue::Texts => part.kind == Kind::Array && part.inside.are_all(Kind::String),
        FieldValue::Objects => part.kind == Kind::Array && part.inside.are_all(Kind::Object),
        FieldValue::TextMap => part.kind == Kind::Object && part.inside.are_all(Kind::String),
        FieldValue::Object(_) => part.kind == Kind::Object,
        FieldValue::Any => part.kind != Kind::Null,
    }
}

fn expected(value: FieldValue) -> &'static str {
    match value {
        FieldValue::Text => "a string",
        FieldValue::Boolean => "a boolean",
        FieldValue::Integer => "an integer",
        FieldValue::Number => "a number",
        FieldValue::Texts => "an array of strings",
        FieldValue::Objects => "an array of objects",
        FieldValue::TextMap => "an object of strings",
        FieldValue::Object(_) => "an object",
        FieldValue::Any => "something else than null",
    }
}

#[cfg(test)]
mod tests;
