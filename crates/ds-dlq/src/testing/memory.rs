//! A backlog in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Backlog, BacklogError, Burial, DeadLetter, Deferral, Delivery, EntryId, Item, Parked, PutError,
    Setback, Status, Unreadable,
};

/// A backlog in memory, without a lease: what is taken stays taken.
pub struct MemoryBacklog {
    entries_max: usize,
    is_away: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    dead: BTreeMap<u64, DeadLetter>,
    graves: BTreeMap<u64, Waiting>,
}

struct Waiting {
    entry: Result<Parked, Unreadable>,
    attempts: u32,
    is_taken: bool,
    due: Instant,
    history: Vec<Setback>,
}

#[derive(Debug, thiserror::Error)]
#[error("backlog in memory is away")]
struct Away;

impl MemoryBacklog {
    /// An empty backlog with room for so many entries.
    pub fn new(entries_max: usize) -> Self {
        Self {
            entries_max,
            is_away: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Takes it away, or gives it back.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Puts an entry that nobody can read.
    pub fn put_unreadable(&self) {
        let mut state = self.lock();
        state.put(Err(Unreadable("of no known form".to_owned())));
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, State>, BacklogError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(BacklogError(Arc::new(Away)));
        }
        Ok(self.lock())
    }
}

impl State {
    fn put(&mut self, entry: Result<Parked, Unreadable>) {
        self.next += 1;
        let waiting = Waiting {
            entry,
            attempts: 0,
            is_taken: false,
            due: Instant::now(),
            history: Vec::new(),
        };
        self.waiting.insert(self.next, waiting);
    }

    fn taken(&mut self, id: &EntryId) -> Option<&mut Waiting> {
        let waiting = self.waiting.get_mut(&number(id))?;
        waiting.is_taken.then_some(waiting)
    }
}

fn event_id(parked: &Parked) -> Option<Uuid> {
    parked.event().map(|event| event.event().event_id)
}

fn notification_id(parked: &Parked) -> Option<String> {
    match &parked.item {
        Item::Event { .. } => None,
        Item::Notification(valid) => Some(valid.notification().notification_id.clone()),
    }
}

fn number(id: &EntryId) -> u64 {
    id.0.parse().unwrap_or(0)
}

impl Backlog for MemoryBacklog {
    async fn put(&self, entries: &[Parked]) -> Result<(), PutError> {
        let mut state = self
            .reach()
            .map_err(|BacklogError(cause)| PutError::Unavailable(cause))?;
        if state.waiting.len() + entries.len() > self.entries_max {
            return Err(PutError::Full);
        }
        for entry in entries {
            state.put(Ok(entry.clone()));
        }
        Ok(())
    }

    async fn take(&self, max: usize) -> Result<Vec<Delivery>, BacklogError> {
        let mut state = self.reach()?;
        let now = Instant::now();
        let due = state
            .waiting
            .iter_mut()
            .filter(|(_, waiting)| !waiting.is_taken && waiting.due <= now);
        Ok(due
            .take(max)
            .map(|(number, waiting)| {
                waiting.is_taken = true;
                Delivery {
                    id: EntryId(number.to_string()),
                    entry: waiting.entry.clone(),
                    attempts: waiting.attempts,
                }
            })
            .collect())
    }

    async fn settle(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let mut state = self.reach()?;
        for id in ids {
            state.waiting.remove(&number(id));
        }
        Ok(())
    }

    async fn defer(&self, deferrals: &[Deferral]) -> Result<(), BacklogError> {
        let mut state = self.reach()?;
        for Deferral { id, wait, error } in deferrals {
            if let Some(waiting) = state.taken(id) {
                waiting.is_taken = false;
                waiting.attempts += 1;
                waiting.due = Instant::now() + *wait;
                waiting.history.push(Setback {
                    at: Timestamp::UNIX_EPOCH,
                    error: error.clone(),
                });
            }
        }
        Ok(())
    }

    async fn bury(&self, burials: &[Burial]) -> Result<(), BacklogError> {
        let mut state = self.reach()?;
        for Burial { id, reason } in burials {
            let Some(waiting) = state.waiting.remove(&number(id)) else {
                continue;
            };
            let parked = waiting.entry.as_ref().ok();
            let letter = DeadLetter {
                id: id.clone(),
                event_id: parked.and_then(event_id),
                notification_id: parked.and_then(notification_id),
                reason: reason.clone(),
                buried_at: Timestamp::UNIX_EPOCH,
                accepted_at: parked.map(|parked| parked.accepted_at),
                history: waiting.history.clone(),
                content: format!("{:?}", waiting.entry),
            };
            state.dead.insert(number(id), letter);
            state.graves.insert(number(id), waiting);
        }
        Ok(())
    }

    async fn release(&self, ids: &[EntryId]) -> Result<(), BacklogError> {
        let mut state = self.reach()?;
        for id in ids {
            if let Some(waiting) = state.taken(id) {
                waiting.is_taken = false;
            }
        }
        Ok(())
    }

    async fn status(&self) -> Result<Status, BacklogError> {
        let state = self.reach()?;
        let now = Instant::now();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let oldest = state.waiting.values().find_map(|w| w.entry.as_ref().ok());
        Ok(Status {
            entries: count(state.waiting.len()),
            entries_max: count(self.entries_max),
            bytes_max: u64::MAX,
            deferred: count(state.waiting.values().filter(|w| w.due > now).count()),
            dead: count(state.dead.len()),
            oldest: oldest.map(|parked| parked.accepted_at),
            ..Status::default()
        })
    }

    async fn dead_letters(
        &self,
        after: Option<&EntryId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, BacklogError> {
        let state = self.reach()?;
        let after = after.map_or(0, number);
        let letters = state.dead.range(after + 1..).map(|(_, letter)| letter);
        Ok(letters.take(max).cloned().collect())
    }

    async fn revive(&self, id: &EntryId) -> Result<bool, BacklogError> {
        let mut state = self.reach()?;
        let number = number(id);
        let Some(grave) = state.graves.remove(&number) else {
            return Ok(false);
        };
        state.dead.remove(&number);
        state.put(grave.entry);
        Ok(true)
    }

    async fn purge(&self, id: &EntryId) -> Result<bool, BacklogError> {
        let mut state = self.reach()?;
        state.graves.remove(&number(id));
        Ok(state.dead.remove(&number(id)).is_some())
    }
}
