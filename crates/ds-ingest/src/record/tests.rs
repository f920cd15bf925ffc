//! The decision table of the write path, on a store in memory.

use ds_domain::time::ManualClock;

use super::*;
use crate::testing::{CountingIds, MemoryStore, Mood, event_body, event_store_contract};

struct Memory;

impl Ports for Memory {
    type Store = MemoryStore;
    type Clock = ManualClock;
    type Ids = CountingIds;
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn ingest(mood: Mood) -> Ingest<Memory> {
    let clock = ManualClock::at(now());
    Ingest::new(
        MemoryStore::new(mood),
        clock,
        CountingIds::default(),
        Limits::default(),
    )
}

#[track_caller]
fn check(outcome: &Result<Recorded, RecordError>, expected: &str) {
    let shown = match outcome {
        Ok(_) => "recorded".to_owned(),
        Err(error @ RecordError::Store(source)) => format!("{error}: {source}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn every_mood_of_the_store_has_its_answer() {
    for (mood, expected) in [
        (Mood::Well, "recorded"),
        (Mood::Away, "event was not recorded: store is unavailable"),
        (Mood::Broken, "event was not recorded: store failed"),
        (Mood::Refusing, "store refuses the event"),
    ] {
        let ingest = ingest(mood);
        check(
            &ingest.record(event_body(now(), "").as_bytes()).await,
            expected,
        );
        check(&ingest.record(b"{}").await, "request is refused");
    }
}

#[tokio::test]
async fn a_parent_must_exist_or_be_in_the_batch() {
    let ingest = ingest(Mood::Well);
    let parent = "01931c5e-7f00-7000-8000-0000000000aa";
    let child = event_body(now(), &format!(r#","parent_event_id":"{parent}""#));
    check(
        &ingest.record(child.as_bytes()).await,
        "parent event does not exist",
    );
    let own = event_body(now(), &format!(r#","event_id":"{parent}""#));
    let batch = format!("[{child},{own}]");
    assert_eq!(
        ingest.record_batch(batch.as_bytes()).await.unwrap().len(),
        2
    );
    check(&ingest.record(child.as_bytes()).await, "recorded");
    let dated = child.replacen('{', r#"{"parent_event_date":"2026-11-20","#, 1);
    check(
        &ingest.record(dated.as_bytes()).await,
        "parent event does not exist",
    );
}

#[tokio::test]
async fn a_lookup_that_fails_is_not_a_missing_parent() {
    let ingest = ingest(Mood::Away);
    let parent = r#","parent_event_id":"01931c5e-7f00-7000-8000-0000000000aa""#;
    let outcome = ingest.record(event_body(now(), parent).as_bytes()).await;
    check(&outcome, "event was not recorded: store is unavailable");
}

#[tokio::test]
async fn the_answer_to_a_repeated_event_is_the_original_one() {
    let ingest = ingest(Mood::Well);
    let id = r#","event_id":"01931c5e-7f00-7000-8000-0000000000aa""#;
    let first = ingest
        .record(event_body(now(), id).as_bytes())
        .await
        .unwrap();
    let again = ingest
        .record(event_body(now(), id).as_bytes())
        .await
        .unwrap();
    assert_eq!(first, again);
    let other = event_body(now(), id).replace("rr-1", "rr-2");
    check(
        &ingest.record(other.as_bytes()).await,
        "event ids are taken",
    );
    assert_eq!(ingest.store.len(), 1);
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    event_store_contract(
        &MemoryStore::new(Mood::Well),
        now(),
        &CountingIds::default(),
    )
    .await;
}
