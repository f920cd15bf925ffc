//! Section `logging`: what is written, and how.

use serde::{Deserialize, Serialize};
use tracing::Level;

use super::problem::Problems;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Logging {
    level: String,
    format: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// One JSON document.
    Json,
    /// For people.
    Console,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggingSettings {
    /// Least severe level that is written.
    pub level: Level,
    /// How a line looks.
    pub format: Format,
}

impl Logging {
    pub(super) fn settings(&self, problems: &mut Problems) -> LoggingSettings {
        let level = match self.level.as_str() {
            "debug" => Level::DEBUG,
            "info" => Level::INFO,
            "warn" => Level::WARN,
            "error" => Level::ERROR,
            other => {
                problems.add(
                    "logging.level",
                    format!("invalid log level: {other} (must be debug, info, warn, or error)"),
                );
                Level::INFO
            }
        };
        let format = match self.format.as_str() {
            "json" => Format::Json,
            "console" => Format::Console,
            other => {
                problems.add(
                    "logging.format",
                    format!("invalid log format: {other} (must be json or console)"),
                );
                Format::Json
            }
        };
        LoggingSettings { level, format }
    }
}
