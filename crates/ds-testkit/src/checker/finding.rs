//! A broken promise.

use std::fmt;

/// What happened to an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Harm {
    /// It was acknowledged and is not there.
    Lost,
    /// It is there more often than it was sent, or its id is.
    Duplicated,
    /// It is not what was sent.
    Altered,
}

/// One broken promise.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What happened.
    pub harm: Harm,
    /// The event's mark.
    pub mark: String,
    /// What exactly, and what was answered when.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harm = match self.harm {
            Harm::Lost => "lost",
            Harm::Duplicated => "duplicated",
            Harm::Altered => "altered",
        };
        write!(f, "{harm}: {}: {}", self.mark, self.detail)
    }
}
