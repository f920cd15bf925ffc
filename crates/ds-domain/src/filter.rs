//! The bounded vocabulary of a query: what is asked for, and which part of the answer.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    cursor::Position,
    json::JsonObject,
    limit::{self, TextField},
};

/// Names of the text members that a query may ask for, in the order of the API document.
pub const TEXT_FILTERS: &[&str] = &[
    "correlation_id",
    "event_type",
    "event_category",
    "event_action",
    "event_outcome",
    "severity",
    "actor_type",
    "actor_id",
    "resource_type",
    "resource_id",
    "namespace",
    "cluster_name",
    "trace_id",
];

/// The fields that [`TEXT_FILTERS`] names.
pub fn text_filters() -> impl Iterator<Item = &'static TextField> {
    TEXT_FILTERS
        .iter()
        .filter_map(|name| limit::event_text_field(name))
}

/// Which events a query asks for. Members are combined with AND, the values of one member with OR;
/// a member without values asks for nothing in particular.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventFilter {
    /// Events with one of these texts, compared for equality.
    pub texts: Vec<AnyText>,
    /// Events whose parent is one of these.
    pub parents: Vec<Uuid>,
    /// Events whose payload contains one of these, as `@>` has it.
    pub data: Vec<JsonObject>,
    /// Events at or after this instant.
    pub since: Option<Timestamp>,
    /// Events at or before this instant.
    pub until: Option<Timestamp>,
}

/// A text member, and the values that are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnyText {
    /// The member.
    pub field: &'static TextField,
    /// The values; never none.
    pub values: Vec<String>,
}

impl EventFilter {
    /// The same filter, for events whose `field` has one of `values`.
    #[must_use]
    pub fn with_any(
        mut self,
        field: &'static TextField,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            self.texts.push(AnyText { field, values });
        }
        self
    }

    /// The values that are asked for of the member `name`.
    pub fn values_of(&self, name: &str) -> &[String] {
        let asked = self.texts.iter().find(|text| text.field.name == name);
        asked.map_or(&[], |text| &text.values)
    }
}

impl Timed for EventFilter {
    fn times(&self) -> Times {
        Times {
            since: self.since,
            until: self.until,
        }
    }

    fn set_times(&mut self, times: Times) {
        (self.since, self.until) = (times.since, times.until);
    }
}

/// The bounds of time of a filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Times {
    /// What is asked for is at or after this instant.
    pub since: Option<Timestamp>,
    /// What is asked for is at or before this instant.
    pub until: Option<Timestamp>,
}

/// A filter whose answer can be walked through by cursor. A walk keeps the bounds of time it began
/// with; a filter that has none implements nothing.
pub trait Timed {
    /// Its bounds of time.
    fn times(&self) -> Times {
        Times::default()
    }

    /// Gives it other ones.
    fn set_times(&mut self, _times: Times) {}
}

/// Whether, and how, the elements of the whole answer are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// All of them, in one snapshot with the page. Takes longer the more there are.
    Exact,
    /// As many as the planner expects, which costs next to nothing.
    Estimated,
    /// They are not.
    None,
}

impl Count {
    /// Every way, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Exact, Self::Estimated, Self::None];

    /// The word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}

/// Which part of the answer a query asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// At most so many elements.
    pub limit: u16,
    /// Where it begins.
    pub start: Start,
    /// What is said about the size of the whole answer.
    pub count: Count,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// After skipping so many elements, which are read for nothing.
    Offset(u64),
    /// At the newest element.
    Newest,
    /// Behind this place: what follows is older.
    After(Position),
    /// It ends in front of this place: the nearest that are newer.
    Before(Position),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_filter_is_a_text_field_of_an_event_whose_column_has_its_name() {
        let fields: Vec<_> = text_filters()
            .map(|field| (field.name, field.column))
            .collect();
        let names: Vec<_> = TEXT_FILTERS.iter().map(|name| (*name, *name)).collect();
        assert_eq!(fields, names);
    }
}
