//! What is wrong with a configuration: all of it, each with its place.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::duration;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    /// What, in words. Never holds a secret.
    pub message: String,
    /// Section and key, as in `server.port`; empty for a layer that cannot be read at all.
    pub path: String,
    /// The layer the value comes from, in words.
    pub origin: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (self.path.as_str(), &self.origin) {
            ("", None) => Ok(()),
            ("", Some(origin)) => write!(f, " ({origin})"),
            (path, None) => write!(f, " ({path})"),
            (path, Some(origin)) => write!(f, " ({path}, {origin})"),
        }
    }
}

/// A configuration that is refused, and every reason for it. One line each.
#[derive(Debug, thiserror::Error)]
pub(crate) struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Collects problems while values are checked.
///
/// A check always returns a value, so that the next one can run; after a problem the value is a
/// placeholder that never leaves, because settings with problems are never handed out.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Problem {
            message: message.into(),
            path: path.to_owned(),
            origin: None,
        });
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Nothing, or the problems with their origins.
    pub(super) fn into_result(
        self,
        origin_of: impl Fn(&str) -> Option<String>,
    ) -> Result<(), ConfigError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_refusal(origin_of))
        }
    }

    /// The problems, each with its origin if `origin_of` knows it.
    pub(super) fn into_refusal(
        mut self,
        origin_of: impl Fn(&str) -> Option<String>,
    ) -> ConfigError {
        for problem in &mut self.0 {
            if problem.origin.is_none() {
                problem.origin = origin_of(&problem.path);
            }
        }
        ConfigError(self.0)
    }

    /// An integer within `range`.
    pub(super) fn integer<T>(&mut self, path: &str, value: i64, range: RangeInclusive<T>) -> T
    where
        T: Copy + PartialOrd + TryFrom<i64> + fmt::Display,
    {
        match T::try_from(value) {
            Ok(value) if range.contains(&value) => value,
            _ => {
                let (min, max) = (range.start(), range.end());
                let name = spoken(path);
                self.add(
                    path,
                    format!("{name} must be between {min} and {max}, got: {value}"),
                );
                *min
            }
        }
    }

    /// A duration within `range`.
    pub(super) fn duration(
        &mut self,
        path: &str,
        text: &str,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let key = path.rsplit('.').next().unwrap_or(path);
        match duration::parse(text) {
            Err(error) => {
                self.add(path, format!("invalid {key}: {error}"));
                *range.start()
            }
            Ok(value) if range.contains(&value) => value,
            Ok(_) => {
                let (min, max) = (duration::Text(*range.start()), duration::Text(*range.end()));
                let name = spoken(path);
                self.add(
                    path,
                    format!("{name} must be between {min} and {max}, got: {text}"),
                );
                *range.start()
            }
        }
    }

    /// A text that may not be empty.
    pub(super) fn required(&mut self, path: &str, text: &str) -> String {
        if text.is_empty() {
            self.add(path, format!("{} required", spoken(path)));
        }
        text.to_owned()
    }
}

/// `server.port` as it is said in messages: `server port`.
fn spoken(path: &str) -> String {
    path.replacen('.', " ", 1)
}

/// `text`, or nothing when it is empty: how templates and the environment say "not set".
pub(super) fn set(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}
