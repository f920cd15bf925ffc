//! Section `partitions`: how far ahead the table is prepared.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{problem::Problems, scalar};

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Partitions {
    #[serde(deserialize_with = "scalar::integer")]
    months_ahead: i64,
    interval: String,
}

/// Monthly partitions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartitionSettings {
    /// How many months after the current one must exist.
    pub months_ahead: u8,
    /// How often that is checked.
    pub interval: Duration,
}

impl Partitions {
    pub(super) fn settings(&self, problems: &mut Problems) -> PartitionSettings {
        PartitionSettings {
            months_ahead: problems.integer("partitions.months_ahead", self.months_ahead, 3..=24),
            interval: problems.duration(
                "partitions.interval",
                &self.interval,
                Duration::from_secs(1)..=Duration::from_hours(24),
            ),
        }
    }
}
