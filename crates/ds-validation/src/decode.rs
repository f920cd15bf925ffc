//! Bytes → draft: the shape of an event.
//!
//! One pass over the body. A member of the wrong type is noted and reading goes on, so that a
//! client learns everything at once.

use std::{borrow::Cow, net::IpAddr};

use ds_domain::{
    json::JsonObject,
    limit::{self, TextField},
    time::truncate_to_micros,
};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    EventDraft, Limits, Rule, SyntaxError, ValidEvent, Violation, Violations, envelope,
    json::{self, Kind, Reader, Stop, Value},
};

/// Why a body was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It is not JSON at all.
    #[error("body is not JSON")]
    Malformed(#[from] SyntaxError),
    /// It is JSON, but not a valid event.
    #[error("event breaks validation rules")]
    Invalid(#[from] Violations),
}

/// Reads and checks one event.
pub fn parse_event(body: &[u8], now: Timestamp, limits: &Limits) -> Result<ValidEvent, Rejection> {
    let mut reader = Reader::new(body, limits)?;
    let read = event(&mut reader).and_then(|draft| reader.end().map(|()| draft));
    let mut found = reader.take_found();
    match read {
        Ok((draft, shape)) => {
            found.append(shape);
            Ok(envelope::check(draft, found, now, limits)?)
        }
        Err(Stop::Syntax(error)) => Err(error.into()),
        Err(Stop::Bound) => Err(found.into()),
    }
}

/// Reads one event object: its draft, and what is wrong with its shape.
pub(crate) fn event(reader: &mut Reader<'_>) -> Result<(EventDraft, Violations), Stop> {
    let mut draft = EventDraft::default();
    let mut shape = Violations::default();
    if reader.peek()? != b'{' {
        reader.value()?;
        shape.add(Violation::at(
            String::new(),
            "body",
            Rule::Type,
            "value must be an object",
        ));
        return Ok((draft, shape));
    }
    reader.open(b'{')?;
    let mut seen: Vec<&'static str> = Vec::with_capacity(20);
    let mut first = true;
    while let Some(name) = reader.next_name(first)? {
        first = false;
        let Some(member) = Member::named(&name) else {
            // Unknown members are ignored, as the first contract has it.
            reader.value()?;
            continue;
        };
        if seen.contains(&member.name()) {
            reader.report_duplicate(member.name());
        }
        seen.push(member.name());
        reader.enter_field(member.name());
        let value = reader.value()?;
        if let Err(violation) = member.store(value, &mut draft) {
            shape.add(violation);
        }
        reader.enter_field("body");
    }
    Ok((draft, shape))
}

/// A member of the envelope that is not plain text: its name and how it is read.
struct Typed {
    name: &'static str,
    nullable: bool,
    store: fn(&'static str, Value<'_>, &mut EventDraft) -> Result<(), Violation>,
}

/// The members that are not plain text.
const TYPED: &[Typed] = &[
    Typed {
        name: "event_id",
        nullable: true,
        store: |name, value, draft| {
            parsed(name, value, "uuid", uuid).map(|id| draft.event_id = Some(id))
        },
    },
    Typed {
        name: "event_timestamp",
        nullable: false,
        store: |name, value, draft| {
            parsed(name, value, "date-time", date_time).map(|at| draft.event_timestamp = Some(at))
        },
    },
    Typed {
        name: "event_data",
        nullable: false,
        store: |name, value, draft| object(name, value).map(|data| draft.event_data = Some(data)),
    },
    Typed {
        name: "event_metadata",
        nullable: true,
        store: |name, value, draft| {
            object(name, value).map(|data| draft.event_metadata = Some(data))
        },
    },
    Typed {
        name: "actor_ip",
        nullable: true,
        store: |name, value, draft| {
            parsed(name, value, "ip", |text| text.parse::<IpAddr>().ok())
                .map(|ip| draft.actor_ip = Some(ip))
        },
    },
    Typed {
        name: "parent_event_id",
        nullable: true,
        store: |name, value, draft| {
            parsed(name, value, "uuid", uuid).map(|id| draft.parent_event_id = Some(id))
        },
    },
    Typed {
        name: "parent_event_date",
        nullable: true,
        store: |name, value, draft| {
            parsed(name, value, "date", date).map(|date| draft.parent_event_date = Some(date))
        },
    },
    Typed {
        name: "duration_ms",
        nullable: true,
        store: |name, value, draft| {
            integer(name, value).map(|number| draft.duration_ms = Some(number))
        },
    },
    Typed {
        name: "retention_days",
        nullable: true,
        store: |name, value, draft| {
            integer(name, value).map(|number| draft.retention_days = Some(number))
        },
    },
    Typed {
        name: "is_sensitive",
        nullable: true,
        store: |name, value, draft| {
            boolean(name, value).map(|flag| draft.is_sensitive = Some(flag))
        },
    },
];

/// A known member of the envelope.
enum Member {
    Text(&'static TextField),
    Typed(&'static Typed),
}

impl Member {
    fn named(name: &str) -> Option<Self> {
        let text = limit::event_text_field(name).map(Self::Text);
        text.or_else(|| {
            TYPED
                .iter()
                .find(|typed| typed.name == name)
                .map(Self::Typed)
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text(field) => field.name,
            Self::Typed(typed) => typed.name,
        }
    }

    fn store(&self, value: Value<'_>, draft: &mut EventDraft) -> Result<(), Violation> {
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
                if let Some(slot) = text_slot(draft, field.name) {
                    *slot = Some(text);
                }
                Ok(())
            }
        }
    }
}

/// Where the text of the member `name` goes.
pub(crate) fn text_slot<'d>(
    draft: &'d mut EventDraft,
    name: &str,
) -> Option<&'d mut Option<String>> {
    Some(match name {
        "version" => &mut draft.version,
        "event_type" => &mut draft.event_type,
        "event_category" => &mut draft.event_category,
        "event_action" => &mut draft.event_action,
        "event_outcome" => &mut draft.event_outcome,
        "correlation_id" => &mut draft.correlation_id,
        "actor_type" => &mut draft.actor_type,
        "actor_id" => &mut draft.actor_id,
        "resource_type" => &mut draft.resource_type,
        "resource_id" => &mut draft.resource_id,
        "resource_name" => &mut draft.resource_name,
        "namespace" => &mut draft.namespace,
        "cluster_name" => &mut draft.cluster_name,
        "severity" => &mut draft.severity,
        "trace_id" => &mut draft.trace_id,
        "span_id" => &mut draft.span_id,
        "error_code" => &mut draft.error_code,
        "error_message" => &mut draft.error_message,
        _ => return None,
    })
}

// === the types of the wire ===

fn wrong_type(name: &'static str, expected: &str) -> Violation {
    Violation::of_field(name, Rule::Type, format!("value must be {expected}"))
}

fn string<'a>(name: &'static str, value: Value<'a>) -> Result<Cow<'a, str>, Violation> {
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
    parse(&text).ok_or_else(|| {
        let message = format!("string doesn't match the format \"{format}\"");
        Violation::of_field(name, Rule::Format, message)
    })
}

fn object(name: &'static str, value: Value<'_>) -> Result<JsonObject, Violation> {
    if value.kind == Kind::Object {
        return Ok(JsonObject::from_checked_text(value.text));
    }
    Err(wrong_type(name, "an object"))
}

fn boolean(name: &'static str, value: Value<'_>) -> Result<bool, Violation> {
    if value.kind == Kind::Bool {
        return Ok(value.text == "true");
    }
    Err(wrong_type(name, "a boolean"))
}

fn integer(name: &'static str, value: Value<'_>) -> Result<i64, Violation> {
    if value.kind != Kind::Number || value.text.contains(['.', 'e', 'E']) {
        return Err(wrong_type(name, "an integer"));
    }
    value
        .text
        .parse()
        .map_err(|_overflow: std::num::ParseIntError| {
            Violation::of_field(name, Rule::Range, "number is out of range")
        })
}

/// A UUID in its canonical form; the shorter and braced forms would not come back unchanged.
fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}

fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// RFC 3339 as the first contract accepts it: upper-case `T` and `Z`, an offset, no leap second
/// (which could not come back unchanged).
pub(crate) fn date_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let fixed = bytes.get(..19)?;
    let is_shaped = fixed.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let (fraction, offset) = match text.get(19..)?.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", text.get(19..)?),
    };
    let has_offset = match offset.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit())
        }
        _ => false,
    };
    let is_leap = &bytes[17..19] == b"60";
    if !is_shaped || fraction.is_empty() || !has_offset || is_leap {
        return None;
    }
    // Digits behind the ninth are behind what any clock measures; jiff refuses them.
    let digits = &fraction[..fraction.len().min(9)];
    let text = format!("{}.{digits}{offset}", text.get(..19)?);
    text.parse().ok().map(truncate_to_micros)
}
