//! Where events go that the store cannot take: into the queue, or else into the spool.
//!
//! Events that are parked at the same time share a put, as those that are stored share a transaction:
//! while one put is being made durable, the next ones gather.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ds_dlq::{Backlog, BacklogError, Parked, PutError};
use ds_metrics::{BacklogName, catalog};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

use crate::breaker::{Breaker, BreakerState, Pass, Temper};

/// Most entries of one put, unless a single request has more.
const ENTRIES_MAX: usize = 1000;

/// Three failures in a row are no accident.
const TEMPER: Temper = Temper {
    failures_max: 3,
    pause_min: Duration::from_secs(1),
    pause_max: Duration::from_secs(5),
};

#[derive(Debug, thiserror::Error)]
enum Unasked {
    #[error("backlog failed lately and is not asked again yet")]
    BreakerOpen,
    #[error("backlog is closed")]
    Closed,
    #[error("put ended without an answer")]
    Lost,
}

/// The way into one backlog.
pub(crate) struct Berth<B> {
    shared: Arc<Shared<B>>,
    tasks: TaskTracker,
}

struct Shared<B> {
    name: BacklogName,
    backlog: Arc<B>,
    breaker: Breaker,
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Whether entries waited there when it was last known.
    holds_entries: AtomicBool,
    /// Whether it said how it fares when it was asked last.
    answers: AtomicBool,
    /// Whether there was no room when it was last known.
    is_full: AtomicBool,
}

/// Where a backlog stands, for operators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BacklogState {
    /// Whether it takes entries, as far as those who tried know.
    pub breaker: BreakerState,
    /// Whether it says how it fares.
    pub answers: bool,
    /// Whether there is no room in it.
    pub is_full: bool,
}

impl BacklogState {
    /// Whether an event can be expected to find a place in it.
    pub fn takes(self) -> bool {
        self.breaker != BreakerState::Open && !self.is_full
    }
}

#[derive(Default)]
struct Inbox {
    puts: Vec<Put>,
    is_closed: bool,
}

/// Entries to be parked together or not at all, and who waits for that.
struct Put {
    entries: Vec<Parked>,
    answer: oneshot::Sender<Result<(), PutError>>,
}

impl<B: Backlog> Berth<B> {
    /// Opens the way, with so many puts under way at a time.
    pub(crate) fn start(name: BacklogName, backlog: Arc<B>, puts_max: usize) -> Self {
        let shared = Arc::new(Shared {
            name,
            backlog,
            breaker: Breaker::new(TEMPER),
            inbox: Mutex::default(),
            wake: Notify::new(),
            // Until the first survey anything may.
            holds_entries: AtomicBool::new(true),
            answers: AtomicBool::new(true),
            is_full: AtomicBool::new(false),
        });
        let tasks = TaskTracker::new();
        for _ in 0..puts_max {
            tasks.spawn(work(Arc::clone(&shared)));
        }
        tasks.close();
        Self { shared, tasks }
    }

    /// Parks all entries or none, durably.
    pub(crate) async fn put(&self, entries: Vec<Parked>) -> Result<(), PutError> {
        if self.shared.breaker.ask() == Pass::Refused {
            return Err(PutError::Unavailable(Arc::new(Unasked::BreakerOpen)));
        }
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let (answer, answered) = oneshot::channel();
        if !self.shared.push(Put { entries, answer }) {
            return Err(PutError::Unavailable(Arc::new(Unasked::Closed)));
        }
        let lost = || Err(PutError::Unavailable(Arc::new(Unasked::Lost)));
        answered.await.unwrap_or_else(|_| lost())?;
        self.shared.holds_entries.store(true, Ordering::Relaxed);
        catalog::parked(self.shared.name).increment(count);
        Ok(())
    }

    /// Refreshes what is known about the backlog, metrics included.
    pub(crate) async fn survey(&self) -> Result<(), BacklogError> {
        let status = self.shared.backlog.status().await;
        self.shared.answers.store(status.is_ok(), Ordering::Relaxed);
        let status = status?;
        let holds = status.entries > 0;
        self.shared.holds_entries.store(holds, Ordering::Relaxed);
        let is_full = status.entries >= status.entries_max || status.bytes >= status.bytes_max;
        self.shared.fill(is_full);
        Ok(())
    }

    /// Whether entries wait there, as far as is known.
    pub(crate) fn holds_entries(&self) -> bool {
        self.shared.holds_entries.load(Ordering::Relaxed)
    }

    /// The backlog itself.
    pub(crate) fn backlog(&self) -> &Arc<B> {
        &self.shared.backlog
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> BacklogState {
        BacklogState {
            breaker: self.shared.breaker.state(),
            answers: self.shared.answers.load(Ordering::Relaxed),
            is_full: self.shared.is_full.load(Ordering::Relaxed),
        }
    }

    /// Finishes what is under way.
    pub(crate) async fn close(&self) {
        self.shared.close();
        self.tasks.wait().await;
    }
}

impl<B> Drop for Berth<B> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<B> Shared<B> {
    /// Says whether anybody will still see to it.
    fn push(&self, put: Put) -> bool {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_closed {
            return false;
        }
        inbox.puts.push(put);
        drop(inbox);
        self.wake.notify_one();
        true
    }

    fn close(&self) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.is_closed = true;
        drop(inbox);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// What is to be put next, and whether more may come.
    fn take(&self) -> (Vec<Put>, bool) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = 0;
        let fits = |put: &Put| {
            entries += put.entries.len();
            entries <= ENTRIES_MAX
        };
        let count = inbox.puts.iter().map(fits).take_while(|fits| *fits).count();
        let count = count.max(1).min(inbox.puts.len());
        let taken = inbox.puts.drain(..count).collect();
        if !inbox.puts.is_empty() {
            self.wake.notify_one();
        }
        (taken, !inbox.is_closed)
    }
}

async fn work<B: Backlog>(shared: Arc<Shared<B>>) {
    loop {
        let (puts, is_open) = shared.take();
        if !puts.is_empty() {
            settle(&shared, puts).await;
        } else if is_open {
            shared.wake.notified().await;
        } else {
            // Somebody else of us may be asleep still.
            shared.wake.notify_one();
            return;
        }
    }
}

/// Makes the puts and answers them.
async fn settle<B: Backlog>(shared: &Shared<B>, mut puts: Vec<Put>) {
    let mut all = Vec::with_capacity(puts.iter().map(|put| put.entries.len()).sum());
    let mut counts = Vec::with_capacity(puts.len());
    for put in &mut puts {
        counts.push(put.entries.len());
        all.append(&mut put.entries);
    }
    let outcome = shared.backlog.put(&all).await;
    shared.judge(&outcome);
    if matches!(outcome, Err(PutError::Full)) && puts.len() > 1 {
        // There may still be room for some.
        let mut rest = all.as_slice();
        for (put, count) in puts.into_iter().zip(counts) {
            let (entries, others) = rest.split_at(count);
            rest = others;
            let _ = put.answer.send(shared.backlog.put(entries).await);
        }
        return;
    }
    for put in puts {
        let _ = put.answer.send(outcome.clone());
    }
}

impl<B> Shared<B> {
    /// Notes whether there is room, and says when that has changed.
    fn fill(&self, is_full: bool) {
        let name = self.name.as_str();
        match (self.is_full.swap(is_full, Ordering::Relaxed), is_full) {
            (false, true) => tracing::error!(backlog = name, "Backlog {name} is full"),
            (true, false) => tracing::info!(backlog = name, "Backlog {name} has room again"),
            (false, false) | (true, true) => {}
        }
    }

    fn judge(&self, outcome: &Result<(), PutError>) {
        let name = self.name.as_str();
        match outcome {
            Err(PutError::Unavailable(cause)) => {
                if self.breaker.fail() {
                    catalog::breaker_opened(self.name).increment(1);
                    tracing::error!(
                        backlog = name,
                        error = &**cause as &dyn std::error::Error,
                        "Backlog {name} is unavailable"
                    );
                }
            }
            Ok(()) | Err(PutError::Full) => {
                if matches!(outcome, Err(PutError::Full)) {
                    self.fill(true);
                }
                if self.breaker.succeed() {
                    tracing::info!(backlog = name, "Backlog {name} works again");
                }
            }
        }
        catalog::breaker_state(self.name).set(self.breaker.state().gauge());
    }
}

#[cfg(test)]
mod tests {
    use ds_dlq::testing::{MemoryBacklog, parked};
    use uuid::Uuid;

    use super::*;

    fn entries(count: u128) -> Vec<Parked> {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        (0..count)
            .map(|n| parked(Uuid::from_u128(n), now))
            .collect()
    }

    fn berth(room: usize) -> Berth<MemoryBacklog> {
        Berth::start(BacklogName::Queue, Arc::new(MemoryBacklog::new(room)), 2)
    }

    #[tokio::test]
    async fn puts_that_come_together_fail_apart() {
        let berth = berth(5);
        let (a, b, c) = tokio::join!(
            berth.put(entries(3)),
            berth.put(entries(3)),
            berth.put(entries(2)),
        );
        let outcomes = [a.is_ok(), b.is_ok(), c.is_ok()];
        assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 2, "{outcomes:?}");
        assert!(c.is_ok(), "it still fits");
        assert_eq!(berth.backlog().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_that_is_away_is_left_alone() {
        let berth = berth(5);
        berth.backlog().set_away(true);
        for _ in 0..3 {
            berth.put(entries(1)).await.unwrap_err();
        }
        berth.backlog().set_away(false);
        berth.put(entries(1)).await.unwrap_err();
        assert_eq!(berth.state().breaker, BreakerState::Open);
        tokio::time::advance(TEMPER.pause_min).await;
        berth.put(entries(1)).await.unwrap();
        assert_eq!(berth.state().breaker, BreakerState::Closed);
    }

    #[tokio::test]
    async fn what_is_under_way_is_finished_before_the_end() {
        let berth = berth(5);
        let (put, ()) = tokio::join!(berth.put(entries(1)), berth.close());
        put.unwrap();
        assert_eq!(berth.backlog().len(), 1);
        berth.put(entries(1)).await.unwrap_err();
    }
}
