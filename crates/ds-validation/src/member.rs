//! The members of the envelope: which there are, and how the value of each is read.
//!
//! The text members stand in `ds_domain::limit`, with their bounds; the others here.

use std::{borrow::Cow, net::IpAddr};

use ds_domain::{
    json::JsonObject,
    limit::{self, TextField},
};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    EventDraft, Rule, Violation,
    json::{self, Kind, Value},
};

/// A member of the envelope that is not plain text: its name and how it is read.
pub(crate) struct Typed {
    name: &'static str,
    nullable: bool,
    store: Store,
}

/// Reads the value of the named member into a draft.
type Store = fn(&'static str, Value<'_>, &mut EventDraft) -> Result<(), Violation>;

const fn required(name: &'static str, store: Store) -> Typed {
    Typed {
        name,
        nullable: false,
        store,
    }
}

const fn nullable(name: &'static str, store: Store) -> Typed {
    Typed {
        name,
        nullable: true,
        store,
    }
}

/// The members that are not plain text. `n` is the name, `v` the value, `d` the draft it goes to.
#[rustfmt::skip]
const TYPED: &[Typed] = &[
    required("event_timestamp", |n, v, d| past_time(n, v).map(|at| d.event_timestamp = Some(at))),
    required("event_data", |n, v, d| object(n, v).map(|data| d.event_data = Some(data))),
    nullable("event_id", |n, v, d| uuid(n, v).map(|id| d.event_id = Some(id))),
    nullable("event_metadata", |n, v, d| object(n, v).map(|data| d.event_metadata = Some(data))),
    nullable("actor_ip", |n, v, d| address(n, v).map(|ip| d.actor_ip = Some(ip))),
    nullable("parent_event_id", |n, v, d| uuid(n, v).map(|id| d.parent_event_id = Some(id))),
    nullable("parent_event_date", |n, v, d| date(n, v).map(|day| d.parent_event_date = Some(day))),
    nullable("duration_ms", |n, v, d| integer(n, v).map(|number| d.duration_ms = Some(number))),
    nullable("retention_days", |n, v, d| integer(n, v).map(|days| d.retention_days = Some(days))),
    nullable("is_sensitive", |n, v, d| boolean(n, v).map(|flag| d.is_sensitive = Some(flag))),
];

/// A known member of the envelope.
pub(crate) enum Member {
    Text(&'static TextField),
    Typed(&'static Typed),
}

impl Member {
    /// Finds a member by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let text = limit::event_text_field(name).map(Self::Text);
        text.or_else(|| {
            TYPED
                .iter()
                .find(|typed| typed.name == name)
                .map(Self::Typed)
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Text(field) => field.name,
            Self::Typed(typed) => typed.name,
        }
    }

    /// Reads its value into `draft`.
    pub(crate) fn store(&self, value: Value<'_>, draft: &mut EventDraft) -> Result<(), Violation> {
        let (name, nullable) = match self {
            Self::Text(field) => (field.name, field.nullable),
            Self::Typed(typed) => (typed.name, typed.nullable),
        };
        match (value.kind, nullable, self) {
            (Kind::Null, true, _) => Ok(()),
            (Kind::Null, false, _) => Err(Violation::of_field(
                name,
                Rule::Null,
                "Value is not nullable",
            )),
            (_, _, Self::Typed(typed)) => (typed.store)(name, value, draft),
            (_, _, Self::Text(field)) => {
                let text = string(name, value)?.into_owned();
                if let Some(slot) = draft.text_slot(field.name) {
                    *slot = Some(text);
                }
                Ok(())
            }
        }
    }
}

// === the types of the wire ===

pub(crate) fn wrong_type(name: &'static str, expected: &str) -> Violation {
    Violation::of_field(name, Rule::Type, format!("value must be {expected}"))
}

/// The text of a value of this kind.
#[cfg(feature = "workflows")]
pub(crate) fn of_kind<'v>(
    name: &'static str,
    value: Value<'v>,
    kind: Kind,
    expected: &str,
) -> Result<&'v str, Violation> {
    match value.kind == kind {
        true => Ok(value.text),
        false => Err(wrong_type(name, expected)),
    }
}

pub(crate) fn string<'a>(name: &'static str, value: Value<'a>) -> Result<Cow<'a, str>, Violation> {
    match value.kind {
        Kind::String => Ok(json::decode(value.text)),
        Kind::Null | Kind::Bool | Kind::Number | Kind::Array | Kind::Object => {
            Err(wrong_type(name, "a string"))
        }
    }
}

/// A string of the given OpenAPI `format`.
fn parsed<T>(
    name: &'static str,
    value: Value<'_>,
    format: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, Violation> {
    let text = string(name, value)?;
    parse(&text).ok_or_else(|| mismatch(name, format))
}

fn mismatch(name: &'static str, format: &str) -> Violation {
    let message = format!("string doesn't match the format \"{format}\"");
    Violation::of_field(name, Rule::Format, message)
}

pub(crate) fn object(name: &'static str, value: Value<'_>) -> Result<JsonObject, Violation> {
    if value.kind == Kind::Object {
        return Ok(JsonObject::from_checked_text(value.text));
    }
    Err(wrong_type(name, "an object"))
}

pub(crate) fn boolean(name: &'static str, value: Value<'_>) -> Result<bool, Violation> {
    if value.kind == Kind::Bool {
        return Ok(value.text == "true");
    }
    Err(wrong_type(name, "a boolean"))
}

/// A whole number, also when it is written as `125.0`, which is one for JSON Schema.
pub(crate) fn integer(name: &'static str, value: Value<'_>) -> Result<i64, Violation> {
    let text = value
        .text
        .split_once('.')
        .map_or(value.text, |(whole, fraction)| {
            let is_whole = fraction.bytes().all(|digit| digit == b'0');
            if is_whole { whole } else { value.text }
        });
    if value.kind != Kind::Number || text.contains(['.', 'e', 'E']) {
        return Err(wrong_type(name, "an integer"));
    }
    text.parse().map_err(|_overflow: std::num::ParseIntError| {
        Violation::of_field(name, Rule::Range, "number is out of range")
    })
}

/// A UUID in its canonical form; the shorter and braced forms would not come back unchanged. The words
/// of a refusal are those of the first service.
fn uuid(name: &'static str, value: Value<'_>) -> Result<Uuid, Violation> {
    let text = string(name, value)?;
    let refused = |message: String| Violation::of_field(name, Rule::Format, message);
    if text.len() != 36 {
        return Err(refused(format!("invalid UUID length: {}", text.len())));
    }
    Uuid::try_parse(&text).map_err(|_error: uuid::Error| refused("invalid UUID format".to_owned()))
}

#[cfg(any(feature = "actions", feature = "workflows"))]
pub(crate) fn date_time(name: &'static str, value: Value<'_>) -> Result<Timestamp, Violation> {
    let text = string(name, value)?;
    crate::date_time::parse(&text).ok_or_else(|| no_time(name, &text))
}

/// A time that a rule keeps from being in the future: one that is too late to be held is refused by
/// that rule, in its words.
pub(crate) fn past_time(name: &'static str, value: Value<'_>) -> Result<Timestamp, Violation> {
    let text = string(name, value)?;
    crate::date_time::parse_until_last(&text).ok_or_else(|| no_time(name, &text))
}

fn no_time(name: &'static str, text: &str) -> Violation {
    match crate::date_time::flaw(text) {
        Some(flaw) => Violation::of_field(name, Rule::Time, format!("invalid time: {flaw}")),
        None => mismatch(name, "date-time"),
    }
}

fn date(name: &'static str, value: Value<'_>) -> Result<Date, Violation> {
    parsed(name, value, "date", |text| {
        (text.len() == 10).then(|| text.parse().ok()).flatten()
    })
}

fn address(name: &'static str, value: Value<'_>) -> Result<IpAddr, Violation> {
    parsed(name, value, "ip", |text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_those_of_the_table_of_limits() {
        let known: Vec<(&str, bool)> = TYPED.iter().map(|it| (it.name, it.nullable)).collect();
        let fields = limit::EVENT_TYPED_FIELDS.iter();
        let listed: Vec<(&str, bool)> = fields.map(|it| (it.name, it.nullable)).collect();
        assert_eq!(known, listed);
    }
}
