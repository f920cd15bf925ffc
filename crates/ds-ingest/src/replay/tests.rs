//! What becomes of entries, on a store and a backlog in memory.

use ds_dlq::{
    Parked,
    testing::{MemoryBacklog, parked, parked_notification},
};
use ds_domain::{month::Month, time::utc_date};
use jiff::Timestamp;

use super::*;
use crate::{
    Settings,
    testing::{MemoryStore, Mood},
};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn replay(store: &MemoryStore) -> Replay<MemoryStore, MemoryBacklog> {
    let store = Arc::new(store.clone());
    let group = Arc::new(GroupCommit::start(&store, Settings::default()));
    let notifications = Notifications::new(Arc::clone(&store), Arc::clone(&group));
    Replay {
        name: BacklogName::Queue,
        backlog: Arc::new(MemoryBacklog::new(10_000)),
        group,
        notifications: Arc::new(notifications),
        store,
    }
}

async fn put(
    replay: &Replay<MemoryStore, MemoryBacklog>,
    ids: std::ops::Range<u128>,
    at: Timestamp,
) {
    let entries: Vec<Parked> = ids.map(|n| parked(Uuid::from_u128(n), at)).collect();
    replay.backlog.put(&entries).await.unwrap();
}

/// Passes until nothing moves any more.
async fn drain(replay: &Replay<MemoryStore, MemoryBacklog>) {
    while replay.pass().await.unwrap() == Pass::Moved {}
}

#[tokio::test]
async fn entries_are_stored_once_and_leave_the_backlog() {
    let store = MemoryStore::new(Mood::Well);
    let replay = replay(&store);
    put(&replay, 1..1201, now()).await;
    put(&replay, 1..3, now()).await;
    drain(&replay).await;
    assert_eq!(store.len(), 1200);
    assert!(replay.backlog.is_empty());
    assert!(
        replay
            .backlog
            .dead_letters(None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_entry_that_can_never_be_stored_becomes_a_dead_letter_and_blocks_nothing() {
    let store = MemoryStore::new(Mood::Well);
    let replay = replay(&store);
    put(&replay, 7..8, now()).await;
    drain(&replay).await;
    replay.backlog.put_unreadable();
    put(&replay, 7..8, now() - jiff::SignedDuration::from_secs(60)).await;
    put(&replay, 8..9, now()).await;
    drain(&replay).await;
    assert_eq!(store.len(), 2);
    assert!(replay.backlog.is_empty());
    let letters = replay.backlog.dead_letters(None, 10).await.unwrap();
    let reasons: Vec<_> = letters
        .iter()
        .map(|letter| letter.reason.as_str())
        .collect();
    let expected = [
        "entry is unreadable: of no known form",
        "event id is taken by an event with other content",
    ];
    assert_eq!(reasons, expected);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_costs_an_entry_nothing() {
    let store = MemoryStore::new(Mood::Away);
    let replay = replay(&store);
    put(&replay, 1..11, now()).await;
    for _ in 0..100 {
        assert_eq!(replay.pass().await.unwrap(), Pass::Away);
        tokio::time::advance(Duration::from_millis(300)).await;
    }
    assert_eq!(replay.backlog.len(), 10);
    store.set_mood(Mood::Well);
    tokio::time::advance(Duration::from_secs(2)).await;
    drain(&replay).await;
    assert_eq!(store.len(), 10);
    assert!(replay.backlog.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_month_that_fails_is_tried_again_until_it_is_repaired() {
    let (lost, kept) = (now(), now() - jiff::SignedDuration::from_hours(24 * 25));
    let store = MemoryStore::new(Mood::Without(Month::of(utc_date(lost))));
    let replay = replay(&store);
    put(&replay, 1..4, lost).await;
    put(&replay, 4..7, kept).await;
    // Longer than it takes to give up an entry that fails for doubtful reasons.
    for _ in 0..3600 {
        replay.pass().await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    assert_eq!(store.len(), 3);
    assert_eq!(replay.backlog.len(), 3);
    store.set_mood(Mood::Well);
    for _ in 0..300 {
        replay.pass().await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    assert_eq!(store.len(), 6);
    assert!(replay.backlog.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_never_passes_is_believed_in_the_end() {
    let store = MemoryStore::new(Mood::Broken);
    let replay = replay(&store);
    put(&replay, 1..2, now()).await;
    let began = tokio::time::Instant::now();
    while !replay.backlog.is_empty() {
        replay.pass().await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(
        began.elapsed() > Duration::from_secs(10 * 60),
        "not before long"
    );
    let letters = replay.backlog.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].history.len() + 1, ATTEMPTS_MAX as usize);
    assert!(
        letters[0].reason.starts_with("store failed"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn a_parent_of_the_first_service_is_looked_up() {
    let store = MemoryStore::new(Mood::Well);
    let replay = replay(&store);
    let mut child = parked(Uuid::from_u128(2), now());
    if let Item::Event {
        unresolved_parent, ..
    } = &mut child.item
    {
        *unresolved_parent = Some(Uuid::from_u128(1));
    }
    replay.backlog.put(&[child]).await.unwrap();
    assert_eq!(replay.pass().await.unwrap(), Pass::Moved);
    assert_eq!(
        (store.len(), replay.backlog.len()),
        (0, 1),
        "its parent is missing"
    );
    put(&replay, 1..2, now()).await;
    while store.len() < 2 {
        replay.pass().await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_notification_is_stored_once_and_one_that_differs_becomes_a_dead_letter() {
    let store = MemoryStore::new(Mood::Well);
    let replay = replay(&store);
    let entries = [
        parked_notification("nt-1", "ann", now()),
        parked(Uuid::from_u128(1), now()),
        parked_notification("nt-1", "ann", now()),
        parked_notification("nt-1", "bob", now()),
        parked_notification("nt-2", "bob", now()),
    ];
    replay.backlog.put(&entries).await.unwrap();
    drain(&replay).await;
    assert_eq!(store.notification("nt-1").unwrap().recipient, "ann");
    assert_eq!(store.notification("nt-2").unwrap().recipient, "bob");
    assert!(replay.backlog.is_empty());
    let letters = replay.backlog.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].notification_id.as_deref(), Some("nt-1"));
    let expected = "notification id is taken by a record with other content";
    assert_eq!(letters[0].reason, expected);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_costs_a_notification_nothing() {
    let store = MemoryStore::new(Mood::Away);
    let replay = replay(&store);
    let entry = parked_notification("nt-1", "ann", now());
    replay.backlog.put(&[entry]).await.unwrap();
    for _ in 0..100 {
        assert_eq!(replay.pass().await.unwrap(), Pass::Away);
        tokio::time::advance(Duration::from_millis(300)).await;
    }
    store.set_mood(Mood::Well);
    tokio::time::advance(Duration::from_secs(2)).await;
    drain(&replay).await;
    assert!(store.notification("nt-1").is_some());
}

#[tokio::test(start_paused = true)]
async fn notifications_whose_table_is_away_keep_no_event_out() {
    let store = MemoryStore::new(Mood::WithoutNotifications);
    let replay = replay(&store);
    let entry = parked_notification("nt-1", "ann", now());
    replay.backlog.put(&[entry]).await.unwrap();
    put(&replay, 1..4, now()).await;
    assert_eq!(replay.pass().await.unwrap(), Pass::Moved);
    assert_eq!((store.len(), replay.backlog.len()), (3, 1));
    store.set_mood(Mood::Well);
    while !replay.backlog.is_empty() {
        replay.pass().await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(store.notification("nt-1").is_some());
}

#[tokio::test]
async fn replaying_ends_when_it_is_told_to() {
    let replay = replay(&MemoryStore::new(Mood::Well));
    let stop = CancellationToken::new();
    stop.cancel();
    replay.run(stop).await;
}

#[test]
fn waits_double_and_differ() {
    let waits = |n: u32| {
        let ids = (0..50).map(|id| EntryId(format!("{id}-0")));
        ids.map(move |id| wait_of(&id, n)).collect::<Vec<_>>()
    };
    for (attempts, whole) in [(0, 1), (1, 2), (5, 32), (40, 300)] {
        let waits = waits(attempts);
        let whole = Duration::from_secs(whole);
        assert!(
            waits
                .iter()
                .all(|wait| whole / 2 <= *wait && *wait <= whole)
        );
        assert!(waits.iter().max() > waits.iter().min());
    }
}
