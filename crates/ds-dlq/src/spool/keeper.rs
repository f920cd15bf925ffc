//! The one owner of a spool's files: a thread that does what it is asked, one thing after the other.

mod delivery;
mod upkeep;

use std::{error::Error, fs::File, io, sync::Arc, time::Duration};

pub(super) use delivery::Text;
use ds_domain::time::Clock;
use ds_metrics::{SpoolRefusal, catalog};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    SpoolSettings,
    index::Index,
    log::{Log, LogError},
    record::{self, Kept, Note},
    replay::{places, replay},
    report::OpenReport,
};
use crate::PutError;

/// Most bytes that are written before those who wait for them get their answer.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Texts to be put, all or none.
pub(super) struct Put {
    pub(super) texts: Vec<String>,
    pub(super) reply: oneshot::Sender<Result<(), PutError>>,
}

/// What the thread is asked to do.
pub(super) enum Command {
    /// Puts that wait together share a write.
    Put(Put),
    /// Anything else.
    Run(Box<dyn FnOnce(&mut Keeper) + Send>),
    /// Let go of the files, say so, and end.
    Close(oneshot::Sender<()>),
}

/// The owner.
pub(super) struct Keeper {
    settings: SpoolSettings,
    clock: Arc<dyn Clock>,
    index: Index,
    log: Log,
    /// The number that is given next.
    next: u64,
    clean_after: Option<Instant>,
    last_taken: Instant,
    /// Nobody else may open the directory while this is held.
    _lock: File,
}

impl Keeper {
    /// Reads what is there.
    pub(super) fn open(
        settings: SpoolSettings,
        clock: Arc<dyn Clock>,
        lock: File,
    ) -> io::Result<(Self, OpenReport)> {
        let mut report = OpenReport::default();
        let mut index = Index::default();
        let mut next = 1;
        let log = Log::open(
            &settings.directory,
            settings.segment_bytes,
            &mut report,
            |segment, record| replay(&mut index, &mut next, segment, record),
        )?;
        index.resume(clock.now(), Instant::now());
        report.entries = index.entries();
        report.dead_letters = u64::try_from(index.dead().len()).unwrap_or(u64::MAX);
        report.announce();
        let mut keeper = Self {
            settings,
            clock,
            index,
            log,
            next,
            clean_after: None,
            last_taken: Instant::now(),
            _lock: lock,
        };
        keeper.clean();
        keeper.publish();
        Ok((keeper, report))
    }

    /// Does what it is asked until nobody is left to ask.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            let (mut puts, mut others, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Put(put) => {
                        bytes += put.texts.iter().map(String::len).sum::<usize>();
                        puts.push(put);
                    }
                    Command::Run(job) => others.push(job),
                    Command::Close(reply) => {
                        drop(self);
                        let _ = reply.send(());
                        return;
                    }
                }
                next = (bytes < GROUP_BYTES_MAX)
                    .then(|| commands.try_recv().ok())
                    .flatten();
            }
            self.put(puts);
            for job in others {
                job(&mut self);
            }
            self.publish();
        }
    }

    fn put(&mut self, puts: Vec<Put>) {
        let now = self.clock.now();
        let mut room = Room {
            entries: self.index.entries(),
            bytes: self.index.waiting_bytes(),
        };
        let (mut buffer, mut written) = (Vec::new(), Vec::new());
        for put in puts {
            if let Err(refusal) = self.admit(&put.texts, &mut room, now) {
                refuse(put, refusal);
                continue;
            }
            let kept = self.number(&put.texts, now);
            let texts: Vec<_> = put.texts.iter().map(String::as_bytes).collect();
            match record::write(&mut buffer, &Note::Kept(kept.clone()), &texts) {
                Some(start) => written.push((put, kept, start)),
                None => refuse(put, SpoolRefusal::Bytes),
            }
        }
        if written.is_empty() {
            return;
        }
        match self.log.append(&buffer, true, self.next) {
            Ok((segment, at)) => {
                for (put, kept, start) in written {
                    self.keep(&kept, segment, at + to_u64(start));
                    catalog::spool_puts().increment(to_u64(kept.len()));
                    let _ = put.reply.send(Ok(()));
                }
            }
            Err(LogError::NoSpace(error)) => {
                tracing::warn!(%error, "no space is left for the spool");
                for (put, ..) in written {
                    refuse(put, SpoolRefusal::Disk);
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "cannot spool");
                let cause = Arc::new(error);
                for (put, ..) in written {
                    catalog::spool_refused(SpoolRefusal::Disk).increment(to_u64(put.texts.len()));
                    let _ = put.reply.send(Err(PutError::Unavailable(cause.clone())));
                }
            }
        }
    }

    /// Whether there is room for entries; takes it if so.
    fn admit(&self, texts: &[String], room: &mut Room, now: Timestamp) -> Result<(), SpoolRefusal> {
        let SpoolSettings {
            entries_max,
            bytes_max,
            age_max,
            ..
        } = self.settings;
        let entries = room.entries.saturating_add(to_u64(texts.len()));
        let more = to_u64(texts.iter().map(String::len).sum());
        let bytes = room.bytes.saturating_add(more);
        if entries > entries_max {
            return Err(SpoolRefusal::Entries);
        }
        // Dead letters have as much room of their own; beyond that they take what is for entries.
        let both = bytes.saturating_add(self.index.dead_bytes());
        if bytes > bytes_max || both > bytes_max.saturating_mul(2) {
            return Err(SpoolRefusal::Bytes);
        }
        if self.age(now) > age_max {
            return Err(SpoolRefusal::Age);
        }
        *room = Room { entries, bytes };
        Ok(())
    }

    fn age(&self, now: Timestamp) -> Duration {
        let age = self.index.oldest().map(|oldest| now.duration_since(oldest));
        age.and_then(|age| age.try_into().ok()).unwrap_or_default()
    }

    /// Gives numbers, which are never given again, whatever becomes of the entries.
    fn number(&mut self, texts: &[String], now: Timestamp) -> Vec<Kept> {
        let number = |text: &String| {
            self.next += 1;
            Kept {
                number: self.next - 1,
                at: now,
                length: u32::try_from(text.len()).unwrap_or(u32::MAX),
                crc: crc32fast::hash(text.as_bytes()),
                attempts: 0,
                due: None,
                history: Vec::new(),
                death: None,
            }
        };
        texts.iter().map(number).collect()
    }

    /// Remembers entries whose texts begin here.
    fn keep(&mut self, kept: &[Kept], segment: u64, texts: u64) {
        for (kept, place) in places(kept, segment, texts) {
            self.index.keep(kept, place);
        }
    }
}

/// What is taken of the room there is.
struct Room {
    entries: u64,
    bytes: u64,
}

fn refuse(put: Put, refusal: SpoolRefusal) {
    catalog::spool_refused(refusal).increment(to_u64(put.texts.len()));
    let _ = put.reply.send(Err(PutError::Full));
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
