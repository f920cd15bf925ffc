//! The queue: entries in Redis, where every replica can replay them.
//!
//! A stream has these keys; `audit:dlq:events` stands for its name.
//!
//! | Key | Type | Holds |
//! |---|---|---|
//! | `audit:dlq:events` | stream | entries that were never deferred; field `entry` (ours) or `message` (the first service's) |
//! | `audit:dlq:events:held` | hash | entries that were, by the name they had in the stream: form, attempts with their history, content |
//! | `audit:dlq:events:deferred` | sorted set | names of held entries that nobody has, by the time they are due |
//! | `audit:dlq:events:leased` | sorted set | names of held entries that somebody has, by the time their lease ends |
//! | `audit:dlq:events:age` | sorted set | names of held entries, by the time they were put |
//! | `audit:dlq:events:bytes` | counter | bytes of the entries of ours that wait |
//! | `audit:dead-letter:events` | stream | dead letters; never trimmed |
//!
//! An entry that is taken from the stream is in the pending list of its taker. An entry keeps its
//! name for as long as it waits, so that whoever settles it need not know where it is by now.

mod capacity;
mod connection;
mod delivery;
mod durability;
mod error;
mod letter;
mod reply;
mod script;
mod settings;
mod writer;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ds_metrics::{Stream, catalog};
use fred::types::Value;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    Backlog, BacklogError, Burial, DeadLetter, Deferral, Delivery, EntryId, Parked, PutError,
    SharedError, Status, entry,
};

use capacity::{Capacity, float};
use connection::{COMMAND, Connection};
use delivery::{consumer, delivery, micros, put_at, sequence};
use durability::{Assessor, Durability};
use script::{Names, Script};
use settings::Keys;
use writer::{Put, Writer};

pub use error::RedisError;
pub use settings::{DurabilityPolicy, RedisSettings};

/// Entries handled by one call of a script: the server answers nobody else meanwhile.
const CHUNK: usize = 500;

/// Bytes that one answer holds, roughly.
const ANSWER_BYTES: usize = 8 << 20;

/// A command that brings entries may take longer than others: no client waits for it.
const LONG_COMMAND: Duration = Duration::from_secs(2);

/// Between two looks for consumers that are gone.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// A consumer that has nothing and is silent for so long is gone.
const CONSUMER_IDLE_MAX: Duration = Duration::from_secs(3_600);

/// Longest error that is kept of an attempt.
const ERROR_BYTES_MAX: usize = 1_024;

/// One stream of the queue.
pub struct RedisQueue {
    stream: Stream,
    keys: Arc<Keys>,
    capacity: Capacity,
    link: Arc<Link>,
    /// Where the search for silent takers goes on.
    cursor: Mutex<String>,
    /// Which source of entries comes first.
    turn: AtomicU64,
    swept: Mutex<Option<Instant>>,
}

/// What the streams share.
struct Link {
    settings: RedisSettings,
    /// Puts have a connection of their own: it may be waiting for the server's disk.
    writing: Connection,
    working: Connection,
    writer: mpsc::Sender<Put>,
    assessor: Arc<Assessor>,
    closed: watch::Sender<bool>,
}

impl RedisQueue {
    /// A queue on `stream`. It connects in the background, and is unavailable until it has.
    ///
    /// Must be called within a Tokio runtime.
    pub fn open(settings: RedisSettings, stream: Stream) -> Result<Self, RedisError> {
        let names = Arc::new(Names::default());
        let (closed, watched) = watch::channel(false);
        let writing = Connection::open(&settings, Arc::clone(&names), watched.clone())?;
        let working = Connection::open(&settings, names, watched)?;
        writing.report();
        let assessor = Arc::new(Assessor::new(settings.durability));
        let writer = Writer::start(writing.clone(), Arc::clone(&assessor), &settings);
        let link = Link {
            settings,
            writing,
            working,
            writer,
            assessor,
            closed,
        };
        Ok(Self::on(Arc::new(link), stream))
    }

    /// A queue on another stream, over the same connections.
    pub fn sibling(&self, stream: Stream) -> Self {
        Self::on(Arc::clone(&self.link), stream)
    }

    fn on(link: Arc<Link>, stream: Stream) -> Self {
        let settings = &link.settings;
        Self {
            stream,
            keys: Arc::new(Keys::of(&settings.prefix, stream)),
            capacity: Capacity::new(stream, settings.entries_max, settings.bytes_max),
            link,
            cursor: Mutex::new("0-0".to_owned()),
            turn: AtomicU64::new(0),
            swept: Mutex::default(),
        }
    }

    /// Whether Redis is connected.
    pub fn is_connected(&self) -> bool {
        self.link.writing.is_connected() && self.link.working.is_connected()
    }

    /// How durable the server's word is, in a word, once it has been found out.
    pub fn durability(&self) -> Option<&'static str> {
        Some(match self.link.assessor.last_known()? {
            Durability::Awaited => "waitaof",
            Durability::Always => "fsync_always",
            Durability::None => "none",
        })
    }

    /// Leaves the group, unless entries are taken and not settled, and closes the connections of
    /// this queue and its siblings.
    pub async fn close(&self) {
        self.leave().await;
        self.link.closed.send_replace(true);
        self.link.working.close().await;
        self.link.writing.close().await;
    }

    /// Leaves the group of this stream, unless entries are taken and not settled.
    pub async fn leave(&self) {
        let words = vec![self.group(), self.consumer()];
        if let Err(error) = self.run(Script::Leave, words, COMMAND).await {
            tracing::debug!(%error, "Left Redis with the consumer in place");
        }
    }

    fn group(&self) -> Value {
        self.link.settings.group.as_str().into()
    }

    fn consumer(&self) -> Value {
        self.link.settings.consumer.as_str().into()
    }

    fn lease(&self) -> Value {
        self.link.settings.lease.as_millis().to_string().into()
    }

    async fn run(
        &self,
        script: Script,
        words: Vec<Value>,
        limit: Duration,
    ) -> Result<Value, RedisError> {
        self.link
            .working
            .run(script, &self.keys, words, limit)
            .await
    }

    /// Runs a script on many entries, some at a time; `first` are its leading words.
    async fn run_in_chunks<T>(
        &self,
        script: Script,
        first: &[Value],
        items: &[T],
        words: impl Fn(&T, &mut Vec<Value>),
    ) -> Result<(), RedisError> {
        for chunk in items.chunks(CHUNK) {
            let mut call = first.to_vec();
            for item in chunk {
                words(item, &mut call);
            }
            self.run(script, call, LONG_COMMAND).await?;
        }
        Ok(())
    }

    async fn put_all(&self, entries: &[Parked]) -> Result<(), PutError> {
        if entries.is_empty() {
            return Ok(());
        }
        if !self.link.writing.is_connected() {
            return Err(PutError::Unavailable(Arc::new(RedisError::Away)));
        }
        let count = entries.len() as u64;
        let put = writer::put(&self.link.writer, |answer| Put {
            keys: Arc::clone(&self.keys),
            entries: entries.iter().map(entry::encode).collect(),
            answer,
        });
        let filling = put
            .await
            .map_err(|error| PutError::Unavailable(error as SharedError))?;
        self.capacity.observe(filling.depth, filling.bytes);
        if !filling.has_put {
            catalog::dlq_refused(self.stream).increment(count);
            return Err(PutError::Full);
        }
        catalog::dlq_enqueued(self.stream, self.stream.entry()).increment(count);
        Ok(())
    }

    async fn take_some(&self, max: usize) -> Result<Vec<Delivery>, RedisError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        self.sweep().await?;
        let cursor = lock(&self.cursor).clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 3;
        let words = vec![
            self.group(),
            self.consumer(),
            max.min(CHUNK).to_string().into(),
            self.lease(),
            cursor.into(),
            turn.to_string().into(),
            ANSWER_BYTES.to_string().into(),
        ];
        let answer = self.run(Script::Take, words, LONG_COMMAND).await?;
        let [cursor, taken] = reply::parts(answer)?;
        *lock(&self.cursor) = reply::text(cursor)?;
        let taken = reply::list(taken)?.into_iter().map(delivery);
        let mut taken = taken.collect::<Result<Vec<_>, _>>()?;
        // A parent was put before its children.
        taken.sort_by_key(|delivery| sequence(&delivery.id));
        Ok(taken)
    }

    /// Removes consumers that are gone, now and then.
    async fn sweep(&self) -> Result<(), RedisError> {
        let is_due = {
            let mut swept = lock(&self.swept);
            let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP_PERIOD);
            if is_due {
                *swept = Some(Instant::now());
            }
            is_due
        };
        if is_due {
            let idle_max = CONSUMER_IDLE_MAX.as_millis().to_string();
            let words = vec![self.group(), self.consumer(), idle_max.into()];
            self.run(Script::Sweep, words, COMMAND).await?;
        }
        Ok(())
    }

    async fn measure(&self) -> Result<Status, RedisError> {
        let answer = self
            .run(Script::Status, vec![self.group()], LONG_COMMAND)
            .await?;
        let [depth, bytes, deferred, dead, now, oldest, consumers] = reply::parts(answer)?;
        let now = micros(reply::number(&now)?)?;
        let oldest = reply::list(oldest)?.into_iter().map(put_at);
        let oldest = oldest.collect::<Result<Vec<_>, _>>()?.into_iter().min();
        let consumers = reply::list(consumers)?.into_iter().map(consumer);
        let status = Status {
            entries: reply::number(&depth)?,
            entries_max: self.capacity.entries_max,
            bytes: reply::number(&bytes)?,
            bytes_max: self.capacity.bytes_max,
            deferred: reply::number(&deferred)?,
            dead: reply::number(&dead)?,
            oldest,
            consumers: consumers.collect::<Result<_, _>>()?,
        };
        self.capacity.observe(status.entries, status.bytes);
        let age = oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64());
        catalog::dlq_oldest_age(self.stream).set(age.max(0.0));
        catalog::dlq_deferred(self.stream).set(float(status.deferred));
        catalog::dlq_dead_letters(self.stream).set(float(status.dead));
        // For its metric and its log line; whether it suffices is a matter of putting.
        let _ = self.link.assessor.assess(&self.link.writing).await;
        Ok(status)
    }
}

impl Backlog for RedisQueue {
    async fn put(&self, entries: &[Parked]) -> Result<(), PutError> {
        self.put_all(entries).await
    }

    async fn take(&self, max: usize) -> Result<Vec<Delivery>, BacklogError> {
        self.take_some(max).await.map_err(unavailable)
    }

    async fn settle(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let word = |id: &EntryId, call: &mut Vec<Value>| call.push(id.0.as_str().into());
        self.run_in_chunks(Script::Settle, &[self.group()], ids, word)
            .await
            .map_err(unavailable)
    }

    async fn defer(&self, deferrals: &[Deferral]) -> Result<(), BacklogError> {
        let words = |deferral: &Deferral, call: &mut Vec<Value>| {
            let error = &deferral.error;
            let error = &error[..error.floor_char_boundary(ERROR_BYTES_MAX)];
            let mut quoted = String::with_capacity(error.len() + 2);
            entry::push_quoted(&mut quoted, error);
            call.push(deferral.id.0.as_str().into());
            call.push(deferral.wait.as_millis().to_string().into());
            call.push(quoted.into());
        };
        self.run_in_chunks(Script::Defer, &[self.group()], deferrals, words)
            .await
            .map_err(unavailable)
    }

    async fn bury(&self, burials: &[Burial]) -> Result<(), BacklogError> {
        let words = |burial: &Burial, call: &mut Vec<Value>| {
            call.push(burial.id.0.as_str().into());
            call.push(burial.reason.as_str().into());
        };
        self.run_in_chunks(Script::Bury, &[self.group()], burials, words)
            .await
            .map_err(unavailable)
    }

    async fn release(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let first = [self.group(), self.consumer(), self.lease()];
        let word = |id: &EntryId, call: &mut Vec<Value>| call.push(id.0.as_str().into());
        self.run_in_chunks(Script::Release, &first, ids, word)
            .await
            .map_err(unavailable)
    }

    async fn status(&self) -> Result<Status, BacklogError> {
        self.measure().await.map_err(unavailable)
    }

    async fn dead_letters(
        &self,
        after: Option<&EntryId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, BacklogError> {
        self.letters(after, max).await.map_err(unavailable)
    }

    async fn revive(&self, id: &EntryId) -> Result<bool, BacklogError> {
        self.revive_letter(id).await.map_err(unavailable)
    }

    async fn purge(&self, id: &EntryId) -> Result<bool, BacklogError> {
        self.purge_letter(id).await.map_err(unavailable)
    }
}

fn unavailable(error: RedisError) -> BacklogError {
    BacklogError(Arc::new(error))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
