//! What a query string says, name by name, and what is wrong with it.

use std::{borrow::Cow, collections::HashMap};

use ds_domain::{
    cursor::Scope,
    filter::{Count, Page, Start},
    limit::{FILTER_VALUES_MAX, PAGE_ITEMS_MAX},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{ParameterError, Query, echo, no_such_word};
use crate::relative_time;

/// The parameters as given, and what is wrong with them.
pub(crate) struct Given<'a> {
    values: HashMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    errors: Vec<ParameterError>,
}

impl<'a> Given<'a> {
    pub(crate) fn new(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut values: HashMap<_, Vec<_>> = HashMap::new();
        for (name, value) in pairs {
            values.entry(name).or_default().push(value);
        }
        let errors = Vec::new();
        Self { values, errors }
    }

    /// What was read, unless something is wrong.
    pub(crate) fn judge<T>(self, read: T) -> Result<T, Vec<ParameterError>> {
        match self.errors.is_empty() {
            true => Ok(read),
            false => Err(self.errors),
        }
    }

    /// The query for `filter`, which was read from these parameters and is the question `scope`; a
    /// page without a limit has `items` elements.
    pub(crate) fn query<F>(
        mut self,
        filter: F,
        scope: Scope,
        items: u16,
    ) -> Result<Query<F>, Vec<ParameterError>> {
        let cursor = self.cursor();
        let page = self.page(cursor.is_some(), items);
        let query = Query {
            filter,
            page,
            scope,
            // An empty one begins a walk.
            cursor: cursor.filter(|cursor| !cursor.is_empty()),
            is_limited: self.values.contains_key("limit"),
        };
        self.judge(query)
    }

    /// Notes an error that was found elsewhere.
    pub(crate) fn report(&mut self, error: ParameterError) {
        self.errors.push(error);
    }

    pub(crate) fn refuse(&mut self, name: &'static str, reason: impl Into<String>) {
        self.errors.push(ParameterError::Schema {
            name,
            reason: reason.into(),
        });
    }

    /// The first value of a parameter that has one.
    fn first(&self, name: &str) -> Option<Cow<'a, str>> {
        self.values.get(name)?.first().cloned()
    }

    /// The cursor, if there is one. It is opened elsewhere.
    pub(crate) fn cursor(&self) -> Option<String> {
        self.first("cursor").map(Cow::into_owned)
    }

    /// Forgets a parameter that is given without a value, and says whether it was: the first contract
    /// has an answer for that.
    pub(crate) fn forget_empty(&mut self, name: &str) -> bool {
        let is_empty = self.first(name).is_some_and(|value| value.is_empty());
        if is_empty {
            self.values.remove(name);
        }
        is_empty
    }

    /// The values of a parameter that may have several: sorted and each once, so that the same
    /// question is the same filter. None of them when one is wrong; the first such is reported.
    pub(crate) fn several<T: Ord>(
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

    /// Texts of a member that has at most `chars_max` code points. A longer one has nothing, and is
    /// more likely a mistake.
    #[cfg(any(feature = "notifications", feature = "workflows"))]
    pub(crate) fn texts(&mut self, name: &'static str, chars_max: usize) -> Vec<String> {
        self.several(name, |value| {
            text(Some(chars_max), value).map(|()| value.to_owned())
        })
    }

    pub(crate) fn ids(&mut self, name: &'static str) -> Vec<Uuid> {
        self.several(name, |value| match (value.len(), Uuid::try_parse(value)) {
            (36, Ok(id)) => Ok(id),
            (_, Ok(_) | Err(_)) => Err("string doesn't match the format \"uuid\"".to_owned()),
        })
    }

    /// Words of a closed set, in upper or lower case.
    #[cfg(any(feature = "notifications", feature = "workflows"))]
    pub(crate) fn words<T: Ord + Copy + 'static>(
        &mut self,
        name: &'static str,
        all: &'static [T],
        as_str: fn(T) -> &'static str,
    ) -> Vec<T> {
        self.several(name, |value| {
            let mut words = all.iter().copied();
            let found = words.find(|word| as_str(*word).eq_ignore_ascii_case(value));
            found.ok_or_else(|| no_such_word(all.iter().map(|word| as_str(*word))))
        })
    }

    /// Which part of the answer is asked for, as long as no cursor is opened.
    fn page(&mut self, is_walk: bool, items: u16) -> Page {
        let limit = self.integer("limit", 1, u64::from(PAGE_ITEMS_MAX));
        let limit = limit.map_or(items, |limit| {
            u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX)
        });
        let offset = self.integer("offset", 0, i64::MAX.unsigned_abs());
        let offset = offset.unwrap_or(0);
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

    /// An instant; relative ones count back from `now`.
    pub(crate) fn time(&mut self, name: &'static str, now: Timestamp) -> Option<Timestamp> {
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

    /// `scope`, narrowed by the parameter `name` as it is written, if it is given.
    pub(crate) fn narrow(&self, scope: Scope, name: &str) -> Scope {
        match self.first(name) {
            Some(value) => scope.with(name, &value),
            None => scope,
        }
    }

    pub(crate) fn integer(&mut self, name: &'static str, min: u64, max: u64) -> Option<u64> {
        let value = self.first(name)?;
        let digits = value.strip_prefix(['-', '+']).unwrap_or(&value);
        let given = echo(&value);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.refuse(
                name,
                format!("value {given}: an invalid integer: invalid syntax"),
            );
            return None;
        }
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
                Ok(number) if number >= min => return Some(number),
                Ok(_) | Err(_) => self.refuse(name, format!("number must be at least {min}")),
            },
        }
        None
    }
}

/// Checks that `value` has at most `chars_max` code points.
pub(super) fn text(chars_max: Option<usize>, value: &str) -> Result<(), String> {
    match chars_max {
        Some(chars_max) if value.len() > chars_max && value.chars().count() > chars_max => {
            Err(format!("maximum string length is {chars_max}"))
        }
        Some(_) | None => Ok(()),
    }
}
