//! Incidents: action traces as the first service's dashboards read them.

use jiff::civil::Date;

use crate::event::words;

words! {
    /// How severe an incident may be asked to be.
    Severity {
        /// For the record.
        Info = "info",
        /// To be looked at.
        Warning = "warning",
        /// To be looked at now.
        Critical = "critical",
        /// Of three levels the first.
        High = "high",
        /// The second.
        Medium = "medium",
        /// The third.
        Low = "low",
    }
}

words! {
    /// How far back a trend looks.
    TrendPeriod {
        /// A week.
        Days7 = "7d",
        /// A month.
        Days30 = "30d",
        /// A quarter.
        Days90 = "90d",
    }
}

impl TrendPeriod {
    /// How many UTC days it has, today among them.
    pub const fn days(self) -> u8 {
        match self {
            Self::Days7 => 7,
            Self::Days30 => 30,
            Self::Days90 => 90,
        }
    }
}

/// Which incidents a list asks for: those that have every value that is given.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IncidentFilter {
    /// In this namespace.
    pub namespace: Option<String>,
    /// With this signal.
    pub signal_name: Option<String>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// In this cluster.
    pub cluster: Option<String>,
    /// In this environment.
    pub environment: Option<String>,
    /// With this type of action.
    pub action_type: Option<String>,
}

/// How many incidents there are of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// What they have in common.
    pub name: String,
    /// How many they are.
    pub count: u64,
}

/// How many incidents there were on one UTC day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DayCount {
    /// The day.
    pub date: Date,
    /// How many they were.
    pub count: u64,
}

/// Most groups of an aggregate; the largest are listed.
pub const GROUPS_MAX: u16 = 1_000;

/// Incidents on a page when the client does not say.
pub const INCIDENTS_DEFAULT: u16 = 100;
