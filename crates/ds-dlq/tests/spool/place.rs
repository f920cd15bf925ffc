//! A directory for a spool, and what the tests do with it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ds_dlq::{
    Backlog, Delivery, EntryId, OpenReport, Parked, Spool, SpoolError, SpoolSettings, testing,
};
use ds_domain::time::ManualClock;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

/// The instant at which the tests begin.
pub(crate) fn start() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

/// An entry with this number for its id.
pub(crate) fn entry(n: u64) -> Parked {
    testing::parked(Uuid::from_u128(n.into()), start())
}

/// Entries with these numbers.
pub(crate) fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<Parked> {
    numbers.into_iter().map(entry).collect()
}

/// The number of an entry that was read, which must be what [`entry`] made.
pub(crate) fn number(read: &Parked) -> u64 {
    let event = read.event().unwrap().event();
    let n = u64::try_from(event.event_id.as_u128()).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", entry(n)), "altered");
    n
}

/// The numbers of entries that were taken.
pub(crate) fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    let read = deliveries.iter().map(|d| d.entry.as_ref().unwrap());
    read.map(number).collect()
}

/// The names of entries that were taken.
pub(crate) fn names(deliveries: &[Delivery]) -> Vec<EntryId> {
    deliveries.iter().map(|d| d.id.clone()).collect()
}

/// Takes all that is due, checks the order, and says what it was.
pub(crate) async fn take_all(spool: &Spool) -> Vec<Delivery> {
    let mut all = Vec::new();
    loop {
        let some = spool.take(500).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// Numbers of all entries that are due.
pub(crate) async fn present(spool: &Spool) -> BTreeSet<u64> {
    let taken = take_all(spool).await;
    let all = numbers(&taken);
    let set: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(set.len(), all.len(), "an entry is there twice");
    spool.release(&names(&taken)).await.unwrap();
    set
}

/// A directory, and a clock that stands.
pub(crate) struct Place {
    home: TempDir,
    pub(crate) settings: SpoolSettings,
    pub(crate) clock: ManualClock,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// On a disk in memory, if there is one: for tests that open very many.
    pub(crate) fn in_memory() -> Self {
        Self::at(
            tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .unwrap(),
        )
    }

    fn at(home: TempDir) -> Self {
        let directory = home.path().join("spool");
        Self {
            home,
            settings: SpoolSettings::new(directory),
            clock: ManualClock::at(start()),
        }
    }

    pub(crate) fn with_small_segments() -> Self {
        let mut place = Self::new();
        place.settings.segment_bytes = 16 * 1024;
        place
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.settings.directory
    }

    pub(crate) async fn try_open(&self) -> Result<(Spool, OpenReport), SpoolError> {
        Spool::open(self.settings.clone(), Arc::new(self.clock.clone())).await
    }

    pub(crate) async fn open(&self) -> (Spool, OpenReport) {
        self.try_open().await.unwrap()
    }

    /// A copy of it as it is now, as a crash would leave it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(copy.directory()).unwrap();
        for file in fs::read_dir(self.directory()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.directory().join(file.file_name())).unwrap();
        }
        Self {
            settings: SpoolSettings {
                directory: copy.settings.directory.clone(),
                ..self.settings.clone()
            },
            clock: self.clock.clone(),
            home: copy.home,
        }
    }

    /// The files of the log, the oldest first.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        self.files_named("log")
    }

    pub(crate) fn files_named(&self, suffix: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.directory()).unwrap();
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|each| each == suffix));
        paths.sort();
        paths
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        let files = fs::read_dir(self.directory()).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    }

    /// Where it all is.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }
}
