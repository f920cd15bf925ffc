//! The decision table of the write path, on stores and backlogs in memory.

use ds_dlq::Backlog;
use ds_domain::{month::Month, time::utc_date};
use tokio::task::JoinSet;

use super::*;
use crate::{
    BreakerState, Parts, Settings,
    testing::{Memory, MemoryBacklog, MemoryStore, Mood, event_body, event_store_contract},
};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn backlog() -> Option<Arc<MemoryBacklog>> {
    Some(Arc::new(MemoryBacklog::new(3)))
}

/// A write path over `store`, a queue and a spool.
fn with_backlogs(store: &MemoryStore) -> Ingest<Memory> {
    Ingest::start(Parts {
        queue: backlog(),
        spool: backlog(),
        ..Memory::parts(store, now())
    })
}

/// One writer, so that one request occupies it.
fn without_backlogs(store: &MemoryStore) -> Ingest<Memory> {
    let mut parts = Memory::parts(store, now());
    parts.settings.writers_max = 1;
    Ingest::start(parts)
}

async fn record(ingest: &Ingest<Memory>) -> Result<Kept, RecordError> {
    let body = event_body(now(), "");
    let recorded = ingest.record(body.as_bytes()).await;
    recorded.map(|receipt| receipt.kept)
}

async fn shown(ingest: &Ingest<Memory>) -> String {
    match record(ingest).await {
        Ok(kept) => format!("{kept:?}"),
        Err(error) => error.to_string(),
    }
}

/// Starts as many requests as there are writers, each of which hangs with its request.
async fn occupy(ingest: &Arc<Ingest<Memory>>) -> JoinSet<Result<Kept, RecordError>> {
    let mut stuck = JoinSet::new();
    for busy in 1..=Settings::default().writers_min {
        let stuck_one = Arc::clone(ingest);
        stuck.spawn(async move { record(&stuck_one).await });
        while ingest.group.level().writers_active < busy {
            tokio::task::yield_now().await;
        }
    }
    stuck
}

/// Lets tasks run until so many rows are queued.
async fn queued(ingest: &Ingest<Memory>, rows: usize) {
    while ingest.state().queued_rows < rows {
        tokio::task::yield_now().await;
    }
}

/// Entries in the queue and in the spool.
fn parked(ingest: &Ingest<Memory>) -> [usize; 2] {
    [ingest.queue().unwrap().len(), ingest.spool().unwrap().len()]
}

#[tokio::test]
async fn every_mood_of_the_store_has_its_answer() {
    let month = Month::of(utc_date(now()));
    let other = month.next();
    for (mood, expected) in [
        (Mood::Well, "Stored"),
        (Mood::Without(other), "Stored"),
        (Mood::Without(month), "Parked"),
        (Mood::Away, "Parked"),
        (Mood::Broken, "event was not recorded: the store failed"),
        (Mood::Panicking, "event was not recorded: the store failed"),
        (Mood::Refusing, "store refuses the event"),
    ] {
        let ingest = with_backlogs(&MemoryStore::new(mood));
        assert_eq!(shown(&ingest).await, expected, "{mood:?}");
        let in_queue = usize::from(expected == "Parked");
        assert_eq!(parked(&ingest), [in_queue, 0], "{mood:?}");
        let refused = ingest.record(&b"{}"[..]).await;
        assert!(matches!(refused, Err(RecordError::Rejected(_))));
    }
}

#[tokio::test]
async fn events_fall_from_the_store_to_the_queue_to_the_spool_to_a_refusal() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = with_backlogs(&store);
    for expected in [[1, 0], [2, 0], [3, 0], [3, 1]] {
        assert_eq!(record(&ingest).await.unwrap(), Kept::Parked);
        assert_eq!(parked(&ingest), expected);
    }
    ingest.spool().unwrap().set_away(true);
    assert!(matches!(
        record(&ingest).await,
        Err(RecordError::Unavailable(_))
    ));

    let ingest = with_backlogs(&store);
    ingest.queue().unwrap().set_away(true);
    assert_eq!(record(&ingest).await.unwrap(), Kept::Parked);
    assert_eq!(parked(&ingest), [0, 1]);

    let refused = record(&without_backlogs(&store)).await;
    assert!(matches!(refused, Err(RecordError::Unavailable(_))));
}

#[tokio::test]
async fn a_batch_is_parked_as_a_whole_or_not_at_all() {
    let ingest = with_backlogs(&MemoryStore::new(Mood::Away));
    let event = event_body(now(), "");
    let two = format!("[{event},{event}]");
    let receipt = ingest.record_batch(two.as_bytes()).await.unwrap();
    assert_eq!((receipt.recorded.len(), receipt.kept), (2, Kept::Parked));
    assert_eq!(parked(&ingest), [2, 0]);
    ingest.record_batch(two.as_bytes()).await.unwrap();
    assert_eq!(parked(&ingest), [2, 2], "two do not fit any more");
    assert!(ingest.record_batch(two.as_bytes()).await.is_err());
    assert_eq!(
        parked(&ingest),
        [2, 2],
        "nor here, and none of them was put"
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_noticed_and_its_end_is_probed() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = without_backlogs(&store);
    for _ in 0..10 {
        record(&ingest).await.unwrap_err();
    }
    assert_eq!(store.flushes().len(), 3, "then the store is left alone");
    assert_eq!(ingest.state().store, BreakerState::Open);
    store.set_mood(Mood::Well);
    record(&ingest).await.unwrap_err();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(record(&ingest).await.unwrap(), Kept::Stored);
    assert_eq!(ingest.state().store, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_month_that_fails_is_left_alone_and_others_go_on() {
    let (lost, kept) = (now(), now() - jiff::SignedDuration::from_hours(24 * 25));
    let month = Month::of(utc_date(lost));
    let store = MemoryStore::new(Mood::Without(month));
    let mut parts = Memory::parts(&store, now());
    parts.limits.event_age_max = jiff::SignedDuration::from_hours(24 * 28);
    parts.queue = Some(Arc::new(MemoryBacklog::new(100)));
    let ingest = Ingest::<Memory>::start(parts);
    for _ in 0..10 {
        let lost = ingest
            .record(event_body(lost, "").as_bytes())
            .await
            .unwrap();
        assert_eq!(lost.kept, Kept::Parked);
        let kept = ingest
            .record(event_body(kept, "").as_bytes())
            .await
            .unwrap();
        assert_eq!(kept.kept, Kept::Stored);
    }
    assert_eq!(
        store.flushes().len(),
        11,
        "one attempt was enough for the month"
    );
    assert_eq!(ingest.state().failing_partitions, ["audit_events_2026_11"]);
    store.set_mood(Mood::Well);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(record(&ingest).await.unwrap(), Kept::Stored);
    assert!(ingest.state().failing_partitions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_keeps_nobody_waiting_for_long() {
    let store = MemoryStore::new(Mood::Hanging);
    let mut parts = Memory::parts(&store, now());
    parts.queue = Some(Arc::new(MemoryBacklog::new(100)));
    parts.settings.writers_max = 1;
    let ingest = Arc::new(Ingest::<Memory>::start(parts));
    let stuck = occupy(&ingest).await;
    // All writers hang now; whoever comes next waits for its bound and is parked.
    let began = Instant::now();
    assert_eq!(record(&ingest).await.unwrap(), Kept::Parked);
    let waited = began.elapsed();
    let bound = Settings::default().queue_wait_max;
    assert!(bound <= waited && waited < bound * 2, "{waited:?}");
    store.set_mood(Mood::Well);
    for kept in stuck.join_all().await {
        assert_eq!(kept.unwrap(), Kept::Stored);
    }
}

#[tokio::test]
async fn requests_that_come_together_are_flushed_together() {
    let store = MemoryStore::new(Mood::Hanging);
    let ingest = Arc::new(without_backlogs(&store));
    let mut requests = occupy(&ingest).await;
    for _ in 0..300 {
        let ingest = Arc::clone(&ingest);
        requests.spawn(async move { record(&ingest).await });
    }
    queued(&ingest, 300).await;
    store.set_mood(Mood::Well);
    for kept in requests.join_all().await {
        assert_eq!(kept.unwrap(), Kept::Stored);
    }
    let mut flushes = store.flushes();
    flushes.sort_unstable();
    assert_eq!(flushes, [1, 44, 256]);
    assert_eq!(store.len(), 301);
}

#[tokio::test]
async fn a_large_batch_is_flushed_alone() {
    let store = MemoryStore::new(Mood::Hanging);
    let ingest = Arc::new(without_backlogs(&store));
    let stuck = occupy(&ingest).await;
    let mut batches = JoinSet::new();
    for (rows, sum) in [(30, 30), (100, 130), (63, 193)] {
        let events: Vec<String> = (0..rows).map(|_| event_body(now(), "")).collect();
        let body = format!("[{}]", events.join(","));
        let waiting = Arc::clone(&ingest);
        batches.spawn(async move { waiting.record_batch(body.as_bytes()).await });
        queued(&ingest, sum).await;
    }
    store.set_mood(Mood::Well);
    assert!(stuck.join_all().await.iter().all(Result::is_ok));
    for outcome in batches.join_all().await {
        assert_eq!(outcome.unwrap().kept, Kept::Stored);
    }
    let mut flushes = store.flushes();
    flushes.sort_unstable();
    assert_eq!(flushes, [1, 93, 100]);
}

#[tokio::test]
async fn a_full_queue_refuses_as_overload() {
    let store = MemoryStore::new(Mood::Hanging);
    let mut parts = Memory::parts(&store, now());
    parts.settings.queue_rows_max = 10;
    parts.settings.writers_max = 1;
    let ingest = Arc::new(Ingest::<Memory>::start(parts));
    let mut requests = occupy(&ingest).await;
    for _ in 0..10 {
        let ingest = Arc::clone(&ingest);
        requests.spawn(async move { record(&ingest).await });
    }
    queued(&ingest, 10).await;
    let refused = record(&ingest).await;
    assert!(matches!(refused, Err(RecordError::Overloaded(_))));
    store.set_mood(Mood::Well);
    assert!(requests.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn what_is_queued_is_flushed_before_the_end() {
    let store = MemoryStore::new(Mood::Hanging);
    let ingest = Arc::new(without_backlogs(&store));
    let mut requests = occupy(&ingest).await;
    for _ in 0..20 {
        let ingest = Arc::clone(&ingest);
        requests.spawn(async move { record(&ingest).await });
    }
    queued(&ingest, 20).await;
    let closing = Arc::clone(&ingest);
    let closing = tokio::spawn(async move { closing.close().await });
    store.set_mood(Mood::Well);
    closing.await.unwrap();
    for kept in requests.join_all().await {
        assert_eq!(kept.unwrap(), Kept::Stored);
    }
    let late = record(&ingest).await;
    assert!(matches!(late, Err(RecordError::Unavailable(_))));
}

#[tokio::test]
async fn a_writer_that_panics_is_replaced() {
    let store = MemoryStore::new(Mood::Panicking);
    let ingest = without_backlogs(&store);
    for _ in 0..20 {
        assert!(matches!(
            record(&ingest).await,
            Err(RecordError::Internal(_))
        ));
    }
    store.set_mood(Mood::Well);
    assert_eq!(record(&ingest).await.unwrap(), Kept::Stored);
}

#[tokio::test]
async fn a_parent_must_exist_or_be_in_the_batch() {
    let ingest = without_backlogs(&MemoryStore::new(Mood::Well));
    let parent = "01931c5e-7f00-7000-8000-0000000000aa";
    let child = event_body(now(), &format!(r#","parent_event_id":"{parent}""#));
    let refused = ingest.record(child.as_bytes()).await.unwrap_err();
    assert_eq!(refused.to_string(), "parent event does not exist");

    let own = event_body(now(), &format!(r#","event_id":"{parent}""#));
    let batch = format!("[{child},{own}]");
    let receipt = ingest.record_batch(batch.as_bytes()).await.unwrap();
    assert_eq!(receipt.recorded[1].event_id.to_string(), parent);
    ingest.record(child.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_parent_that_was_accepted_lately_is_known_without_the_store() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = with_backlogs(&store);
    let parent = "01931c5e-7f00-7000-8000-0000000000cc";
    let own = event_body(now(), &format!(r#","event_id":"{parent}""#));
    let child = event_body(now(), &format!(r#","parent_event_id":"{parent}""#));
    let early = ingest.record(child.as_bytes()).await;
    assert!(
        matches!(early, Err(RecordError::Unavailable(_))),
        "nobody knows"
    );
    assert_eq!(
        ingest.record(own.as_bytes()).await.unwrap().kept,
        Kept::Parked
    );
    assert_eq!(
        ingest.record(child.as_bytes()).await.unwrap().kept,
        Kept::Parked
    );
}

#[tokio::test]
async fn a_parent_that_may_wait_in_a_backlog_is_not_said_to_be_missing() {
    let ingest = with_backlogs(&MemoryStore::new(Mood::Well));
    ingest.queue().unwrap().put_unreadable();
    ingest.survey().await.unwrap();
    let parent = "01931c5e-7f00-7000-8000-0000000000dd";
    let child = event_body(now(), &format!(r#","parent_event_id":"{parent}""#));
    let waits = ingest.record(child.as_bytes()).await;
    assert!(matches!(waits, Err(RecordError::Unavailable(_))));
    let taken = ingest.queue().unwrap().take(1).await.unwrap();
    let id = taken[0].id.clone();
    ingest.queue().unwrap().settle(&[id]).await.unwrap();
    ingest.survey().await.unwrap();
    let refused = ingest.record(child.as_bytes()).await;
    assert!(matches!(refused, Err(RecordError::ParentNotFound(_))));
}

#[tokio::test]
async fn a_taken_id_is_recognised_or_refused() {
    let ingest = without_backlogs(&MemoryStore::new(Mood::Well));
    let id = "01931c5e-7f00-7000-8000-0000000000bb";
    let own = event_body(now(), &format!(r#","event_id":"{id}""#));
    let first = ingest.record(own.as_bytes()).await.unwrap();
    assert_eq!(ingest.record(own.as_bytes()).await.unwrap(), first);
    let other = event_body(now(), &format!(r#","event_id":"{id}","severity":"high""#));
    let batch = format!("[{},{other}]", event_body(now(), ""));
    let refused = ingest.record_batch(batch.as_bytes()).await;
    let Err(RecordError::Conflict(taken)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(taken, [(1, id.parse().unwrap())]);
}

#[tokio::test]
async fn what_differs_is_told_with_the_position_of_the_event_and_the_first_of_it_only() {
    let ingest = without_backlogs(&MemoryStore::new(Mood::Well));
    let odd = event_body(now(), "");
    let other = odd.replace("gateway.signal.received", "some.other.event");
    let receipt = ingest.record(other.as_bytes()).await.unwrap();
    assert_eq!(receipt.warnings, Warnings::default());

    // Six members of the payload are missing.
    let batch = format!("[{other},{}]", vec![odd; 9].join(","));
    let receipt = ingest.record_batch(batch.as_bytes()).await.unwrap();
    let warnings = receipt.warnings;
    assert_eq!((warnings.first().len(), warnings.total()), (32, 54));
    let (index, finding) = warnings.first()[0];
    assert_eq!(
        (index, finding.pointer().as_str()),
        (1, "/event_data/alert_name")
    );
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let ids = crate::testing::CountingIds::default();
    event_store_contract(&MemoryStore::new(Mood::Well), now(), &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_body_is_read_while_other_requests_go_on() {
    let (tell, told) = std::sync::mpsc::channel();
    let reading = tokio::spawn(async move {
        let _other = tokio::spawn(async move { tell.send(()) });
        let body = vec![b' '; INLINE_BYTES_MAX + 1];
        aside(&body, |_| {
            told.recv_timeout(std::time::Duration::from_secs(30))
        })
    });
    reading.await.unwrap().unwrap();
}
