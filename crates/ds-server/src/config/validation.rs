//! Section `validation`: bounds of what is accepted.

use std::time::Duration;

use ds_domain::limit;
use ds_validation::{KindMode, Limits, MarkupMode, SecretMode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{problem::Problems, scalar};

/// Events no older than this fall into the current month or the one before, which have partitions.
const AGE_MAX: Duration = Duration::from_hours(24 * 28);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Validation {
    clock_skew_max: String,
    event_age_max: String,
    #[serde(deserialize_with = "scalar::integer")]
    batch_events_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    json_depth_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    json_members_max: i64,
    event_kinds: String,
    secrets: String,
    markup: String,
}

impl Validation {
    pub(super) fn settings(&self, problems: &mut Problems) -> Limits {
        let mut duration = |key: &str, text: &str, max: Duration| {
            let path = format!("validation.{key}");
            signed(problems.duration(&path, text, Duration::ZERO..=max))
        };
        let day = Duration::from_hours(24);
        let clock_skew_max = duration("clock_skew_max", &self.clock_skew_max, day);
        let event_age_max = duration("event_age_max", &self.event_age_max, AGE_MAX);
        let mut limits = Limits::default();
        limits.clock_skew_max = clock_skew_max;
        limits.event_age_max = event_age_max;
        limits.batch_events_max = problems.integer(
            "validation.batch_events_max",
            self.batch_events_max,
            1..=limit::BATCH_EVENTS_MAX,
        );
        limits.json_depth_max = problems.integer(
            "validation.json_depth_max",
            self.json_depth_max,
            2..=limit::JSON_DEPTH_MAX,
        );
        limits.json_members_max = problems.integer(
            "validation.json_members_max",
            self.json_members_max,
            32..=1_000_000,
        );
        limits.event_kinds = mode(
            problems,
            "validation.event_kinds",
            &self.event_kinds,
            KindMode::ALL,
            |mode| mode.as_str(),
        );
        limits.secrets = mode(
            problems,
            "validation.secrets",
            &self.secrets,
            SecretMode::ALL,
            |mode| mode.as_str(),
        );
        limits.markup = mode(
            problems,
            "validation.markup",
            &self.markup,
            MarkupMode::ALL,
            |mode| mode.as_str(),
        );
        limits
    }
}

/// The mode that `given` names, the setting at `path`.
pub(super) fn mode<M: Copy + Default>(
    problems: &mut Problems,
    path: &str,
    given: &str,
    modes: &[M],
    word: fn(M) -> &'static str,
) -> M {
    let found = modes.iter().copied().find(|mode| word(*mode) == given);
    found.unwrap_or_else(|| {
        let words: Vec<&str> = modes.iter().copied().map(word).collect();
        let (last, others) = words.split_last().unwrap_or((&"", &[]));
        let list = format!("{} or {last}", others.join(", "));
        let key = path.rsplit('.').next().unwrap_or(path);
        let problem = format!("invalid {key}: {given} (must be {list})");
        problems.add(path, problem);
        M::default()
    })
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
