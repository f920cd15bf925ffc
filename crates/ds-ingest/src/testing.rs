//! For tests: a store in memory, and the contract that it and PostgreSQL both keep.

mod actions;
mod contract;
mod records;
mod workflows;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use ds_domain::{
    event::{Event, Parent},
    id::IdSource,
    month::Month,
    time::ManualClock,
};
use ds_repository::{
    Appended,
    error::{AppendError, Cause, StoreError},
};
use ds_validation::{Limits, NewEvent};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Parts, Settings,
    port::{EventStore, EventWriter, Ports},
};

use actions::ActionRecords;
pub use contract::event_store_contract;
use records::Records;
use workflows::Catalogue;

pub use ds_dlq::testing::MemoryBacklog;

/// How the store in memory is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mood {
    /// Works.
    Well,
    /// Cannot be reached.
    Away,
    /// Answers nothing until its mood changes.
    Hanging,
    /// Fails in a way that no retry mends.
    Broken,
    /// Refuses every row, as a constraint would.
    Refusing,
    /// Cannot store events of one month.
    Without(Month),
    /// Cannot store notifications.
    WithoutNotifications,
    /// Cannot store workflows.
    WithoutWorkflows,
    /// Panics.
    Panicking,
}

/// A store in memory; clones are the same store.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    mood: watch::Sender<Mood>,
    events: Mutex<HashMap<Uuid, Event>>,
    records: Mutex<Records>,
    actions: Mutex<ActionRecords>,
    asked: AtomicUsize,
    catalogue: Mutex<Catalogue>,
    /// Rows of each flush so far.
    flushes: Mutex<Vec<usize>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(mood: Mood) -> Self {
        Self(Arc::new(Inner {
            mood: watch::Sender::new(mood),
            events: Mutex::default(),
            records: Mutex::default(),
            actions: Mutex::default(),
            asked: AtomicUsize::new(0),
            catalogue: Mutex::default(),
            flushes: Mutex::default(),
        }))
    }

    /// Changes how it is.
    pub fn set_mood(&self, mood: Mood) {
        self.0.mood.send_replace(mood);
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events().len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds the event `id`.
    pub fn holds(&self, id: Uuid) -> bool {
        self.events().contains_key(&id)
    }

    /// Rows of each flush so far.
    pub fn flushes(&self) -> Vec<usize> {
        let flushes = self.0.flushes.lock();
        flushes.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn events(&self) -> MutexGuard<'_, HashMap<Uuid, Event>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its mood, once it answers at all.
    async fn mood(&self) -> Mood {
        let mut mood = self.0.mood.subscribe();
        let answering = mood.wait_for(|mood| *mood != Mood::Hanging).await;
        answering.map_or(Mood::Away, |mood| *mood)
    }

    fn append_group(&self, mood: Mood, events: &[NewEvent]) -> Result<Vec<Appended>, AppendError> {
        check(mood)?;
        let falls_into = |month| move |new: &NewEvent| Month::of(new.event().event_date()) == month;
        match mood {
            Mood::Refusing => {
                return Err(AppendError::Refused {
                    column: Some("event_type".to_owned()),
                    cause: Arc::new(cause()),
                });
            }
            Mood::Without(month) if events.iter().any(falls_into(month)) => {
                let cause = Arc::new(cause());
                return Err(AppendError::Partition { month, cause });
            }
            Mood::Well
            | Mood::Away
            | Mood::Hanging
            | Mood::Broken
            | Mood::Without(_)
            | Mood::WithoutNotifications
            | Mood::WithoutWorkflows
            | Mood::Panicking => {}
        }
        let mut stored = self.events();
        let verdicts: Vec<Option<bool>> = events
            .iter()
            .map(|new| {
                let old = stored.get(&new.event().event_id);
                old.map(|old| new.repeats(old))
            })
            .collect();
        let verdict_of = verdicts.iter().enumerate();
        let taken = verdict_of.filter(|(_, verdict)| **verdict == Some(false));
        let positions: Vec<usize> = taken.map(|(at, _)| at).collect();
        if !positions.is_empty() {
            return Err(AppendError::Conflict { positions });
        }
        for new in events {
            stored.insert(new.event().event_id, new.event().clone());
        }
        let appended = |verdict: Option<bool>| verdict.map_or(Appended::Now, |_| Appended::Before);
        Ok(verdicts.into_iter().map(appended).collect())
    }
}

fn cause() -> Cause {
    Cause::Timeout {
        statement: "memory",
        seconds: 0.0,
    }
}

fn check(mood: Mood) -> Result<(), StoreError> {
    match mood {
        Mood::Well
        | Mood::Refusing
        | Mood::Without(_)
        | Mood::WithoutNotifications
        | Mood::WithoutWorkflows => Ok(()),
        Mood::Away | Mood::Hanging => Err(StoreError::Unavailable(Arc::new(cause()))),
        Mood::Broken => Err(StoreError::Internal(Arc::new(cause()))),
        Mood::Panicking => panic!("the store in memory was told to panic"),
    }
}

impl EventStore for MemoryStore {
    type Writer = Self;

    fn writer(&self) -> Self {
        self.clone()
    }

    async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        check(self.mood().await)?;
        let stored = self.events();
        let found = ids.iter().filter_map(|id| stored.get(id));
        Ok(found
            .map(|event| Parent {
                id: event.event_id,
                date: event.event_date(),
            })
            .collect())
    }

    async fn ensure_partition(&self, _: Month) -> Result<(), StoreError> {
        check(self.mood().await)
    }
}

impl EventWriter for MemoryStore {
    async fn append(&mut self, groups: &[&[NewEvent]]) -> Vec<Result<Vec<Appended>, AppendError>> {
        let mood = self.mood().await;
        let rows = groups.iter().map(|group| group.len()).sum();
        let mut flushes = self
            .0
            .flushes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        flushes.push(rows);
        drop(flushes);
        let each = groups.iter().map(|group| self.append_group(mood, group));
        each.collect()
    }
}

/// A write path in memory.
pub struct Memory;

impl Ports for Memory {
    type Store = MemoryStore;
    type Queue = MemoryBacklog;
    type Spool = MemoryBacklog;
    type Clock = ManualClock;
    type Ids = CountingIds;
}

impl Memory {
    /// A write path at `now`, over `store` and nothing else.
    pub fn parts(store: &MemoryStore, now: Timestamp) -> Parts<Self> {
        Parts {
            store: store.clone(),
            queue: None,
            spool: None,
            notification_queue: None,
            clock: ManualClock::at(now),
            ids: CountingIds::default(),
            limits: Limits::default(),
            settings: Settings::default(),
        }
    }
}

/// Ids that count.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn next_id(&self) -> Uuid {
        Uuid::from_u64_pair(
            0x0193_1c5e_7f00_7000,
            self.0.fetch_add(1, Ordering::SeqCst) | 1 << 63,
        )
    }
}

/// The body of a valid event at `at`, with more members spliced in as `,"name":value`.
pub fn event_body(at: Timestamp, more: &str) -> String {
    format!(
        r#"{{"version":"1.0","event_type":"gateway.signal.received","event_timestamp":"{at}",
            "event_category":"gateway","event_action":"received","event_outcome":"success",
            "correlation_id":"rr-1","event_data":{{"n":9007199254740993}}{more}}}"#
    )
}
