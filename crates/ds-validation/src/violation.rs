//! What can be wrong with a body, said so that a client can mend it in one round trip.

use std::fmt;

/// The rule a value breaks. There will be more of them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// A member that must be there is missing.
    Required,
    /// A text that must say something is empty.
    Empty,
    /// A text is longer than its column.
    TooLong,
    /// A value of another JSON type, or a parameter that says no integer or boolean where it must.
    Type,
    /// `null` where a value is needed.
    Null,
    /// A word outside a closed set.
    Enum,
    /// A text that does not have the form of a date-time, UUID, address or date, or whichever its
    /// message names.
    Format,
    /// A date-time of the right form that is no instant: without an offset, or of a day or second
    /// that there is not. Of a parameter: neither a time nor a duration.
    Time,
    /// A number outside its bounds.
    Range,
    /// An event from the future.
    Future,
    /// An event that is too old to be accepted.
    TooOld,
    /// A NUL character, which PostgreSQL cannot store.
    Nul,
    /// An object that names a member twice.
    DuplicateKey,
    /// Nesting that is too deep.
    TooDeep,
    /// More object members than an event, or what else is sent, may have.
    TooManyMembers,
    /// More items than an array or a set of labels may have, or more values than a parameter.
    TooMany,
    /// A parent event that is not stored.
    ParentNotFound,
    /// A batch that holds no event.
    EmptyBatch,
    /// A batch that holds too many events.
    BatchTooLarge,
    /// Two events of one batch with the same id.
    DuplicateId,
    /// Events of one batch that name each other as parents.
    ParentCycle,
    /// A category that events of the type do not have.
    UnexpectedCategory,
    /// An action that events of the type do not have.
    UnexpectedAction,
    /// A payload without a member that every sender of its kind sends.
    PayloadMemberMissing,
    /// A member of a payload of another JSON type than senders of its kind give it.
    PayloadMemberType,
    /// A text that holds a secret, where such events are refused.
    ContainsSecret,
    /// A hash that is not that of the content.
    ContentHash,
    /// A version that is the latest only because it came last: it does not say that it is higher.
    VersionOrder,
    /// A member that cannot be changed.
    Immutable,
    /// A parameter that cannot stand beside another one, or beside what else is asked for.
    Exclusive,
    /// A cursor that was not handed out, or not to this question.
    Cursor,
}

impl Rule {
    /// Every rule, in documentation order.
    pub const ALL: &'static [Self] = &[
        Self::Required,
        Self::Empty,
        Self::TooLong,
        Self::Type,
        Self::Null,
        Self::Enum,
        Self::Format,
        Self::Time,
        Self::Range,
        Self::Future,
        Self::TooOld,
        Self::Nul,
        Self::DuplicateKey,
        Self::TooDeep,
        Self::TooManyMembers,
        Self::TooMany,
        Self::ParentNotFound,
        Self::EmptyBatch,
        Self::BatchTooLarge,
        Self::DuplicateId,
        Self::ParentCycle,
        Self::UnexpectedCategory,
        Self::UnexpectedAction,
        Self::PayloadMemberMissing,
        Self::PayloadMemberType,
        Self::ContainsSecret,
        Self::ContentHash,
        Self::VersionOrder,
        Self::Immutable,
        Self::Exclusive,
        Self::Cursor,
    ];

    /// The stable code of the rule: in problem documents and as the metric label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Empty => "empty",
            Self::TooLong => "exceeds_max_length",
            Self::Type => "invalid_type",
            Self::Null => "not_nullable",
            Self::Enum => "invalid_enum",
            Self::Format => "invalid_format",
            Self::Time => "invalid_time",
            Self::Range => "out_of_range",
            Self::Future => "future_timestamp",
            Self::TooOld => "timestamp_too_old",
            Self::Nul => "contains_nul",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::TooManyMembers => "too_many_members",
            Self::TooMany => "too_many_items",
            Self::ParentNotFound => "parent_not_found",
            Self::EmptyBatch => "empty_batch",
            Self::BatchTooLarge => "batch_too_large",
            Self::DuplicateId => "duplicate_id",
            Self::ParentCycle => "parent_cycle",
            Self::UnexpectedCategory => "unexpected_category",
            Self::UnexpectedAction => "unexpected_action",
            Self::PayloadMemberMissing => "payload_member_missing",
            Self::PayloadMemberType => "payload_member_type",
            Self::ContainsSecret => "contains_secret",
            Self::ContentHash => "content_hash_mismatch",
            Self::VersionOrder => "version_order_unknown",
            Self::Immutable => "immutable",
            Self::Exclusive => "mutually_exclusive",
            Self::Cursor => "invalid_cursor",
        }
    }
}

/// One broken rule.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// RFC 6901 pointer to the offending value; in a batch it starts with the index.
    pub pointer: String,
    /// The envelope member it concerns, `body` for the whole: a closed set, safe as a metric label.
    pub field: &'static str,
    /// The rule.
    pub rule: Rule,
    /// What is wrong, in words that never repeat the value.
    pub message: String,
    /// The bound that was missed, where the rule has one.
    pub bound: Option<i64>,
    /// What was measured against the bound, where it is an integer.
    pub actual: Option<i64>,
}

impl Violation {
    /// A violation of `rule` by the envelope member `field`.
    pub fn of_field(field: &'static str, rule: Rule, message: impl Into<String>) -> Self {
        Self::at(format!("/{field}"), field, rule, message)
    }

    /// A violation of `rule` by the value at `pointer`, somewhere inside the member `field`.
    pub fn at(
        pointer: String,
        field: &'static str,
        rule: Rule,
        message: impl Into<String>,
    ) -> Self {
        Self {
            pointer,
            field,
            rule,
            message: message.into(),
            bound: None,
            actual: None,
        }
    }

    /// The integer `number` in the place of one from `min` to `max`.
    pub(crate) fn of_integer(field: &'static str, number: i64, min: i64, max: i64) -> Self {
        Self {
            actual: Some(number),
            ..Self::of_number(field, number < min, min, max)
        }
    }

    /// A number that is no integer, on this side of the numbers from `min` to `max`. Only the bound is
    /// told.
    pub(crate) fn of_number(field: &'static str, is_below: bool, min: i64, max: i64) -> Self {
        let (bound, message) = match is_below {
            true => (min, format!("number must be at least {min}")),
            false => (max, format!("number must be at most {max}")),
        };
        Self {
            bound: Some(bound),
            ..Self::of_field(field, Rule::Range, message)
        }
    }

    /// Adds the bound and what was measured against it.
    #[must_use]
    pub fn measured(mut self, bound: impl TryInto<i64>, actual: impl TryInto<i64>) -> Self {
        self.bound = bound.try_into().ok();
        self.actual = actual.try_into().ok();
        self
    }

    /// The same violation, found in the event at `index` of a batch.
    #[must_use]
    pub fn in_event(mut self, index: usize) -> Self {
        self.pointer = format!("/{index}{}", self.pointer);
        self
    }
}

/// Everything that is wrong. Never empty when it is an error.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds one.
    pub fn add(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// Adds all of `others`.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds all of `others`, found in the event at `index` of a batch.
    pub fn add_in_event(&mut self, index: usize, others: Self) {
        self.0.extend(
            others
                .0
                .into_iter()
                .map(|violation| violation.in_event(index)),
        );
    }

    /// Whether the value at `pointer` already broke a rule.
    pub fn has(&self, pointer: &str) -> bool {
        self.0.iter().any(|violation| violation.pointer == pointer)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rules are broken.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Orders them as clients of the first contract know it: by pointer, and missing members last, in
    /// the order in which they were looked for.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let is_missing = |one: &Violation| one.rule == Rule::Required;
            match (is_missing(a), is_missing(b)) {
                (false, false) => a.pointer.cmp(&b.pointer),
                (a, b) => a.cmp(&b),
            }
        });
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " | " };
            f.write_str(separator)?;
            // The contract has no pointer for what is wrong with the whole.
            if !violation.pointer.is_empty() {
                write!(f, "Error at \"{}\": ", violation.pointer)?;
            }
            f.write_str(&violation.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_bounds_say_which_bound_and_how_far() {
        let told = |violation: Violation| {
            assert_eq!((&*violation.pointer, violation.rule), ("/n", Rule::Range));
            (violation.message, violation.bound, violation.actual)
        };
        let low = || "number must be at least 1".to_owned();
        let high = || "number must be at most 9".to_owned();
        let integer = |number| told(Violation::of_integer("n", number, 1, 9));
        assert_eq!(integer(-3), (low(), Some(1), Some(-3)));
        assert_eq!(integer(10), (high(), Some(9), Some(10)));
        let number = |is_below| told(Violation::of_number("n", is_below, 1, 9));
        assert_eq!(number(true), (low(), Some(1), None));
        assert_eq!(number(false), (high(), Some(9), None));
    }
}
