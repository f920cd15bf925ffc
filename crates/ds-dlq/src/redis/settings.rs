//! Where the queue is, and how much it may hold.

use std::time::Duration;

use ds_metrics::Stream;
use secrecy::SecretString;

/// What is done about a Redis that would forget entries when power fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DurabilityPolicy {
    /// Nothing is put there.
    Require,
    /// It is used, and that is reported.
    Report,
}

/// The queue's settings.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Number of the database.
    pub database: u8,
    /// Password, if there is one.
    pub password: Option<SecretString>,
    /// What the names of the streams begin with: `audit:dlq`.
    pub prefix: String,
    /// Consumer group, shared by all who replay.
    pub group: String,
    /// Name of this process in the group; no other process may ever have the same.
    pub consumer: String,
    /// Most entries before the next one is refused.
    pub entries_max: u64,
    /// Most bytes of entries before the next one is refused.
    pub bytes_max: u64,
    /// What is done about a Redis that would forget.
    pub durability: DurabilityPolicy,
    /// How long a taken entry belongs to its taker: [`LEASE`](crate::LEASE), but for tests.
    pub lease: Duration,
}

/// The keys of one stream, in the order in which the scripts know them.
#[derive(Clone, Debug)]
pub(super) struct Keys(pub(super) [String; 7]);

impl Keys {
    pub(super) fn of(prefix: &str, stream: Stream) -> Self {
        let name = stream.as_str();
        let of = |part: &str| format!("{prefix}:{name}{part}");
        let base = prefix.strip_suffix(":dlq").unwrap_or(prefix);
        Self([
            of(""),
            of(":deferred"),
            of(":leased"),
            of(":held"),
            of(":age"),
            of(":bytes"),
            format!("{base}:dead-letter:{name}"),
        ])
    }

    pub(super) fn dead_letters(&self) -> &str {
        let [.., dead] = &self.0;
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_have_the_names_of_the_contract() {
        let keys = Keys::of("audit:dlq", Stream::Notifications);
        assert_eq!(keys.0[0], "audit:dlq:notifications");
        assert_eq!(keys.dead_letters(), "audit:dead-letter:notifications");
        let keys = Keys::of("other", Stream::Events);
        assert_eq!(keys.0[5], "other:events:bytes");
        assert_eq!(keys.dead_letters(), "other:dead-letter:events");
    }
}
