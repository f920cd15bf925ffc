//! Success rates: how often actions did what they were meant to.

use jiff::SignedDuration;

/// Fewest actions that a rate is worth anything with, unless the client says so.
pub const MIN_SAMPLES_DEFAULT: u32 = 5;

/// Most days a rate can look back: ten years.
pub const RANGE_DAYS_MAX: u32 = 3_650;

/// Most lines of a breakdown; those with the most actions are listed.
pub const BREAKDOWN_MAX: u16 = 1_000;

/// The most that a count of samples can be asked to reach.
pub const MIN_SAMPLES_MAX: u32 = 2_147_483_647;

/// How far back a rate looks: whole hours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeRange {
    hours: u32,
}

impl TimeRange {
    /// The range of a client that does not say.
    pub const DEFAULT: Self = Self { hours: 7 * 24 };

    /// So many hours; `None` when they are none, or more than [`RANGE_DAYS_MAX`] days.
    pub const fn of_hours(hours: u32) -> Option<Self> {
        match hours {
            0 => None,
            hours if hours > RANGE_DAYS_MAX * 24 => None,
            hours => Some(Self { hours }),
        }
    }

    /// How long it is.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_hours(self.hours.into())
    }

    /// The range as the first contract repeats it: whole days when there is one, hours otherwise.
    pub fn normalised(self) -> String {
        match self.hours / 24 {
            0 => format!("{}h", self.hours),
            days => format!("{days}d"),
        }
    }
}

/// Which actions a rate is about; at least one member is there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dimensions {
    /// About this type of incident.
    pub incident_type: Option<String>,
    /// Of this workflow.
    pub workflow_id: Option<String>,
    /// Of this version of it; all versions when absent.
    pub workflow_version: Option<String>,
    /// Of this type.
    pub action_type: Option<String>,
}

/// How many actions there were, and how they ended. Those that have not ended count in the total only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// All of them.
    pub total: u64,
    /// Those that did what they were meant to.
    pub completed: u64,
    /// Those that did not.
    pub failed: u64,
}

/// How much a rate is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Confidence {
    /// At least 100 actions.
    High,
    /// At least 20.
    Medium,
    /// At least 5.
    Low,
    /// Fewer.
    InsufficientData,
}

impl Confidence {
    /// Every word, in documentation order.
    pub const ALL: &'static [Self] = &[Self::High, Self::Medium, Self::Low, Self::InsufficientData];

    /// The word as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::InsufficientData => "insufficient_data",
        }
    }
}

impl Tally {
    /// The share of successes, 0 to 1; 0 when there was nothing. Whole numbers are divided once.
    pub fn fraction(self) -> f64 {
        self.share(1)
    }

    /// The same in percent.
    pub fn percent(self) -> f64 {
        self.share(100)
    }

    fn share(self, of: u64) -> f64 {
        match self.total {
            0 => 0.0,
            total => float(self.completed * of) / float(total),
        }
    }

    /// What its size says about it.
    pub fn confidence(self) -> Confidence {
        match self.total {
            100.. => Confidence::High,
            20.. => Confidence::Medium,
            5.. => Confidence::Low,
            _ => Confidence::InsufficientData,
        }
    }
}

/// Exact up to 2^53, far beyond any count of rows.
fn float(count: u64) -> f64 {
    count as f64
}

/// How the AI went about it; an action may count in several.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AiModes {
    /// It chose a workflow from the catalogue.
    pub catalog_selected: u64,
    /// It chained workflows.
    pub chained: u64,
    /// It called people.
    pub manual_escalation: u64,
}

/// One workflow's share of a rate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorkflowShare {
    /// The workflow.
    pub workflow_id: String,
    /// Its version, if the senders gave one.
    pub workflow_version: Option<String>,
    /// Its actions.
    pub tally: Tally,
}

/// One type of incident's share of a rate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IncidentShare {
    /// The type.
    pub incident_type: String,
    /// Its actions.
    pub tally: Tally,
}

/// A success rate with everything that it is made of, from one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SuccessRate {
    /// All of it.
    pub tally: Tally,
    /// How the AI went about it.
    pub modes: AiModes,
    /// By workflow and version, the most actions first; those without a workflow are in none.
    pub by_workflow: Vec<WorkflowShare>,
    /// By type of incident, likewise.
    pub by_incident_type: Vec<IncidentShare>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_divided_once_and_confidence_follows_the_total() {
        for (completed, failed, percent, confidence) in [
            (0, 0, 0.0, "insufficient_data"),
            (3, 0, 100.0, "insufficient_data"),
            (4, 1, 80.0, "low"),
            (8, 2, 80.0, "low"),
            (13, 4, 76.470_588_235_294_12, "low"),
            (19, 0, 100.0, "low"),
            (15, 5, 75.0, "medium"),
            (10, 89, 10.101_010_101_010_1, "medium"),
            (1, 99, 1.0, "high"),
        ] {
            let total = completed + failed;
            let tally = Tally {
                total,
                completed,
                failed,
            };
            assert!((tally.percent() - percent).abs() < 1e-12, "{tally:?}");
            assert!((tally.fraction() * 100.0 - percent).abs() < 1e-12);
            assert_eq!(tally.confidence().as_str(), confidence);
        }
    }

    #[test]
    fn what_has_not_ended_depresses_the_rate() {
        let tally = Tally {
            total: 12,
            completed: 10,
            failed: 0,
        };
        assert!((tally.percent() - 83.333_333_333_333_33).abs() < 1e-12);
    }

    #[test]
    fn ranges_are_repeated_in_whole_days_when_there_is_one() {
        let normalised = |hours| TimeRange::of_hours(hours).map(TimeRange::normalised);
        assert_eq!(normalised(1).as_deref(), Some("1h"));
        assert_eq!(normalised(23).as_deref(), Some("23h"));
        assert_eq!(normalised(24).as_deref(), Some("1d"));
        assert_eq!(normalised(36).as_deref(), Some("1d"));
        assert_eq!(normalised(48).as_deref(), Some("2d"));
        assert_eq!(normalised(RANGE_DAYS_MAX * 24).as_deref(), Some("3650d"));
        assert_eq!(normalised(RANGE_DAYS_MAX * 24 + 1), None);
        assert_eq!(normalised(0), None);
        assert_eq!(TimeRange::DEFAULT.normalised(), "7d");
    }
}
