//! Query strings → a filter and a page.

mod given;
mod timeline;

use std::borrow::Cow;

use ds_domain::{
    cursor::{Cursor, Scope, Side},
    event::EventOutcome,
    filter::{self, AnyText, EventFilter, Page, Start, Timed, Times},
    json::JsonObject,
    limit::{FILTER_DATA_BYTES_MAX, PAGE_ITEMS_DEFAULT, TextField},
};
use jiff::Timestamp;

use crate::{
    Limits, ParameterErrors, Rule, SyntaxError,
    json::{Kind, Reader, Stop},
    parameter::Breach,
};

pub(crate) use given::Given;

pub use timeline::{TimelineQuery, parse_timeline_query};

/// The page of a client that sends `limit=` without a number: what the first contract answers.
const PAGE_ITEMS_FOR_EMPTY_LIMIT: u16 = 100;

/// Longest value that is repeated in an error.
const ECHO_BYTES_MAX: usize = 64;

/// What is asked for, and which part of the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query<F> {
    /// What is asked for.
    pub filter: F,
    /// Which part of the answer.
    pub page: Page,
    /// The question as cursors are bound to it: the filter, with times as they were written.
    pub scope: Scope,
    /// A cursor that has to be opened before the query can be answered.
    pub cursor: Option<String>,
    /// Whether `limit` was given.
    pub is_limited: bool,
}

/// A query of events.
pub type EventQuery = Query<EventFilter>;

impl<F: Timed> Query<F> {
    /// The query that goes on at `cursor`, within the times of the page it comes from.
    #[must_use]
    pub fn resumed(mut self, cursor: &Cursor) -> Self {
        self.filter.set_times(Times {
            since: cursor.since,
            until: cursor.until,
        });
        self.page.start = match cursor.side {
            Side::After => Start::After(cursor.position),
            Side::Before => Start::Before(cursor.position),
        };
        self.cursor = None;
        self
    }
}

/// Reads the parameters of `GET /api/v1/audit/events`; relative times count back from `now`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Of a repeated
/// filter any value will do; of anything else that is repeated the first one counts, and unknown
/// names are ignored, as the first contract has it.
pub fn parse_event_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    now: Timestamp,
) -> Result<EventQuery, ParameterErrors> {
    let mut given = Given::new(pairs);
    let filter = EventFilter {
        texts: filter::text_filters()
            .filter_map(|field| texts(&mut given, field))
            .collect(),
        parents: given.ids("parent_event_id"),
        data: data(&mut given),
        since: given.time("since", now),
        until: given.time("until", now),
    };
    let scope = scope(&filter, &given);
    given.forget_empty("offset");
    let is_limit_empty = given.forget_empty("limit");
    let items = match is_limit_empty {
        true => PAGE_ITEMS_FOR_EMPTY_LIMIT,
        false => PAGE_ITEMS_DEFAULT,
    };
    let query = given.query(filter, scope, items)?;
    Ok(EventQuery {
        is_limited: query.is_limited || is_limit_empty,
        ..query
    })
}

/// The question that `filter` was read from.
fn scope(filter: &EventFilter, given: &Given<'_>) -> Scope {
    let mut scope = Scope::of("audit_events");
    for text in &filter.texts {
        for value in &text.values {
            scope = scope.with(text.field.name, value);
        }
    }
    for parent in &filter.parents {
        scope = scope.with("parent_event_id", &parent.to_string());
    }
    for data in &filter.data {
        scope = scope.with("data", data.as_str());
    }
    given.narrow(given.narrow(scope, "since"), "until")
}

fn texts(given: &mut Given<'_>, field: &'static TextField) -> Option<AnyText> {
    let values = given.several(field.name, |value| text(field, value));
    (!values.is_empty()).then_some(AnyText { field, values })
}

fn data(given: &mut Given<'_>) -> Vec<JsonObject> {
    let objects = given.several("data", |value| object(value).map(|()| value.to_owned()));
    objects
        .into_iter()
        .map(JsonObject::from_checked_text)
        .collect()
}

/// Checks one value of a text filter. One that is longer than the member can be has no events, and
/// is more likely a mistake.
fn text(field: &TextField, value: &str) -> Result<String, Breach> {
    given::text(field.chars_max, value)?;
    // The one closed set that the first contract knows here; an unknown category has no events.
    if field.name == "event_outcome" && EventOutcome::from_word(value).is_none() {
        let words = EventOutcome::ALL.iter().map(|word| word.as_str());
        return Err(no_such_word(words));
    }
    Ok(value.to_owned())
}

/// Checks that `text` is a JSON object that the store can compare with.
fn object(text: &str) -> Result<(), Breach> {
    if text.len() > FILTER_DATA_BYTES_MAX {
        let message = format!("value is longer than {FILTER_DATA_BYTES_MAX} bytes");
        let breach = Breach::new(Rule::TooLong, message);
        return Err(breach.measured(FILTER_DATA_BYTES_MAX, text.len()));
    }
    let not_json =
        |error: &SyntaxError| Breach::new(Rule::Format, format!("value is not JSON: {error}"));
    let mut reader =
        Reader::new(text.as_bytes(), &Limits::default()).map_err(|error| not_json(&error))?;
    let read = reader
        .value()
        .and_then(|value| reader.end().map(|()| value));
    let found = reader.take_found();
    match (read, found.iter().next()) {
        (Err(Stop::Syntax(error)), _) => Err(not_json(&error)),
        (Ok(_) | Err(Stop::Bound), Some(violation)) => Err(violation.into()),
        (Ok(value), None) if value.kind == Kind::Object => Ok(()),
        (Ok(_) | Err(Stop::Bound), None) => Err(Breach::new(Rule::Type, "value must be an object")),
    }
}

pub(crate) fn no_such_word(words: impl Iterator<Item = &'static str>) -> Breach {
    let list = words.collect::<Vec<_>>().join("\",\"");
    let message = format!("value is not one of the allowed values [\"{list}\"]");
    Breach::new(Rule::Enum, message)
}

/// The value without control characters, and cut to a length that is safe to repeat.
pub(crate) fn echo(value: &str) -> String {
    let end = value.floor_char_boundary(ECHO_BYTES_MAX);
    let mut echo: String = value[..end].chars().filter(|c| !c.is_control()).collect();
    if end < value.len() {
        echo.push('…');
    }
    echo
}

#[cfg(test)]
mod tests;
