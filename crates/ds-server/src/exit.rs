//! The exit codes, which are part of the interface.

use std::process::ExitCode;

/// How the process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// It could not start, or could not do what it was asked.
    Failed,
    /// It ran and was asked to stop, but did not finish everything that was in flight.
    Unfinished,
    /// The arguments are wrong. (`EX_USAGE` of sysexits.)
    Usage,
    /// The configuration is refused. (`EX_CONFIG` of sysexits.)
    Configuration,
}

impl Exit {
    /// The number. A second signal ends the process with 128 and the signal's number instead.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unfinished => 2,
            Self::Usage => 64,
            Self::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
