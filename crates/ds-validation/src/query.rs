//! Query parameters of an event query → a filter and a page.

mod timeline;

use std::{borrow::Cow, collections::HashMap};

use ds_domain::{
    cursor::{Cursor, Scope, Side},
    event::EventOutcome,
    filter::{self, AnyText, Count, EventFilter, Page, Start},
    json::JsonObject,
    limit::{
        FILTER_DATA_BYTES_MAX, FILTER_VALUES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, TextField,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Limits,
    json::{Kind, Reader, Stop},
    relative_time,
};

pub use timeline::{TimelineQuery, parse_timeline_query};

/// The page of a client that sends `limit=` without a number: what the first contract answers.
const PAGE_ITEMS_FOR_EMPTY_LIMIT: u16 = 100;

/// Longest value that is repeated in an error.
const ECHO_BYTES_MAX: usize = 64;

/// A parameter that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// The value does not fit the parameter's schema.
    #[error("parameter \"{name}\" in query has an error: {reason}")]
    Schema {
        /// Name of the parameter.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// The same for a parameter of the path.
    #[error("parameter \"{name}\" in path has an error: {reason}")]
    Path {
        /// Name of the parameter.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// `since` or `until` is neither a duration nor a time.
    #[error("invalid time format: {given} (expected: 24h, 7d, or RFC3339 timestamp)")]
    Time {
        /// Name of the parameter.
        name: &'static str,
        /// The value, cut to a length that is safe to repeat.
        given: String,
    },
}

impl ParameterError {
    /// Name of the parameter.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Schema { name, .. } | Self::Path { name, .. } | Self::Time { name, .. } => name,
        }
    }
}

/// The events that are asked for, and which part of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventQuery {
    /// Which events.
    pub filter: EventFilter,
    /// Which part of the answer.
    pub page: Page,
    /// The question as cursors are bound to it: the filter, with times as they were written.
    pub scope: Scope,
    /// A cursor that has to be opened before the query can be answered.
    pub cursor: Option<String>,
    /// Whether `limit` was given.
    pub is_limited: bool,
}

impl EventQuery {
    /// The query that goes on at `cursor`, within the times of the page it comes from.
    #[must_use]
    pub fn resumed(self, cursor: &Cursor) -> Self {
        let start = match cursor.side {
            Side::After => Start::After(cursor.position),
            Side::Before => Start::Before(cursor.position),
        };
        Self {
            filter: EventFilter {
                since: cursor.since,
                until: cursor.until,
                ..self.filter
            },
            page: Page { start, ..self.page },
            cursor: None,
            ..self
        }
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
) -> Result<EventQuery, Vec<ParameterError>> {
    let mut given = Given::new(pairs);
    let filter = EventFilter {
        texts: filter::text_filters()
            .filter_map(|field| given.texts(field))
            .collect(),
        parents: given.ids("parent_event_id"),
        data: given.data("data"),
        since: given.time("since", now),
        until: given.time("until", now),
    };
    let cursor = given.first("cursor").map(Cow::into_owned);
    let query = EventQuery {
        scope: scope(&filter, &given),
        filter,
        page: given.page(cursor.is_some()),
        // An empty one begins a walk.
        cursor: cursor.filter(|cursor| !cursor.is_empty()),
        is_limited: given.values.contains_key("limit"),
    };
    match given.errors.is_empty() {
        true => Ok(query),
        false => Err(given.errors),
    }
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
    for name in ["since", "until"] {
        if let Some(time) = given.first(name) {
            scope = scope.with(name, &time);
        }
    }
    scope
}

/// An integer parameter: the first contract treats an empty one unlike an absent one.
enum Integer {
    Absent,
    Empty,
    Is(u64),
}

/// The parameters as given, and what is wrong with them.
struct Given<'a> {
    values: HashMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    errors: Vec<ParameterError>,
}

impl<'a> Given<'a> {
    fn new(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut values: HashMap<_, Vec<_>> = HashMap::new();
        for (name, value) in pairs {
            values.entry(name).or_default().push(value);
        }
        let errors = Vec::new();
        Self { values, errors }
    }

    fn refuse(&mut self, name: &'static str, reason: impl Into<String>) {
        self.errors.push(ParameterError::Schema {
            name,
            reason: reason.into(),
        });
    }

    /// The first value of a parameter that has one.
    fn first(&self, name: &str) -> Option<Cow<'a, str>> {
        self.values.get(name)?.first().cloned()
    }

    /// The values of a parameter that may have several: sorted and each once, so that the same
    /// question is the same filter. None of them when one is wrong; the first such is reported.
    fn several<T: Ord>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(given) = self.values.remove(name) else {
            return Vec::new();
        };
        if given.len() > FILTER_VALUES_MAX {
            self.refuse(
                name,
                format!("parameter has more than {FILTER_VALUES_MAX} values"),
            );
            return Vec::new();
        }
        let read = |value: &Cow<'_, str>| match &**value {
            "" => Err("empty value is not allowed".to_owned()),
            value if value.contains('\0') => Err("value contains a NUL character".to_owned()),
            value => read(value),
        };
        match given.iter().map(read).collect::<Result<Vec<T>, String>>() {
            Ok(mut values) => {
                values.sort_unstable();
                values.dedup();
                values
            }
            Err(reason) => {
                self.refuse(name, reason);
                Vec::new()
            }
        }
    }

    fn texts(&mut self, field: &'static TextField) -> Option<AnyText> {
        let values = self.several(field.name, |value| text(field, value));
        (!values.is_empty()).then_some(AnyText { field, values })
    }

    fn ids(&mut self, name: &'static str) -> Vec<Uuid> {
        self.several(name, |value| match (value.len(), Uuid::try_parse(value)) {
            (36, Ok(id)) => Ok(id),
            (_, Ok(_) | Err(_)) => Err("string doesn't match the format \"uuid\"".to_owned()),
        })
    }

    fn data(&mut self, name: &'static str) -> Vec<JsonObject> {
        let objects = self.several(name, |value| object(value).map(|()| value.to_owned()));
        objects
            .into_iter()
            .map(JsonObject::from_checked_text)
            .collect()
    }

    /// Which part of the answer is asked for, as long as no cursor is opened.
    fn page(&mut self, is_walk: bool) -> Page {
        let limit = match self.integer("limit", 1, u64::from(PAGE_ITEMS_MAX)) {
            Integer::Absent => PAGE_ITEMS_DEFAULT,
            Integer::Empty => PAGE_ITEMS_FOR_EMPTY_LIMIT,
            Integer::Is(limit) => u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX),
        };
        let offset = match self.integer("offset", 0, i64::MAX.unsigned_abs()) {
            Integer::Absent | Integer::Empty => 0,
            Integer::Is(offset) => offset,
        };
        if is_walk && offset > 0 {
            self.refuse("offset", "offset cannot be combined with cursor");
        }
        let (start, count) = match is_walk {
            true => (Start::Newest, Count::None),
            false => (Start::Offset(offset), Count::Exact),
        };
        Page {
            limit,
            start,
            count: self.count("count").unwrap_or(count),
        }
    }

    fn count(&mut self, name: &'static str) -> Option<Count> {
        let word = self.first(name)?;
        let count = Count::ALL.iter().find(|count| count.as_str() == word);
        if count.is_none() {
            let words = Count::ALL.iter().map(|count| count.as_str());
            self.refuse(name, no_such_word(words));
        }
        count.copied()
    }

    fn time(&mut self, name: &'static str, now: Timestamp) -> Option<Timestamp> {
        let value = self.first(name)?;
        if value.is_empty() {
            self.refuse(name, "empty value is not allowed");
            return None;
        }
        let time = relative_time::parse(&value, now);
        if time.is_none() {
            let given = echo(&value);
            self.errors.push(ParameterError::Time { name, given });
        }
        time
    }

    fn integer(&mut self, name: &'static str, min: u64, max: u64) -> Integer {
        let Some(value) = self.first(name) else {
            return Integer::Absent;
        };
        if value.is_empty() {
            return Integer::Empty;
        }
        let digits = value.strip_prefix(['-', '+']).unwrap_or(&value);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let given = echo(&value);
            self.refuse(
                name,
                format!("value {given}: an invalid integer: invalid syntax"),
            );
            return Integer::Absent;
        }
        let given = echo(&value);
        match value.parse::<i64>() {
            Err(_overflow) => {
                self.refuse(
                    name,
                    format!("value {given}: an invalid integer: value out of range"),
                );
            }
            Ok(number) => match u64::try_from(number) {
                Ok(number) if number > max => {
                    self.refuse(name, format!("number must be at most {max}"));
                }
                Ok(number) if number >= min => return Integer::Is(number),
                Ok(_) | Err(_) => self.refuse(name, format!("number must be at least {min}")),
            },
        }
        Integer::Absent
    }
}

/// Checks one value of a text filter. One that is longer than the member can be has no events, and
/// is more likely a mistake.
fn text(field: &TextField, value: &str) -> Result<String, String> {
    if let Some(chars_max) = field.chars_max.filter(|max| value.len() > *max)
        && value.chars().count() > chars_max
    {
        return Err(format!("maximum string length is {chars_max}"));
    }
    // The one closed set that the first contract knows here; an unknown category has no events.
    if field.name == "event_outcome" && EventOutcome::from_word(value).is_none() {
        let words = EventOutcome::ALL.iter().map(|word| word.as_str());
        return Err(no_such_word(words));
    }
    Ok(value.to_owned())
}

/// Checks that `text` is a JSON object that the store can compare with.
fn object(text: &str) -> Result<(), String> {
    if text.len() > FILTER_DATA_BYTES_MAX {
        return Err(format!(
            "value is longer than {FILTER_DATA_BYTES_MAX} bytes"
        ));
    }
    let not_json = |error: &dyn std::fmt::Display| format!("value is not JSON: {error}");
    let mut reader =
        Reader::new(text.as_bytes(), &Limits::default()).map_err(|error| not_json(&error))?;
    let read = reader
        .value()
        .and_then(|value| reader.end().map(|()| value));
    let found = reader.take_found();
    match (read, found.iter().next()) {
        (Err(Stop::Syntax(error)), _) => Err(not_json(&error)),
        (Ok(_) | Err(Stop::Bound), Some(violation)) => Err(violation.message.clone()),
        (Ok(value), None) if value.kind == Kind::Object => Ok(()),
        (Ok(_) | Err(Stop::Bound), None) => Err("value must be an object".to_owned()),
    }
}

fn no_such_word(words: impl Iterator<Item = &'static str>) -> String {
    let list = words.collect::<Vec<_>>().join("\",\"");
    format!("value is not one of the allowed values [\"{list}\"]")
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
