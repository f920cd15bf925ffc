//! Bytes → draft: the shape of an event.
//!
//! One pass over the body. A member of the wrong type is noted and reading goes on, so that a
//! client learns everything at once.

use jiff::Timestamp;

use crate::{
    EventDraft, KindMode, Limits, Rule, Screening, SyntaxError, ValidEvent, Violation, Violations,
    envelope,
    json::{Outline, Reader, Stop},
    member::Member,
    screen,
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
    let read = event(&mut reader, limits).and_then(|read| reader.end().map(|()| read));
    let found = reader.take_found();
    match read {
        Ok(read) => Ok(envelope::check(read, found, now, limits)?),
        Err(Stop::Syntax(error)) => Err(error.into()),
        Err(Stop::Bound) => Err(found.into()),
    }
}

/// An event object that was read.
pub(crate) struct Read<'a> {
    pub(crate) draft: EventDraft,
    /// What is wrong with its shape.
    pub(crate) shape: Violations,
    /// What its payload holds, if it is compared with others.
    pub(crate) outline: Option<Outline<'a>>,
    /// What was found in its texts, and taken out of the draft.
    pub(crate) screening: Screening,
}

/// Reads one event object.
pub(crate) fn event<'a>(reader: &mut Reader<'a>, limits: &Limits) -> Result<Read<'a>, Stop> {
    let mut draft = EventDraft::default();
    let mut shape = Violations::default();
    let mut outline = None;
    let start = reader.at;
    if reader.peek()? != b'{' {
        reader.value()?;
        shape.add(Violation::at(
            String::new(),
            "body",
            Rule::Type,
            "value must be an object",
        ));
        return Ok(Read {
            draft,
            shape,
            outline,
            screening: Screening::default(),
        });
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
        let is_payload = member.name() == "event_data";
        if is_payload && limits.event_kinds != KindMode::Off {
            reader.start_outline();
        }
        let value = reader.value()?;
        if is_payload {
            outline = reader.take_outline();
        }
        if let Err(violation) = member.store(value, &mut draft) {
            shape.add(violation);
        }
        reader.enter_field("body");
    }
    let text = reader.since(start);
    let screening = screen::event(&mut draft, Some(text), limits, &mut shape);
    Ok(Read {
        draft,
        shape,
        outline,
        screening,
    })
}
