//! Query parameters of an event query → a filter and a page.

use std::{borrow::Cow, collections::HashMap};

use ds_domain::{
    event::EventOutcome,
    filter::{EventFilter, Page},
    limit::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX},
};
use jiff::Timestamp;

use crate::relative_time;

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
            Self::Schema { name, .. } | Self::Time { name, .. } => name,
        }
    }
}

/// Reads the parameters of `GET /api/v1/audit/events`; relative times count back from `now`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. The first of a
/// repeated name wins, and unknown names are ignored, as the first contract has it.
pub fn parse_event_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    now: Timestamp,
) -> Result<(EventFilter, Page), Vec<ParameterError>> {
    let mut given = Given {
        values: HashMap::new(),
        errors: Vec::new(),
    };
    for (name, value) in pairs {
        given.values.entry(name).or_insert(value);
    }
    let filter = EventFilter {
        correlation_id: given.text("correlation_id"),
        event_type: given.text("event_type"),
        event_category: given.text("event_category"),
        event_outcome: given.outcome("event_outcome"),
        severity: given.text("severity"),
        since: given.time("since", now),
        until: given.time("until", now),
    };
    let limit = given.integer("limit", 1, u64::from(PAGE_ITEMS_MAX));
    let offset = given.integer("offset", 0, i64::MAX.unsigned_abs());
    if !given.errors.is_empty() {
        return Err(given.errors);
    }
    let limit = match limit {
        Integer::Absent => PAGE_ITEMS_DEFAULT,
        Integer::Empty => PAGE_ITEMS_FOR_EMPTY_LIMIT,
        Integer::Is(limit) => u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX),
    };
    let offset = match offset {
        Integer::Absent | Integer::Empty => 0,
        Integer::Is(offset) => offset,
    };
    Ok((filter, Page { limit, offset }))
}

/// An integer parameter: the first contract treats an empty one unlike an absent one.
enum Integer {
    Absent,
    Empty,
    Is(u64),
}

/// The parameters as given, and what is wrong with them.
struct Given<'a> {
    values: HashMap<Cow<'a, str>, Cow<'a, str>>,
    errors: Vec<ParameterError>,
}

impl Given<'_> {
    fn refuse(&mut self, name: &'static str, reason: impl Into<String>) {
        self.errors.push(ParameterError::Schema {
            name,
            reason: reason.into(),
        });
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.values.get(name)?.clone();
        if value.is_empty() {
            self.refuse(name, "empty value is not allowed");
        } else if value.contains('\0') {
            self.refuse(name, "value contains a NUL character");
        }
        Some(value.into_owned())
    }

    fn outcome(&mut self, name: &'static str) -> Option<String> {
        let word = self.text(name)?;
        if !word.is_empty() && EventOutcome::from_word(&word).is_none() {
            let words: Vec<_> = EventOutcome::ALL.iter().map(|word| word.as_str()).collect();
            let list = words.join("\",\"");
            self.refuse(
                name,
                format!("value is not one of the allowed values [\"{list}\"]"),
            );
        }
        Some(word)
    }

    fn time(&mut self, name: &'static str, now: Timestamp) -> Option<Timestamp> {
        let value = self.values.get(name)?.clone();
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
        let Some(value) = self.values.get(name).cloned() else {
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

/// The value without control characters, and cut to a length that is safe to repeat.
fn echo(value: &str) -> String {
    let end = value.floor_char_boundary(ECHO_BYTES_MAX);
    let mut echo: String = value[..end].chars().filter(|c| !c.is_control()).collect();
    if end < value.len() {
        echo.push('…');
    }
    echo
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<(EventFilter, Page), Vec<String>> {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        parse_event_query(pairs, now)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn refuses(name: &str, value: &str, expected: &str) {
        assert_eq!(
            parse(&[(name, value)]),
            Err(vec![expected.to_owned()]),
            "{name}={value}"
        );
    }

    #[track_caller]
    fn pages(query: &[(&str, &str)], limit: u16, offset: u64) {
        assert_eq!(parse(query).unwrap().1, Page { limit, offset }, "{query:?}");
    }

    #[test]
    fn pages_have_the_defaults_of_the_contract() {
        pages(&[], 50, 0);
        pages(&[("limit", "")], 100, 0);
        pages(&[("offset", "")], 50, 0);
        pages(&[("limit", "1000"), ("offset", "7")], 1000, 7);
        pages(&[("limit", "2"), ("limit", "3")], 2, 0);
    }

    #[test]
    fn filters_are_taken_literally_and_unknown_names_ignored() {
        let query = [
            ("correlation_id", "a' OR 1=1 --"),
            ("service", "x"),
            ("event_outcome", "failure"),
        ];
        let filter = parse(&query).unwrap().0;
        assert_eq!(filter.correlation_id.as_deref(), Some("a' OR 1=1 --"));
        assert_eq!(filter.event_outcome.as_deref(), Some("failure"));
        assert_eq!(filter.severity, None);
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        let schema = |name: &str, reason: &str| {
            format!("parameter \"{name}\" in query has an error: {reason}")
        };
        refuses("limit", "0", &schema("limit", "number must be at least 1"));
        refuses("limit", "-5", &schema("limit", "number must be at least 1"));
        refuses(
            "limit",
            "1001",
            &schema("limit", "number must be at most 1000"),
        );
        refuses(
            "offset",
            "-1",
            &schema("offset", "number must be at least 0"),
        );
        let syntax = "value abc: an invalid integer: invalid syntax";
        refuses("limit", "abc", &schema("limit", syntax));
        let range = "value 99999999999999999999: an invalid integer: value out of range";
        refuses("offset", "99999999999999999999", &schema("offset", range));
        refuses(
            "event_type",
            "",
            &schema("event_type", "empty value is not allowed"),
        );
        refuses(
            "severity",
            "a\0b",
            &schema("severity", "value contains a NUL character"),
        );
        let words = r#"value is not one of the allowed values ["success","failure","pending"]"#;
        refuses("event_outcome", "Success", &schema("event_outcome", words));
        let time = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
        refuses("since", "soon", time);
        assert_eq!(
            parse(&[("limit", "0"), ("until", "x")]).unwrap_err().len(),
            2
        );
    }
}
