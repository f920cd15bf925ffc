//! Entries that somebody else wrote.

use ds_dlq::{Backlog, Burial, Deferral, Item, RedisQueue};
use ds_testkit::RedisClient;
use std::time::Duration;

use crate::ground::{ids, shared, take_all};

/// A queue as the first service leaves it.
const FIXTURES: &str = include_str!("../../fixtures/go-queue.jsonl");

async fn add(client: &mut RedisClient, prefix: &str, field: &str, content: &str) {
    let stream = format!("{prefix}:events");
    client
        .command(&["XADD", &stream, "*", field, content])
        .await
        .unwrap();
}

async fn bury_all(queue: &RedisQueue) -> usize {
    let taken = queue.take(100).await.unwrap();
    let burials = taken.iter().map(|delivery| Burial {
        id: delivery.id.clone(),
        reason: delivery.entry.as_ref().unwrap_err().to_string(),
    });
    let burials: Vec<_> = burials.collect();
    queue.bury(&burials).await.unwrap();
    burials.len()
}

#[tokio::test]
async fn a_queue_of_the_first_service_drains_in_full() {
    let (settings, queue, mut client) = shared(|_| {}).await;
    for line in FIXTURES.lines() {
        add(&mut client, &settings.prefix, "message", line).await;
    }
    let count = FIXTURES.lines().count();
    let status = queue.status().await.unwrap();
    assert_eq!(status.entries, count as u64);
    assert_eq!(
        status.oldest,
        Some("2026-11-21T09:30:00.987654Z".parse().unwrap())
    );

    let taken = take_all(&queue, count).await;
    for (delivery, line) in taken.iter().zip(FIXTURES.lines()) {
        let parked = delivery.entry.as_ref().unwrap();
        let id = parked.event().unwrap().event().event_id.to_string();
        assert!(line.contains(&id), "in their order");
    }
    // Deferring and burying work on them as on any other.
    let deferral = Deferral {
        id: taken[0].id.clone(),
        wait: Duration::ZERO,
        error: "not yet".to_owned(),
    };
    queue.defer(&[deferral]).await.unwrap();
    let again = take_all(&queue, 1).await;
    let (first, second) = (
        taken[0].entry.as_ref().unwrap(),
        again[0].entry.as_ref().unwrap(),
    );
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    let Item::Event {
        unresolved_parent, ..
    } = &first.item
    else {
        panic!("{first:?}")
    };
    assert!(unresolved_parent.is_some());

    queue.settle(&ids(&taken)).await.unwrap();
    let status = queue.status().await.unwrap();
    assert_eq!(
        (status.entries, status.bytes),
        (0, 0),
        "others' bytes never counted"
    );
}

#[tokio::test]
async fn a_poisonous_entry_is_buried_and_blocks_nothing() {
    let (settings, queue, mut client) = shared(|_| {}).await;
    let good = FIXTURES.lines().next().unwrap();
    add(&mut client, &settings.prefix, "message", "{not json").await;
    add(&mut client, &settings.prefix, "entry", r#"{"format":9}"#).await;
    add(&mut client, &settings.prefix, "stranger", "says \u{1f680}").await;
    let invalid = good.replace("\"version\":\"1.0\"", "\"version\":\"much too long\"");
    add(&mut client, &settings.prefix, "message", &invalid).await;
    assert_eq!(bury_all(&queue).await, 4);

    add(&mut client, &settings.prefix, "message", good).await;
    let taken = take_all(&queue, 1).await;
    assert!(taken[0].entry.is_ok());
    queue.settle(&ids(&taken)).await.unwrap();

    let letters = queue.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 4);
    assert_eq!(letters[0].content, "{not json", "as it was");
    assert!(
        letters[1].reason.contains("format 9"),
        "{}",
        letters[1].reason
    );
    assert_eq!(letters[2].content, "stranger says \u{1f680}");
    assert!(
        letters[3].reason.contains("maximum string length is 10"),
        "{}",
        letters[3].reason
    );
    assert!(letters[3].event_id.is_some() && letters[3].accepted_at.is_some());
    assert_eq!((letters[0].event_id, letters[0].accepted_at), (None, None));

    // Pages go on after the last name; a revived letter is what it was.
    let page = queue.dead_letters(Some(&letters[1].id), 1).await.unwrap();
    assert_eq!(page[0].id, letters[2].id);
    assert!(queue.revive(&letters[2].id).await.unwrap());
    assert!(queue.purge(&letters[0].id).await.unwrap());
    assert_eq!(bury_all(&queue).await, 1);
    let letters = queue.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 3);
    assert_eq!(letters[2].content, "stranger says \u{1f680}");
    assert_eq!(queue.status().await.unwrap().dead, 3);
}

#[tokio::test]
async fn dead_letters_of_the_first_service_can_be_read() {
    let (settings, queue, mut client) = shared(|_| {}).await;
    let good = FIXTURES.lines().next().unwrap();
    let stream = format!(
        "{}:dead-letter:events",
        settings.prefix.trim_end_matches(":dlq")
    );
    let words = [
        "XADD",
        &stream,
        "*",
        "message",
        good,
        "original_id",
        "1-1",
        "moved_at",
        "2026-11-21T11:00:00Z",
        "final_retry_count",
        "6",
    ];
    client.command(&words).await.unwrap();
    let letters = queue.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].content, good);
    assert!(queue.revive(&letters[0].id).await.unwrap());
    assert!(take_all(&queue, 1).await[0].entry.is_ok());
}
