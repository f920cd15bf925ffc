//! For tests: a store in memory, and the contract that it and PostgreSQL both keep.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ds_domain::{
    event::{Event, Parent},
    id::IdSource,
};
use ds_repository::{
    Appended,
    error::{AppendError, Cause, StoreError},
};
use ds_validation::{Limits, NewEvent, parse_event};
use jiff::Timestamp;
use uuid::Uuid;

use crate::port::EventStore;

/// What the store in memory does with the next calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mood {
    /// Works.
    Well,
    /// Cannot be reached.
    Away,
    /// Fails in a way that no retry mends.
    Broken,
    /// Refuses every row, as a constraint would.
    Refusing,
}

/// A store in memory.
pub struct MemoryStore {
    mood: Mood,
    events: Mutex<HashMap<Uuid, Event>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(mood: Mood) -> Self {
        Self {
            mood,
            events: Mutex::default(),
        }
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self) -> Result<(), StoreError> {
        let cause = Cause::Timeout {
            statement: "memory",
            seconds: 0.0,
        };
        match self.mood {
            Mood::Well | Mood::Refusing => Ok(()),
            Mood::Away => Err(StoreError::Unavailable(cause)),
            Mood::Broken => Err(StoreError::Internal(cause)),
        }
    }
}

/// Whether two events with one id are the same event.
fn same(a: &Event, b: &Event) -> bool {
    // Every field but the payload shows its whole content in `Debug`.
    let envelope = format!("{a:?}") == format!("{b:?}");
    envelope && a.event_data == b.event_data && a.event_metadata == b.event_metadata
}

impl EventStore for MemoryStore {
    async fn append(&self, events: &[NewEvent]) -> Result<Vec<Appended>, AppendError> {
        self.check()?;
        if self.mood == Mood::Refusing {
            let cause = Cause::Timeout {
                statement: "memory",
                seconds: 0.0,
            };
            return Err(AppendError::Refused {
                column: Some("event_type".to_owned()),
                cause,
            });
        }
        let mut stored = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let verdicts: Vec<Option<bool>> = events
            .iter()
            .map(|new| {
                stored
                    .get(&new.event().event_id)
                    .map(|old| same(old, new.event()))
            })
            .collect();
        let taken = verdicts
            .iter()
            .enumerate()
            .filter(|(_, verdict)| **verdict == Some(false));
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

    async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        self.check()?;
        let stored = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let found = ids.iter().filter_map(|id| stored.get(id));
        Ok(found
            .map(|event| Parent {
                id: event.event_id,
                date: event.event_date(),
            })
            .collect())
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

fn new_event(at: Timestamp, id: Uuid, more: &str) -> NewEvent {
    let body = event_body(at, &format!(r#","event_id":"{id}"{more}"#));
    match parse_event(body.as_bytes(), at, &Limits::default()) {
        Ok(event) => event.identify(|| id, None),
        Err(error) => unreachable!("the body is valid: {error:?}"),
    }
}

/// What every store promises. `now` must lie in a month the store has room for; runs on an empty
/// store.
///
/// # Panics
///
/// When the store breaks the contract.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
pub async fn event_store_contract(store: &impl EventStore, now: Timestamp, ids: &impl IdSource) {
    let (first, second, third) = (ids.next_id(), ids.next_id(), ids.next_id());
    let yesterday = now - jiff::SignedDuration::from_hours(24);

    let appended = store
        .append(&[new_event(now, first, "")])
        .await
        .expect("is stored");
    assert_eq!(appended, [Appended::Now], "a new event is stored");
    let appended = store
        .append(&[new_event(now, first, "")])
        .await
        .expect("is recognised");
    assert_eq!(
        appended,
        [Appended::Before],
        "the same event again is recognised"
    );

    let other = new_event(now, first, r#","severity":"high""#);
    let outcome = store.append(&[new_event(now, second, ""), other]).await;
    let is_conflict =
        matches!(&outcome, Err(AppendError::Conflict { positions }) if *positions == [1]);
    assert!(
        is_conflict,
        "other content under a taken id is a conflict: {outcome:?}"
    );
    let moved = store.append(&[new_event(yesterday, first, "")]).await;
    let is_conflict =
        matches!(&moved, Err(AppendError::Conflict { positions }) if *positions == [0]);
    assert!(
        is_conflict,
        "a taken id is taken under every date: {moved:?}"
    );

    let found = store
        .find_parents(&[first, second])
        .await
        .expect("is answered");
    let expected = [Parent {
        id: first,
        date: ds_domain::time::utc_date(now),
    }];
    assert_eq!(found, expected, "a conflict stores nothing of its batch");

    let batch = [
        new_event(now, third, ""),
        new_event(now, first, ""),
        new_event(now, second, ""),
    ];
    let appended = store.append(&batch).await.expect("is stored");
    let expected = [Appended::Now, Appended::Before, Appended::Now];
    assert_eq!(
        appended, expected,
        "a repeated batch is completed, in order"
    );
}
