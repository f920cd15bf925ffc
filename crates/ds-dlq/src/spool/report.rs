//! What was found when a spool was opened.

use std::{io, path::PathBuf};

use ds_metrics::catalog;

/// What was found when a spool was opened.
#[derive(Debug, Default)]
pub struct OpenReport {
    /// Entries that wait.
    pub entries: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Bytes that were cut because they end in the middle of a record: a write that was never
    /// acknowledged was interrupted.
    pub torn_bytes: u64,
    /// Bytes of records that were damaged. What stands before and behind them was read; their file
    /// stays, under the name `….log.damaged` in the end.
    pub damaged_bytes: u64,
    /// Files that are gone between others that are there.
    pub missing_files: u64,
    /// Files that could not be read. They are left as they are.
    pub unreadable_files: Vec<(PathBuf, io::Error)>,
}

impl OpenReport {
    /// Whether nothing but a torn end was found to be wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged_bytes == 0 && self.missing_files == 0 && self.unreadable_files.is_empty()
    }

    pub(super) fn unreadable(&mut self, path: PathBuf, error: io::Error) {
        self.unreadable_files.push((path, error));
    }

    /// Says it in the log and in the metrics.
    pub(super) fn announce(&self) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let corruptions = u64::from(self.torn_bytes > 0)
            + u64::from(self.damaged_bytes > 0)
            + self.missing_files
            + u64::from(count(self.unreadable_files.len()));
        catalog::spool_corruptions().increment(corruptions);
        catalog::spool_recovered_entries().set(to_gauge(self.entries));
        if self.torn_bytes > 0 {
            let bytes = self.torn_bytes;
            tracing::warn!(spool.torn_bytes = bytes, "cut the torn end of the spool");
        }
        if self.damaged_bytes > 0 {
            let bytes = self.damaged_bytes;
            tracing::error!(spool.damaged_bytes = bytes, "spool is damaged");
        }
        if self.missing_files > 0 {
            let files = self.missing_files;
            tracing::error!(
                spool.missing_files = files,
                "files of the spool are missing"
            );
        }
        for (path, error) in &self.unreadable_files {
            tracing::error!(%error, "cannot read {} of the spool", path.display());
        }
        let (entries, dead_letters) = (self.entries, self.dead_letters);
        tracing::info!(
            spool.entries = entries,
            spool.dead_letters = dead_letters,
            "opened the spool"
        );
    }
}

/// A metric's value.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge needs no more than 53 bits"
)]
pub(super) fn to_gauge(n: u64) -> f64 {
    n as f64
}
