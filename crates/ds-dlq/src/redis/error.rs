//! What can go wrong between us and Redis.

use fred::error::Error;

/// Why Redis did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// There is no connection.
    #[error("Redis is not connected")]
    Away,
    /// It said no, or the connection broke.
    #[error("Redis command failed")]
    Command(#[source] Error),
    /// It did not answer.
    #[error("Redis did not answer in time")]
    Timeout,
    /// It answered something that is not what its documentation says.
    #[error("Redis answer has an unexpected form")]
    Answer,
    /// It accepted entries, and has not put them on its disk.
    #[error("Redis did not sync its append-only file in time")]
    NotSynced,
    /// It would lose entries, and that is not allowed.
    #[error(
        "Redis would lose entries with its power: set `appendonly yes`, before version 7.2 also `appendfsync always`"
    )]
    NotDurable,
}

impl RedisError {
    /// Whether it said so in an answer that begins with `code`.
    pub(super) fn is_answer(&self, code: &str) -> bool {
        matches!(self, Self::Command(error) if error.details().starts_with(code))
    }
}
