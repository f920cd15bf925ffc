//! The bounded vocabulary of an event query.

use jiff::Timestamp;

/// Which events a query asks for; members are combined with AND, and compared for equality.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventFilter {
    /// Events of one remediation.
    pub correlation_id: Option<String>,
    /// Events of one type.
    pub event_type: Option<String>,
    /// Events of one category; free text, because an unknown category simply has no events.
    pub event_category: Option<String>,
    /// Events with one outcome.
    pub event_outcome: Option<String>,
    /// Events of one severity.
    pub severity: Option<String>,
    /// Events at or after this instant.
    pub since: Option<Timestamp>,
    /// Events at or before this instant.
    pub until: Option<Timestamp>,
}

/// Which part of the answer a query asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// At most so many events.
    pub limit: u16,
    /// After skipping so many.
    pub offset: u64,
}
