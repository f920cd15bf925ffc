//! Puts, several at a time: while some of them are on their way, the next ones gather, so that they
//! share the server's wait for its disk. There is no timer; a lonely put leaves at once.
//!
//! They leave in one command: the server syncs after every 16 kB that it has read of a connection,
//! unless it has not read the end of a command yet.

use std::{sync::Arc, time::Duration};

use fred::types::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    connection::{COMMAND, Connection, call},
    durability::{Assessor, Durability, run_id},
    error::RedisError,
    reply,
    script::Script,
    settings::{Keys, RedisSettings},
};

/// Puts that wait for their turn.
const WAITING_MAX: usize = 1_024;

/// Puts that leave together.
const TOGETHER_MAX: usize = 256;

/// Bytes that leave together, unless one put has more.
const BYTES_MAX: usize = 8 << 20;

/// A disk that takes more is given less than it can, but no put waits for ever.
const BYTES_PER_SECOND: usize = 20 << 20;

/// How long the server may wait for its disk. It syncs every second, or two when the disk is slow;
/// more than this, and the connection would count as broken.
const SYNC: Duration = Duration::from_secs(2);

/// What became of a put. Those that left together share what went wrong.
pub(super) type Answer = Result<Filling, Arc<RedisError>>;

/// A put on its way.
pub(super) struct Put {
    pub(super) keys: Arc<Keys>,
    pub(super) entries: Vec<String>,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What a put came upon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling {
    /// Whether the entries were put.
    pub(super) has_put: bool,
    /// Entries that wait now.
    pub(super) depth: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl Put {
    fn bytes(&self) -> usize {
        self.entries.iter().map(String::len).sum()
    }
}

/// The task that writes.
pub(super) struct Writer {
    connection: Connection,
    assessor: Arc<Assessor>,
    entries_max: u64,
    bytes_max: u64,
}

impl Writer {
    /// Starts it; it ends with the last sender.
    pub(super) fn start(
        connection: Connection,
        assessor: Arc<Assessor>,
        settings: &RedisSettings,
    ) -> mpsc::Sender<Put> {
        let (sender, puts) = mpsc::channel(WAITING_MAX);
        let writer = Self {
            connection,
            assessor,
            entries_max: settings.entries_max,
            bytes_max: settings.bytes_max,
        };
        tokio::spawn(writer.work(puts));
        sender
    }

    async fn work(self, mut puts: mpsc::Receiver<Put>) {
        let mut held = None;
        loop {
            let Some(first) = (match held.take() {
                Some(put) => Some(put),
                None => puts.recv().await,
            }) else {
                return;
            };
            let mut bytes = first.bytes();
            let mut group = vec![first];
            while group.len() < TOGETHER_MAX {
                let Ok(next) = puts.try_recv() else { break };
                let is_alike = Arc::ptr_eq(&next.keys, &group[0].keys);
                if !is_alike || bytes + next.bytes() > BYTES_MAX {
                    held = Some(next);
                    break;
                }
                bytes += next.bytes();
                group.push(next);
            }
            // Whoever has gone must not be written for: its entries are elsewhere by now.
            group.retain(|put| !put.answer.is_closed());
            if !group.is_empty() {
                self.write(group, bytes).await;
            }
        }
    }

    async fn write(&self, mut group: Vec<Put>, bytes: usize) {
        let words = self.words(&mut group);
        let keys = Arc::clone(&group[0].keys);
        match self.send(&keys, words, bytes, group.len()).await {
            Ok(fillings) => {
                for (put, filling) in group.into_iter().zip(fillings) {
                    // It may have given up waiting.
                    let _ = put.answer.send(Ok(filling));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for put in group {
                    let _ = put.answer.send(Err(Arc::clone(&error)));
                }
            }
        }
    }

    /// The words of the script for these puts.
    fn words(&self, group: &mut [Put]) -> Vec<Value> {
        let entries: usize = group.iter().map(|put| put.entries.len()).sum();
        let mut words = Vec::with_capacity(entries + group.len() + 3);
        words.push(self.entries_max.to_string().into());
        words.push(self.bytes_max.to_string().into());
        words.push(group.len().to_string().into());
        let counts = group.iter().map(|put| put.entries.len().to_string());
        words.extend(counts.map(Value::from));
        let entries = group.iter_mut().flat_map(|put| put.entries.drain(..));
        words.extend(entries.map(Value::from));
        words
    }

    /// Sends `count` puts; one answer each.
    async fn send(
        &self,
        keys: &Keys,
        words: Vec<Value>,
        bytes: usize,
        count: usize,
    ) -> Result<Vec<Filling>, RedisError> {
        let assessment = self.assessor.assess(&self.connection).await?;
        let is_awaited = assessment.durability == Durability::Awaited;
        if is_awaited {
            // A frozen server is not worth the patience that a slow disk is.
            self.connection.command("PING", Vec::new(), COMMAND).await?;
        }
        let limit = limit(bytes, assessment.durability);
        let name = self.connection.name(Script::Put).await?;
        let answers = self.series(&name, keys, words.clone(), is_awaited, limit);
        let answers = match answers.await {
            // The server forgets scripts when it restarts.
            Err(error) if error.is_answer("NOSCRIPT") => {
                let name = self.connection.load(Script::Put).await?;
                self.series(&name, keys, words, is_awaited, limit).await?
            }
            answered => answered?,
        };
        if let Some(synced) = answers.synced {
            if let Err(error) = check_synced(synced) {
                self.assessor.doubt().await;
                return Err(error);
            }
        } else if run_id(&answers.info) != assessment.run_id {
            // Another server than the one that was assessed: it need not keep its word.
            self.assessor.doubt().await;
            self.assessor.assess(&self.connection).await?;
        }
        let fillings = reply::list(answers.fillings)?.into_iter().map(filling);
        let fillings = fillings.collect::<Result<Vec<_>, _>>()?;
        if fillings.len() == count {
            Ok(fillings)
        } else {
            Err(RedisError::Answer)
        }
    }

    /// Puts, waits for the disk, and asks which server it was, all on the same connection.
    async fn series(
        &self,
        name: &str,
        keys: &Keys,
        words: Vec<Value>,
        is_awaited: bool,
        limit: Duration,
    ) -> Result<Answers, RedisError> {
        let series = self.connection.series(limit);
        series.add("EVALSHA", call(name, keys, words)).await?;
        if is_awaited {
            let millis = SYNC.as_millis().to_string();
            let words = vec!["1".into(), "0".into(), millis.into()];
            series.add("WAITAOF", words).await?;
        }
        series.add("INFO", vec!["server".into()]).await?;
        let mut answers = series.send().await?.into_iter();
        // The driver gives one error for all when the connection breaks.
        let fillings = answers.next().ok_or(RedisError::Answer)??;
        let synced = is_awaited
            .then(|| answers.next().ok_or(RedisError::Answer))
            .transpose()?;
        let info = answers.next().ok_or(RedisError::Answer)??;
        Ok(Answers {
            fillings,
            synced,
            info: reply::text(info)?,
        })
    }
}

/// The answers to a series.
struct Answers {
    fillings: Value,
    /// What the server says about its disk, if it was asked.
    synced: Option<Result<Value, RedisError>>,
    info: String,
}

/// How long a series may take.
fn limit(bytes: usize, durability: Durability) -> Duration {
    let transfer = Duration::from_millis((bytes / (BYTES_PER_SECOND / 1_000)) as u64);
    let sync = match durability {
        Durability::Awaited => SYNC,
        Durability::Always | Durability::None => Duration::ZERO,
    };
    COMMAND + transfer + sync
}

/// Checks what `WAITAOF` says: on how many disks the entries are, the server's own first.
fn check_synced(answer: Result<Value, RedisError>) -> Result<(), RedisError> {
    let [own, _replicas] = reply::parts(answer?)?;
    if reply::number(&own)? == 0 {
        return Err(RedisError::NotSynced);
    }
    Ok(())
}

fn filling(answer: Value) -> Result<Filling, RedisError> {
    let [has_put, depth, bytes] = reply::parts(answer)?;
    Ok(Filling {
        has_put: reply::number(&has_put)? == 1,
        depth: reply::number(&depth)?,
        bytes: reply::number(&bytes)?,
    })
}

/// Puts entries; bounded in time however long others take.
pub(super) async fn put(
    writer: &mpsc::Sender<Put>,
    make: impl FnOnce(oneshot::Sender<Answer>) -> Put,
) -> Answer {
    let (sender, answer) = oneshot::channel();
    let put = make(sender);
    // Its own series, the one before it, and what asking the server takes.
    let patience = limit(put.bytes(), Durability::Awaited) + limit(BYTES_MAX, Durability::Awaited);
    let waiting = async {
        let away = |_ended| Arc::new(RedisError::Away);
        writer
            .send(put)
            .await
            .map_err(|_ended| Arc::new(RedisError::Away))?;
        answer.await.map_err(away)?
    };
    timeout(patience, waiting)
        .await
        .map_err(|_elapsed| Arc::new(RedisError::Timeout))?
}
