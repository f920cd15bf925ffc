//! Logs of servers: one file over all starts of a server, of which errors show the end.

use std::fs::{File, OpenOptions, read_to_string};
use std::path::Path;

use anyhow::{Context, Result};

/// Lines of a log that an error shows.
const SHOWN: usize = 20;

/// The log, open for more.
pub(crate) fn appended(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the log {}", path.display()))
}

/// The last lines of the log; nothing if there is none.
pub(crate) fn tail(path: &Path) -> String {
    let text = read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
