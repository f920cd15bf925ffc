//! The bounds that a deployment or an embedder may choose.

use ds_domain::limit;
use jiff::SignedDuration;

#[cfg(feature = "workflows")]
use crate::HashMode;
use crate::{KindMode, MarkupMode, SecretMode};

/// Bounds the rules compare against. Column widths are not among them: those are the schema's.
///
/// There will be more of them, so it is made from a default:
///
/// ```
/// let mut limits = ds_validation::Limits::default();
/// limits.event_kinds = ds_validation::KindMode::Enforce;
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How far ahead of the server's clock a sender's clock may be.
    pub clock_skew_max: SignedDuration,
    /// How old an event may be when it arrives.
    pub event_age_max: SignedDuration,
    /// Most events in one batch.
    pub batch_events_max: usize,
    /// Deepest nesting of objects and arrays.
    pub json_depth_max: usize,
    /// Most object members in one event.
    pub json_members_max: usize,
    /// What is done about an event that is not like others of its type.
    pub event_kinds: KindMode,
    /// What is done about secrets in texts.
    pub secrets: SecretMode,
    /// What is done about markup and SQL in texts.
    pub markup: MarkupMode,
    /// What is done about a workflow whose hash is not that of its content.
    #[cfg(feature = "workflows")]
    pub content_hash: HashMode,
}

impl Limits {
    /// The widest bounds there are: for an event that was accepted before, under whatever bounds
    /// then held; it is kept as it is. Nesting keeps its bound, which no deployment can raise.
    pub const fn widest() -> Self {
        Self {
            clock_skew_max: SignedDuration::MAX,
            event_age_max: SignedDuration::MAX,
            batch_events_max: limit::BATCH_EVENTS_MAX,
            json_depth_max: limit::JSON_DEPTH_MAX,
            json_members_max: usize::MAX,
            event_kinds: KindMode::Off,
            secrets: SecretMode::Off,
            markup: MarkupMode::Off,
            #[cfg(feature = "workflows")]
            content_hash: HashMode::Off,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clock_skew_max: limit::CLOCK_SKEW_MAX,
            event_age_max: limit::EVENT_AGE_MAX,
            batch_events_max: limit::BATCH_EVENTS_MAX,
            json_depth_max: limit::JSON_DEPTH_MAX,
            json_members_max: limit::JSON_MEMBERS_MAX,
            event_kinds: KindMode::default(),
            secrets: SecretMode::default(),
            markup: MarkupMode::default(),
            #[cfg(feature = "workflows")]
            content_hash: HashMode::default(),
        }
    }
}
