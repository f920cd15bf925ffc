//! Query parameters of a list of notifications → a filter and a slice.

use std::borrow::Cow;

use ds_domain::{
    limit::{FILTER_VALUES_MAX, NOTIFICATION_NAME_CHARS_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX},
    notification::{Channel, NotificationFilter, NotificationStatus, Slice},
};
use jiff::Timestamp;

use crate::{
    query::{ParameterError, echo},
    relative_time,
};

/// Reads the parameters of `GET /api/v1/audit/notifications`; relative times count back from `now`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Values of a filter
/// that is repeated are alternatives; of anything else the first one counts. Unknown names are
/// ignored.
pub fn parse_notification_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    now: Timestamp,
) -> Result<(NotificationFilter, Slice), Vec<ParameterError>> {
    let mut given = Given {
        pairs: pairs.collect(),
        errors: Vec::new(),
    };
    let channels = Channel::ALL.iter().map(|word| word.as_str());
    let statuses = NotificationStatus::ALL.iter().map(|word| word.as_str());
    let filter = NotificationFilter {
        remediation_ids: given.texts("remediation_id"),
        channels: given.words("channel", Channel::from_word, channels),
        statuses: given.words("status", NotificationStatus::from_word, statuses),
        recipients: given.texts("recipient"),
        since: given.time("since", now),
        until: given.time("until", now),
    };
    let limit = given.integer("limit", 1, PAGE_ITEMS_MAX.into());
    let offset = given.integer("offset", 0, i64::MAX.unsigned_abs());
    if !given.errors.is_empty() {
        return Err(given.errors);
    }
    let limit = limit.map_or(PAGE_ITEMS_DEFAULT, |limit| {
        u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX)
    });
    let offset = offset.unwrap_or(0);
    Ok((filter, Slice { limit, offset }))
}

/// The parameters as given, and what is wrong with them.
struct Given<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<ParameterError>,
}

impl Given<'_> {
    fn refuse(&mut self, name: &'static str, reason: impl Into<String>) {
        self.errors.push(ParameterError::Schema {
            name,
            reason: reason.into(),
        });
    }

    /// All values of a filter.
    fn texts(&mut self, name: &'static str) -> Vec<String> {
        let pairs = self.pairs.iter().filter(|(given, _)| given == name);
        let texts: Vec<String> = pairs.map(|(_, value)| value.to_string()).collect();
        if texts.len() > FILTER_VALUES_MAX {
            self.refuse(
                name,
                format!("at most {FILTER_VALUES_MAX} values are allowed"),
            );
        }
        let is_long = |text: &String| text.chars().nth(NOTIFICATION_NAME_CHARS_MAX).is_some();
        if texts.iter().any(String::is_empty) {
            self.refuse(name, "empty value is not allowed");
        } else if texts.iter().any(|text| text.contains('\0')) {
            self.refuse(name, "value contains a NUL character");
        } else if texts.iter().any(is_long) {
            let chars_max = NOTIFICATION_NAME_CHARS_MAX;
            self.refuse(name, format!("maximum string length is {chars_max}"));
        }
        texts
    }

    /// All values of a filter that are words of a closed set, in upper or lower case.
    fn words<T>(
        &mut self,
        name: &'static str,
        from_word: fn(&str) -> Option<T>,
        words: impl Iterator<Item = &'static str>,
    ) -> Vec<T> {
        let before = self.errors.len();
        let texts = self.texts(name);
        let found = texts.iter().map(|text| from_word(&text.to_lowercase()));
        let found: Option<Vec<T>> = found.collect();
        if found.is_none() && self.errors.len() == before {
            let list = words.collect::<Vec<_>>().join("\",\"");
            let reason = format!("value is not one of the allowed values [\"{list}\"]");
            self.refuse(name, reason);
        }
        found.unwrap_or_default()
    }

    fn first(&self, name: &str) -> Option<String> {
        let mut pairs = self.pairs.iter();
        let (_, value) = pairs.find(|(given, _)| given == name)?;
        Some(value.to_string())
    }

    fn time(&mut self, name: &'static str, now: Timestamp) -> Option<Timestamp> {
        let value = self.first(name)?;
        let time = relative_time::parse(&value, now);
        if value.is_empty() {
            self.refuse(name, "empty value is not allowed");
        } else if time.is_none() {
            let given = echo(&value);
            self.errors.push(ParameterError::Time { name, given });
        }
        time
    }

    fn integer(&mut self, name: &'static str, min: u64, max: u64) -> Option<u64> {
        let value = self.first(name)?;
        match value.parse::<i128>() {
            Err(_) => {
                let given = echo(&value);
                let reason = format!("value {given}: an invalid integer: invalid syntax");
                self.refuse(name, reason);
                None
            }
            Ok(number) if number < min.into() => {
                self.refuse(name, format!("number must be at least {min}"));
                None
            }
            Ok(number) if number > max.into() => {
                self.refuse(name, format!("number must be at most {max}"));
                None
            }
            Ok(number) => u64::try_from(number).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(
        query: &[(&'static str, &'static str)],
    ) -> Result<(NotificationFilter, Slice), Vec<String>> {
        let pairs = query.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        parse_notification_query(pairs, now)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[track_caller]
    fn check_refused(query: &[(&'static str, &'static str)], reason: &str) {
        let errors = parse(query).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains(reason), "{errors:?}");
    }

    #[test]
    fn nothing_asked_is_the_first_page_of_all() {
        let slice = Slice {
            limit: 50,
            offset: 0,
        };
        assert_eq!(parse(&[]), Ok((NotificationFilter::default(), slice)));
        assert_eq!(
            parse(&[("x", "y")]),
            parse(&[]),
            "unknown names are ignored"
        );
    }

    #[test]
    fn values_of_one_filter_are_alternatives() {
        let query = [
            ("remediation_id", "rr-1"),
            ("channel", "Slack"),
            ("channel", "sms"),
            ("status", "sent"),
            ("recipient", "' OR true --"),
            ("remediation_id", "größer 🚀"),
            ("since", "24h"),
            ("until", "2026-11-21"),
            ("limit", "1000"),
            ("offset", "7"),
            ("limit", "3"),
        ];
        let (filter, slice) = parse(&query).unwrap();
        let expected = NotificationFilter {
            remediation_ids: vec!["rr-1".to_owned(), "größer 🚀".to_owned()],
            channels: vec![Channel::Slack, Channel::Sms],
            statuses: vec![NotificationStatus::Sent],
            recipients: vec!["' OR true --".to_owned()],
            since: "2026-11-20T10:00:00Z".parse().ok(),
            until: "2026-11-21T00:00:00Z".parse().ok(),
        };
        assert_eq!(filter, expected);
        assert_eq!(
            slice,
            Slice {
                limit: 1000,
                offset: 7
            }
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        check_refused(&[("remediation_id", "")], "empty value");
        check_refused(&[("recipient", "a\0")], "NUL");
        check_refused(&[("channel", "pigeon")], "\"email\",\"slack\"");
        check_refused(&[("status", "")], "empty value");
        check_refused(&[("since", "soon")], "invalid time format: soon");
        check_refused(&[("until", "")], "empty value");
        check_refused(&[("limit", "0")], "at least 1");
        check_refused(&[("limit", "1001")], "at most 1000");
        check_refused(&[("limit", "")], "invalid integer");
        check_refused(&[("offset", "-1")], "at least 0");
        check_refused(
            &[("recipient", "a"); FILTER_VALUES_MAX + 1],
            "at most 50 values",
        );
        let long: &'static str = "ü".repeat(256).leak();
        check_refused(&[("recipient", long)], "maximum string length is 255");
        assert_eq!(
            parse(&[("limit", "x"), ("since", "y")]).unwrap_err().len(),
            2
        );
    }
}
