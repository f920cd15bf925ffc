//! What can be wrong with the parameters of a request, said as exactly as what is wrong with a body.

use std::fmt;

use ds_domain::limit::FILTER_VALUES_MAX;

use crate::{Rule, Violation};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParameterPlace {
    /// In the query string.
    Query,
    /// In the path.
    Path,
}

impl ParameterPlace {
    /// The word for it in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Path => "path",
        }
    }
}

/// A rule that a parameter breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("parameter \"{name}\" in {} has an error: {message}", .place.as_str())]
#[non_exhaustive]
pub struct ParameterError {
    /// Where the parameter stands.
    pub place: ParameterPlace,
    /// Name of the parameter: a closed set, safe as a metric label.
    pub name: &'static str,
    /// The rule.
    pub rule: Rule,
    /// What is wrong, in words that repeat no more than the beginning of a value.
    pub message: String,
    /// The bound that was missed, where the rule has one.
    pub bound: Option<i64>,
    /// What was measured against the bound, unless it fits no number of 64 bits.
    pub actual: Option<i64>,
}

impl ParameterError {
    /// A violation of `rule` by the parameter `name` of the query string.
    pub fn in_query(name: &'static str, rule: Rule, message: impl Into<String>) -> Self {
        Breach::new(rule, message).at(ParameterPlace::Query, name)
    }

    /// A violation of `rule` by the parameter `name` of the path.
    pub fn in_path(name: &'static str, rule: Rule, message: impl Into<String>) -> Self {
        Breach::new(rule, message).at(ParameterPlace::Path, name)
    }

    /// Adds the bound and what was measured against it.
    #[must_use]
    pub fn measured(mut self, bound: impl TryInto<i64>, actual: impl TryInto<i64>) -> Self {
        self.bound = bound.try_into().ok();
        self.actual = actual.try_into().ok();
        self
    }
}

/// Everything that is wrong with the parameters of a request, in the order in which they are looked
/// at. A rule that several values of one parameter break is told once. Never empty when it is an error.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ParameterErrors(Vec<ParameterError>);

impl ParameterErrors {
    /// Adds one, unless the parameter is known to break this rule.
    pub fn add(&mut self, error: ParameterError) {
        let is_same = |known: &ParameterError| {
            let key = |one: &ParameterError| (one.place, one.name, one.rule, one.bound);
            key(known) == key(&error)
        };
        if !self.0.iter().any(is_same) {
            self.0.push(error);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rules are broken.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ParameterError> {
        self.0.iter()
    }

    /// `read`, unless something is wrong.
    pub fn judge<T>(self, read: T) -> Result<T, Self> {
        match self.is_empty() {
            true => Ok(read),
            false => Err(self),
        }
    }
}

impl From<ParameterError> for ParameterErrors {
    fn from(error: ParameterError) -> Self {
        Self(vec![error])
    }
}

impl<'a> IntoIterator for &'a ParameterErrors {
    type Item = &'a ParameterError;
    type IntoIter = std::slice::Iter<'a, ParameterError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ParameterErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " | " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParameterErrors {}

/// A rule that a value breaks, whichever parameter it is of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Breach {
    rule: Rule,
    message: String,
    bound: Option<i64>,
    actual: Option<i64>,
}

impl Breach {
    pub(crate) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            bound: None,
            actual: None,
        }
    }

    /// Adds the bound and what was measured against it.
    pub(crate) fn measured(mut self, bound: usize, actual: usize) -> Self {
        self.bound = i64::try_from(bound).ok();
        self.actual = i64::try_from(actual).ok();
        self
    }

    /// A value that says nothing.
    pub(crate) fn empty() -> Self {
        Self::new(Rule::Empty, "empty value is not allowed").measured(1, 0)
    }

    /// A value that PostgreSQL cannot store, and so cannot be asked for.
    pub(crate) fn nul() -> Self {
        Self::new(Rule::Nul, "value contains a NUL character")
    }

    /// A parameter that is given too often.
    pub(crate) fn too_many_values(values: usize) -> Self {
        let message = format!("parameter has more than {FILTER_VALUES_MAX} values");
        Self::new(Rule::TooMany, message).measured(FILTER_VALUES_MAX, values)
    }

    /// The same, as the fault of the parameter `name`.
    pub(crate) fn at(self, place: ParameterPlace, name: &'static str) -> ParameterError {
        let Self {
            rule,
            message,
            bound,
            actual,
        } = self;
        ParameterError {
            place,
            name,
            rule,
            message,
            bound,
            actual,
        }
    }
}

impl From<&Violation> for Breach {
    fn from(violation: &Violation) -> Self {
        Self {
            rule: violation.rule,
            message: violation.message.clone(),
            bound: violation.bound,
            actual: violation.actual,
        }
    }
}

/// Why a text is no integer within its bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoInteger {
    /// It is not made of digits, behind a sign or not.
    Syntax,
    /// It is further beyond this bound than 64 bits reach.
    Overflow { bound: i64 },
    /// It is beyond this bound.
    Beyond { bound: i64, actual: i64 },
}

impl NoInteger {
    /// The rule that is broken, in the words of whoever asked for the integer.
    pub(crate) fn breach(self, message: impl Into<String>) -> Breach {
        let (rule, bound, actual) = match self {
            Self::Syntax => (Rule::Type, None, None),
            Self::Overflow { bound } => (Rule::Range, Some(bound), None),
            Self::Beyond { bound, actual } => (Rule::Range, Some(bound), Some(actual)),
        };
        Breach {
            rule,
            message: message.into(),
            bound,
            actual,
        }
    }
}

/// Reads an integer from `min` to `max`.
pub(crate) fn integer(text: &str, min: i64, max: i64) -> Result<i64, NoInteger> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoInteger::Syntax);
    }
    match text.parse::<i64>() {
        Ok(actual) if actual < min => Err(NoInteger::Beyond { bound: min, actual }),
        Ok(actual) if actual > max => Err(NoInteger::Beyond { bound: max, actual }),
        Ok(number) => Ok(number),
        // With this syntax nothing else is wrong.
        Err(_overflow) if text.starts_with('-') => Err(NoInteger::Overflow { bound: min }),
        Err(_overflow) => Err(NoInteger::Overflow { bound: max }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a program reads of an error: the parameter, the code of the rule, bound and actual.
    pub(crate) type Read = (&'static str, &'static str, Option<i64>, Option<i64>);

    pub(crate) fn read(errors: &ParameterErrors) -> Vec<Read> {
        let read = |error: &ParameterError| {
            let ParameterError { bound, actual, .. } = *error;
            (error.name, error.rule.as_str(), bound, actual)
        };
        errors.iter().map(read).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: Result<i64, NoInteger>) {
        assert_eq!(integer(text, -7, 1_000), expected, "{text}");
    }

    #[test]
    fn integers_are_read_within_bounds() {
        let beyond = |bound, actual| Err(NoInteger::Beyond { bound, actual });
        check("1000", Ok(1_000));
        check("+007", Ok(7));
        check("-7", Ok(-7));
        check("1001", beyond(1_000, 1_001));
        check("-8", beyond(-7, -8));
        check("9223372036854775807", beyond(1_000, i64::MAX));
        let overflow = |bound| Err(NoInteger::Overflow { bound });
        check("9223372036854775808", overflow(1_000));
        check("-9223372036854775809", overflow(-7));
        for text in ["", "-", "+-1", "1e3", "1.0", " 1", "0x1", "٧"] {
            check(text, Err(NoInteger::Syntax));
        }
    }

    #[test]
    fn errors_say_where_and_what() {
        let mut errors = ParameterErrors::default();
        assert_eq!(errors.clone().judge(7), Ok(7));
        let long = |actual| {
            let message = "maximum string length is 255";
            let error = ParameterError::in_path("correlation_id", Rule::TooLong, message);
            error.measured(255_u16, actual)
        };
        errors.add(long(256_usize));
        errors.add(ParameterError::in_query("limit", Rule::Type, "no"));
        // It is the same rule, however far it is missed.
        errors.add(long(300));
        assert_eq!(
            errors.to_string(),
            "parameter \"correlation_id\" in path has an error: maximum string length is 255 | \
             parameter \"limit\" in query has an error: no"
        );
        assert_eq!(
            read(&errors),
            [
                ("correlation_id", "exceeds_max_length", Some(255), Some(256)),
                ("limit", "invalid_type", None, None)
            ]
        );
        assert_eq!((errors.len(), errors.is_empty()), (2, false));
        assert_eq!(errors.clone().judge(7), Err(errors));
    }
}
