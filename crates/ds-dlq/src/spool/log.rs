//! The log: segments of records, written at one end and removed at the other.
//!
//! A record is only ever undone by a later one, and segments are removed from the oldest on, so a
//! record that undoes another never goes before it.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    record::{self, Note, Record},
    report::OpenReport,
    segment::{self, Segment},
};

/// First and longest pause after the disk failed, before it is tried again.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where a text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) at: u64,
    pub(super) length: u32,
    pub(super) crc: u32,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    /// The disk is full. The record is not there.
    #[error("no space is left on the disk")]
    NoSpace(#[source] io::Error),
    /// The disk failed. The record may be there all the same.
    #[error("log cannot be written")]
    Failed(#[source] io::Error),
    /// The disk failed a moment ago and is left alone for a while.
    #[error("disk failed and is left alone for a while")]
    Resting,
}

/// The log.
#[derive(Debug)]
pub(super) struct Log {
    directory: PathBuf,
    segment_bytes: u64,
    segments: BTreeMap<u64, Segment>,
    /// The segment that grows; there is none until something is written.
    head: Option<u64>,
    /// The id that was given last, and the file that was.
    newest_id: u64,
    newest_file: Option<u64>,
    pause: Duration,
    rest_until: Option<Instant>,
}

impl Log {
    /// Opens what is there, and shows every record that can be read with the segment that it is in.
    pub(super) fn open(
        directory: &Path,
        segment_bytes: u64,
        report: &mut OpenReport,
        mut show: impl FnMut(u64, Record),
    ) -> io::Result<Self> {
        let mut log = Self {
            directory: directory.to_owned(),
            segment_bytes,
            segments: BTreeMap::new(),
            head: None,
            newest_id: 0,
            newest_file: None,
            pause: PAUSE_MIN,
            rest_until: None,
        };
        let files = segment::list(directory)?;
        for (id, path) in files {
            log.newest_id = id;
            let before = log.newest_file.replace(id);
            let (mut segment, bytes) = match Segment::open(path.clone()) {
                Ok(opened) => opened,
                Err(error) => {
                    report.unreadable(path, error);
                    continue;
                }
            };
            let contents = record::read(&bytes);
            segment.is_damaged = contents.damaged > 0;
            report.damaged_bytes += contents.damaged;
            if let Some(at) = contents.torn {
                report.torn_bytes += segment.length - at;
                if let Err(error) = segment.cut(at) {
                    tracing::warn!(%error, "cannot cut the torn end of {}", path.display());
                }
            }
            log.segments.insert(id, segment);
            for record in contents.records {
                if let Note::Opened { previous, .. } = &record.note
                    && before.is_some()
                    && *previous != before
                {
                    report.missing_files += 1;
                }
                show(id, record);
            }
        }
        Ok(log)
    }

    /// Writes records that were made by [`record::write`], and says in which segment and where in it
    /// they begin. With `is_synced` they survive the loss of power when this returns.
    ///
    /// `next` is the first number that was never given.
    pub(super) fn append(
        &mut self,
        bytes: &[u8],
        is_synced: bool,
        next: u64,
    ) -> Result<(u64, u64), LogError> {
        let id = self.head(next)?;
        let Some(segment) = self.segments.get_mut(&id) else {
            return Err(LogError::Resting);
        };
        let at = match segment.append(bytes) {
            Ok(at) => at,
            Err(failure) => {
                let error = self.failed(failure.error);
                if !(failure.is_clean && matches!(error, LogError::NoSpace(_))) {
                    self.head = None;
                }
                return Err(error);
            }
        };
        if is_synced && let Err(error) = segment.sync() {
            // The kernel may have dropped what it could not write and would say yes the next time:
            // this file is never trusted with another record.
            self.head = None;
            if let Err(error) = segment.cut(at) {
                tracing::warn!(%error, "cannot cut what was not synced");
            }
            self.rest();
            return Err(LogError::Failed(error));
        }
        self.pause = PAUSE_MIN;
        Ok((id, at))
    }

    /// Lets the next record begin a new segment.
    pub(super) fn rotate(&mut self, next: u64) -> Result<(), LogError> {
        self.head = None;
        self.head(next).map(|_| ())
    }

    /// The segment to write to.
    fn head(&mut self, next: u64) -> Result<u64, LogError> {
        if let Some(id) = self.head {
            let segment = self.segments.get(&id);
            if segment.is_some_and(|segment| segment.length < self.segment_bytes) {
                return Ok(id);
            }
            if let Some(Err(error)) = segment.map(Segment::sync) {
                tracing::warn!(%error, "cannot sync segment {id} of the spool");
            }
        }
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            return Err(LogError::Resting);
        }
        let note = Note::Opened {
            previous: self.newest_file,
            next,
        };
        let mut bytes = Vec::new();
        let _ = record::write(&mut bytes, &note, &[]);
        let id = self.newest_id + 1;
        self.newest_id = id;
        match Segment::create(&self.directory, id, &bytes) {
            Ok(segment) => {
                self.segments.insert(id, segment);
                self.head = Some(id);
                self.newest_file = Some(id);
                self.rest_until = None;
                Ok(id)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&mut self, error: io::Error) -> LogError {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&error.kind()) {
            return LogError::NoSpace(error);
        }
        self.rest();
        LogError::Failed(error)
    }

    fn rest(&mut self) {
        self.rest_until = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// Reads a text; whether it is still what was written is the caller's to check.
    pub(super) fn read(&self, place: &Place) -> io::Result<Vec<u8>> {
        match self.segments.get(&place.segment) {
            Some(segment) => segment.read(place.at, place.length),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The oldest segment, if it may be removed: the newest one stays, since it knows which numbers
    /// were given.
    pub(super) fn oldest(&self) -> Option<u64> {
        let (oldest, newest) = (
            self.segments.first_key_value()?.0,
            self.segments.last_key_value()?.0,
        );
        (oldest != newest).then_some(*oldest)
    }

    /// Removes the oldest segment.
    pub(super) fn remove_oldest(&mut self) {
        let Some((id, segment)) = self.segments.pop_first() else {
            return;
        };
        if let Err(error) = segment.remove() {
            tracing::warn!(%error, "cannot remove segment {id} of the spool");
        }
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.length).sum()
    }
}
