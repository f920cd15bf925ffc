//! What a query string says, name by name, and what is wrong with it.

use std::{borrow::Cow, collections::HashMap};

use ds_domain::{
    cursor::Scope,
    filter::{Count, Page, Start},
    limit::{FILTER_VALUES_MAX, PAGE_ITEMS_MAX},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Query, echo, no_such_word};
use crate::{
    ParameterError, ParameterErrors, ParameterPlace, Rule,
    parameter::{Breach, NoInteger, integer},
    relative_time,
};

/// The parameters as given, and what is wrong with them.
pub(crate) struct Given<'a> {
    values: HashMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    errors: ParameterErrors,
}

impl<'a> Given<'a> {
    pub(crate) fn new(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut values: HashMap<_, Vec<_>> = HashMap::new();
        for (name, value) in pairs {
            values.entry(name).or_default().push(value);
        }
        let errors = ParameterErrors::default();
        Self { values, errors }
    }

    /// What was read, unless something is wrong.
    pub(crate) fn judge<T>(self, read: T) -> Result<T, ParameterErrors> {
        self.errors.judge(read)
    }

    /// The query for `filter`, which was read from these parameters and is the question `scope`; a
    /// page without a limit has `items` elements.
    pub(crate) fn query<F>(
        mut self,
        filter: F,
        scope: Scope,
        items: u16,
    ) -> Result<Query<F>, ParameterErrors> {
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
        self.errors.add(error);
    }

    /// Notes a rule that the parameter `name` breaks.
    pub(crate) fn refuse(&mut self, name: &'static str, breach: Breach) {
        self.report(breach.at(ParameterPlace::Query, name));
    }

    /// The first value of a parameter that has one.
    fn first(&self, name: &str) -> Option<Cow<'a, str>> {
        self.values.get(name)?.first().cloned()
    }

    /// The first value of a parameter of which an empty one counts as absent.
    #[cfg(feature = "actions")]
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        let value = self.first(name).filter(|value| !value.is_empty());
        value.map(Cow::into_owned)
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
    /// question is the same filter. None of them when one is wrong; every rule that is broken is
    /// reported.
    pub(crate) fn several<T: Ord>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, Breach>,
    ) -> Vec<T> {
        let Some(given) = self.values.remove(name) else {
            return Vec::new();
        };
        if given.len() > FILTER_VALUES_MAX {
            self.refuse(name, Breach::too_many_values(given.len()));
            return Vec::new();
        }
        let mut values = Vec::with_capacity(given.len());
        let mut is_usable = true;
        for value in &given {
            let found = match &**value {
                "" => Err(Breach::empty()),
                value if value.contains('\0') => Err(Breach::nul()),
                value => read(value),
            };
            match found {
                Ok(value) => values.push(value),
                Err(breach) => {
                    self.refuse(name, breach);
                    is_usable = false;
                }
            }
        }
        if !is_usable {
            return Vec::new();
        }
        values.sort_unstable();
        values.dedup();
        values
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
            (_, Ok(_) | Err(_)) => {
                let message = "string doesn't match the format \"uuid\"";
                Err(Breach::new(Rule::Format, message))
            }
        })
    }

    /// Words of a closed set, in upper or lower case.
    #[cfg(feature = "notifications")]
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
        let limit = self.integer("limit", 1, i64::from(PAGE_ITEMS_MAX));
        let limit = limit.map_or(items, |limit| {
            u16::try_from(limit).unwrap_or(PAGE_ITEMS_MAX)
        });
        let offset = self.integer("offset", 0, i64::MAX);
        let offset = offset.unwrap_or(0);
        if is_walk && offset > 0 {
            let message = "offset cannot be combined with cursor";
            self.refuse("offset", Breach::new(Rule::Exclusive, message));
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
            self.refuse(name, Breach::empty());
            return None;
        }
        let time = relative_time::parse(&value, now);
        if time.is_none() {
            let message = format!(
                "invalid time format: {} (expected: 24h, 7d, or RFC3339 timestamp)",
                echo(&value)
            );
            self.refuse(name, Breach::new(Rule::Time, message));
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

    /// An integer from `min`, which is not negative, to `max`.
    pub(crate) fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Option<u64> {
        let value = self.first(name)?;
        let fault = match integer(&value, min, max) {
            Ok(number) => return u64::try_from(number).ok(),
            Err(fault) => fault,
        };
        let given = echo(&value);
        let message = match fault {
            NoInteger::Syntax => format!("value {given}: an invalid integer: invalid syntax"),
            NoInteger::Overflow { .. } => {
                format!("value {given}: an invalid integer: value out of range")
            }
            NoInteger::Beyond { actual, .. } if actual < min => {
                format!("number must be at least {min}")
            }
            NoInteger::Beyond { .. } => format!("number must be at most {max}"),
        };
        self.refuse(name, fault.breach(message));
        None
    }
}

/// Checks that `value` has at most `chars_max` code points.
pub(super) fn text(chars_max: Option<usize>, value: &str) -> Result<(), Breach> {
    let Some(chars_max) = chars_max.filter(|chars_max| value.len() > *chars_max) else {
        return Ok(());
    };
    let chars = value.chars().count();
    if chars <= chars_max {
        return Ok(());
    }
    let message = format!("maximum string length is {chars_max}");
    Err(Breach::new(Rule::TooLong, message).measured(chars_max, chars))
}
