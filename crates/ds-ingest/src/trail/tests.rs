//! Events that are left, recorded behind the answer.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    Parts,
    testing::{Memory, MemoryBacklog, MemoryStore, Mood, event_body},
};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

/// An event with the id of this number.
fn event(number: u128) -> Vec<u8> {
    let id = Uuid::from_u128(number);
    event_body(now(), &format!(r#","event_id":"{id}""#)).into_bytes()
}

fn ingest(store: &MemoryStore, bounds: TrailBounds) -> Arc<Ingest<Memory>> {
    let mut ingest = Ingest::start(Memory::parts(store, now()));
    ingest.trail = Trail::new(bounds);
    Arc::new(ingest)
}

/// Keeps the trail on a task of its own, which says how many events were lost.
fn keep(ingest: &Arc<Ingest<Memory>>) -> tokio::task::JoinHandle<usize> {
    let ingest = Arc::clone(ingest);
    tokio::spawn(async move { ingest.keep_trail().await })
}

/// Time enough for anything here; it does not pass, it is turned.
const LONG: Duration = Duration::from_secs(3600);

async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, waiting).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_recorded_together() {
    let store = MemoryStore::new(Mood::Well);
    let ingest = ingest(&store, TrailBounds::default());
    (1..=250).for_each(|number| ingest.leave(event(number)));
    let keeping = keep(&ingest);
    until(|| store.len() == 250).await;
    assert_eq!(store.flushes(), [100, 100, 50]);
    ingest.leave(event(251));
    until(|| store.holds(Uuid::from_u128(251))).await;
    ingest.close_trail(LONG);
    assert_eq!(keeping.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_drops_the_newest() {
    let store = MemoryStore::new(Mood::Well);
    let few = TrailBounds {
        events_max: 2,
        ..TrailBounds::default()
    };
    let small = TrailBounds {
        bytes_max: event(1).len() * 2,
        ..TrailBounds::default()
    };
    for bounds in [few, small] {
        let ingest = ingest(&store, bounds);
        (1..=3).for_each(|number| ingest.leave(event(number)));
        ingest.close_trail(LONG);
        assert_eq!(ingest.keep_trail().await, 0);
        assert_eq!(store.len(), 2);
        assert!(!store.holds(Uuid::from_u128(3)));
        // There is room again, but nobody who would come for it.
        ingest.leave(event(4));
        assert_eq!(ingest.keep_trail().await, 0);
        assert!(!store.holds(Uuid::from_u128(4)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_place_takes_waits_until_one_does() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = ingest(&store, TrailBounds::default());
    let keeping = keep(&ingest);
    (1..=7).for_each(|number| ingest.leave(event(number)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(store.is_empty() && !keeping.is_finished());
    store.set_mood(Mood::Well);
    until(|| store.len() == 7).await;
    ingest.close_trail(LONG);
    assert_eq!(keeping.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_a_place() {
    let store = MemoryStore::new(Mood::Away);
    let queue = Arc::new(MemoryBacklog::new(100));
    let ingest = Arc::new(Ingest::start(Parts {
        queue: Some(Arc::clone(&queue)),
        ..Memory::parts(&store, now())
    }));
    (1..=7).for_each(|number| ingest.leave(event(number)));
    ingest.close_trail(LONG);
    assert_eq!(ingest.keep_trail().await, 0);
    assert_eq!(queue.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_a_place_as_long_as_it_may() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = ingest(&store, TrailBounds::default());
    (1..=7).for_each(|number| ingest.leave(event(number)));
    let keeping = keep(&ingest);
    ingest.close_trail(Duration::from_secs(30));
    let returning = store.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        returning.set_mood(Mood::Well);
    });
    assert_eq!(keeping.await.unwrap(), 0);
    assert_eq!(store.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_at_the_end_is_counted() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = ingest(&store, TrailBounds::default());
    (1..=150).for_each(|number| ingest.leave(event(number)));
    ingest.close_trail(Duration::from_secs(2));
    assert_eq!(ingest.keep_trail().await, 150);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_takes_no_other_with_it() {
    let store = MemoryStore::new(Mood::Well);
    let ingest = ingest(&store, TrailBounds::default());
    ingest.leave(event(1));
    ingest.leave(b"{}".to_vec());
    ingest.leave(event(2));
    ingest.close_trail(LONG);
    assert_eq!(ingest.keep_trail().await, 0);
    assert_eq!(store.len(), 2);
}
