//! The local spool: a log on this machine's disk, for the time when nothing else can be reached.
//!
//! An engine of its own, because those at hand refuse to open when bytes at the end of their journal
//! are wrong, as they are after a loss of power, and then everything acknowledged before is gone
//! from sight, too. Here a record that cannot be read costs what it brought and nothing else.

mod index;
mod keeper;
mod log;
mod record;
mod replay;
mod report;
mod segment;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use ds_domain::time::Clock;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

pub use report::OpenReport;

use self::{
    index::Letter,
    keeper::{Command, Keeper, Put, Text},
};
use crate::{
    Backlog, BacklogError, Burial, DeadLetter, Deferral, Delivery, EntryId, LEASE, Parked,
    PutError, Setback, SharedError, Status, Unreadable, entry,
};

/// Most requests that wait for the thread; one more waits to get in line.
const LINE_MAX: usize = 256;

/// Bounds of a spool.
#[derive(Clone, Debug)]
pub struct SpoolSettings {
    /// Where its files are. Belongs to one process.
    pub directory: PathBuf,
    /// Most bytes of entries that wait; more are refused. Dead letters may take as much again, and
    /// the files may be half as large again, and two segments, before they are cleaned up.
    pub bytes_max: u64,
    /// Most entries that wait; more are refused. While the spool is full each takes about a
    /// hundred bytes of memory.
    pub entries_max: u64,
    /// When the oldest entry waits longer, new ones are refused: something is wrong that must be
    /// seen before more is promised.
    pub age_max: Duration,
    /// How long a taker may be silent before others get what it took.
    pub lease: Duration,
    /// How long the disk may take for an answer.
    pub patience: Duration,
    /// Size at which a file is followed by the next one.
    pub segment_bytes: u64,
}

impl SpoolSettings {
    /// The usual bounds.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            bytes_max: 256 * 1024 * 1024,
            entries_max: 200_000,
            age_max: Duration::from_secs(24 * 3600),
            lease: LEASE,
            patience: Duration::from_secs(5),
            segment_bytes: 8 * 1024 * 1024,
        }
    }
}

/// A spool that was not opened. What its files hold is never the reason.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It cannot be made, listed or locked.
    #[error("cannot use directory {} for the spool", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody has it.
    #[error("spool in {} is in use by another process", directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// It cannot run.
    #[error("cannot start the thread of the spool")]
    Thread(#[source] io::Error),
}

/// Why the thread did not answer.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("disk does not answer in time")]
    Slow,
    #[error("spool is closed")]
    Closed,
}

/// A local spool.
#[derive(Debug)]
pub struct Spool {
    commands: mpsc::Sender<Command>,
    patience: Duration,
}

impl Spool {
    /// Opens the spool of a directory, or begins one. What cannot be read there is reported, and
    /// never a reason to fail.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used, or another process uses it.
    pub async fn open(
        settings: SpoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OpenReport), SpoolError> {
        let (commands, line) = mpsc::channel(LINE_MAX);
        let patience = settings.patience;
        let (reply, opened) = oneshot::channel();
        let keep = move || match open(settings, clock) {
            Ok((keeper, report)) => {
                let _ = reply.send(Ok(report));
                keeper.run(line);
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        };
        let thread = thread::Builder::new().name("spool".to_owned());
        thread.spawn(keep).map_err(SpoolError::Thread)?;
        match opened.await {
            Ok(opened) => opened.map(|report| (Self { commands, patience }, report)),
            Err(error) => Err(SpoolError::Thread(io::Error::other(error))),
        }
    }

    /// Lets go of the directory. Whatever is asked later is not done.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.send(Command::Close(reply)).await.is_ok() {
            let _ = timeout(self.patience, closed).await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), Silence> {
        match timeout(self.patience, self.commands.send(command)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Silence::Closed),
            Err(_) => Err(Silence::Slow),
        }
    }

    async fn answer<T>(&self, reply: oneshot::Receiver<T>) -> Result<T, Silence> {
        match timeout(self.patience, reply).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Silence::Closed),
            Err(_) => Err(Silence::Slow),
        }
    }

    /// Has the thread do something; `undo` is done when nobody waits for the answer any more.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Keeper) -> T + Send + 'static,
        undo: impl FnOnce(&mut Keeper, T) + Send + 'static,
    ) -> Result<T, BacklogError> {
        let (reply, answer) = oneshot::channel();
        let job = move |keeper: &mut Keeper| {
            let done = job(keeper);
            if let Err(done) = reply.send(done) {
                undo(keeper, done);
            }
        };
        let sent = self.send(Command::Run(Box::new(job))).await;
        let answered = match sent {
            Ok(()) => self.answer(answer).await,
            Err(silence) => Err(silence),
        };
        answered.map_err(failed)
    }
}

impl Backlog for Spool {
    async fn put(&self, entries: &[Parked]) -> Result<(), PutError> {
        if entries.is_empty() {
            return Ok(());
        }
        let texts = entries.iter().map(entry::encode).collect();
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Command::Put(Put { texts, reply })).await;
        let answered = match sent {
            Ok(()) => self.answer(answer).await,
            Err(silence) => Err(silence),
        };
        answered.unwrap_or_else(|silence| Err(PutError::Unavailable(Arc::new(silence))))
    }

    async fn take(&self, max: usize) -> Result<Vec<Delivery>, BacklogError> {
        let now = Instant::now();
        let taken = self.run(
            move |keeper| keeper.take(max, now),
            |keeper, taken| {
                let numbers: Vec<_> = taken.iter().map(|(number, ..)| *number).collect();
                keeper.release(&numbers);
            },
        );
        let deliver = |(number, text, attempts)| Delivery {
            id: id_of(number),
            entry: text_of(text).and_then(|text| entry::decode(&text)),
            attempts,
        };
        Ok(taken.await?.into_iter().map(deliver).collect())
    }

    async fn settle(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let numbers = numbers_of(ids);
        self.run(move |keeper| keeper.settle(&numbers), |_, ()| ())
            .await
    }

    async fn defer(&self, deferrals: &[Deferral]) -> Result<(), BacklogError> {
        let now = Instant::now();
        let numbered = |deferral: &Deferral| Some((number_of(&deferral.id)?, deferral.clone()));
        let deferrals = deferrals.iter().filter_map(numbered).collect();
        self.run(move |keeper| keeper.defer(deferrals, now), |_, ()| ())
            .await
    }

    async fn bury(&self, burials: &[Burial]) -> Result<(), BacklogError> {
        let numbered = |burial: &Burial| Some((number_of(&burial.id)?, burial.clone()));
        let burials = burials.iter().filter_map(numbered).collect();
        self.run(move |keeper| keeper.bury(burials), |_, ()| ())
            .await
    }

    async fn release(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let numbers = numbers_of(ids);
        self.run(move |keeper| keeper.release(&numbers), |_, ()| ())
            .await
    }

    async fn status(&self) -> Result<Status, BacklogError> {
        let now = Instant::now();
        self.run(move |keeper| keeper.status(now), |_, _| ()).await
    }

    async fn dead_letters(
        &self,
        after: Option<&EntryId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, BacklogError> {
        // A name that is none of ours comes after all of them.
        let after = after.map_or(0, |id| number_of(id).unwrap_or(u64::MAX));
        let letters = self.run(move |keeper| keeper.dead_letters(after, max), |_, _| ());
        Ok(letters.await?.into_iter().map(dead_letter).collect())
    }

    async fn revive(&self, id: &EntryId) -> Result<bool, BacklogError> {
        let Some(number) = number_of(id) else {
            return Ok(false);
        };
        let revived = self.run(move |keeper| keeper.revive(number), |_, _| ());
        revived.await?.map_err(failed)
    }

    async fn purge(&self, id: &EntryId) -> Result<bool, BacklogError> {
        let Some(number) = number_of(id) else {
            return Ok(false);
        };
        let purged = self.run(move |keeper| keeper.purge(number), |_, _| ());
        purged.await?.map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> BacklogError {
    BacklogError(Arc::new(error) as SharedError)
}

fn id_of(number: u64) -> EntryId {
    EntryId(number.to_string())
}

fn number_of(id: &EntryId) -> Option<u64> {
    id.0.parse().ok()
}

fn numbers_of(ids: &[EntryId]) -> Vec<u64> {
    ids.iter().filter_map(number_of).collect()
}

fn text_of(text: Text) -> Result<String, Unreadable> {
    let bytes =
        text.map_err(|error| Unreadable(format!("cannot be read from the disk: {error}")))?;
    String::from_utf8(bytes).map_err(|error| Unreadable(error.to_string()))
}

fn dead_letter((number, letter, text): (u64, Letter, Text)) -> DeadLetter {
    let content = match text {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    };
    let outline = entry::outline(&content);
    let setback = |failure: record::Failure| Setback {
        at: failure.at,
        error: failure.error,
    };
    DeadLetter {
        id: id_of(number),
        event_id: outline.event_id,
        notification_id: outline.notification_id,
        reason: letter.death.error,
        buried_at: letter.death.at,
        accepted_at: outline.accepted_at,
        history: letter.failures.history.into_iter().map(setback).collect(),
        content,
    }
}

fn open(
    settings: SpoolSettings,
    clock: Arc<dyn Clock>,
) -> Result<(Keeper, OpenReport), SpoolError> {
    let directory = settings.directory.clone();
    let unusable = |source| SpoolError::Directory {
        directory: directory.clone(),
        source,
    };
    make_directory(&directory).map_err(unusable)?;
    let lock = File::create(directory.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Keeper::open(settings, clock, lock).map_err(unusable),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked { directory }),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    match directory.parent() {
        Some(parent) if parent != Path::new("") => segment::sync_directory(parent),
        _ => segment::sync_directory(Path::new(".")),
    }
}
