//! What the queue promises while Redis works.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ds_dlq::{Backlog, Burial, Deferral, PutError, RedisQueue, Stream, testing::backlog_contract};
use ds_testkit::Reply;

use crate::ground::{PATIENCE, entries, ids, now, numbers, open, shared, take_all, until};

async fn defer(queue: &RedisQueue, ids: Vec<ds_dlq::EntryId>, wait: Duration) {
    let deferrals = ids.into_iter().map(|id| Deferral {
        id,
        wait,
        error: "row is refused\tand \"that\"\nis it".to_owned(),
    });
    queue.defer(&deferrals.collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test]
async fn it_keeps_the_contract_of_every_backlog() {
    let (_, queue, _) = shared(|settings| settings.entries_max = 10).await;
    backlog_contract(&queue, now()).await;
}

#[tokio::test]
async fn an_entry_has_one_taker_until_its_lease_ends() {
    let lease = Duration::from_millis(400);
    let (mut settings, first, _) = shared(|settings| settings.lease = lease).await;
    settings.consumer = "two".to_owned();
    let second = open(&settings).await;
    first.put(&entries(0..12)).await.unwrap();

    let taken = first.take(4).await.unwrap();
    // Held entries have their leases in another place.
    defer(&first, ids(&taken), Duration::ZERO).await;
    let held = first.take(4).await.unwrap();
    let fresh = first.take(4).await.unwrap();
    let rest = second.take(500).await.unwrap();
    let mut first_has = numbers(&held);
    first_has.extend(numbers(&fresh));
    let second_has = numbers(&rest);
    assert_eq!(first_has.len() + second_has.len(), 12);
    let all: BTreeSet<u128> = first_has.iter().chain(&second_has).copied().collect();
    assert_eq!(all.len(), 12, "nobody has what another one has");

    // The first is silent; what it has goes to the second.
    second.settle(&ids(&rest)).await.unwrap();
    let inherited = take_all(&second, first_has.len()).await;
    let mut inherits = numbers(&inherited);
    inherits.sort_unstable();
    first_has.sort_unstable();
    assert_eq!(inherits, first_has);

    // The first was only slow. Both may say that it is done.
    first.settle(&ids(&held)).await.unwrap();
    second.settle(&ids(&inherited)).await.unwrap();
    first.settle(&ids(&fresh)).await.unwrap();
    let status = first.status().await.unwrap();
    assert_eq!((status.entries, status.bytes, status.oldest), (0, 0, None));
}

#[tokio::test]
async fn entries_that_wait_for_long_keep_nobody_waiting() {
    let (_, queue, _) = shared(|_| {}).await;
    queue.put(&entries(0..100)).await.unwrap();
    let old = take_all(&queue, 100).await;
    defer(&queue, ids(&old), Duration::from_secs(3600)).await;
    queue.put(&entries(100..105)).await.unwrap();
    let fresh = queue.take(10).await.unwrap();
    assert_eq!(numbers(&fresh), [100, 101, 102, 103, 104], "at once");
    let status = queue.status().await.unwrap();
    assert_eq!((status.entries, status.deferred), (105, 100));
}

#[tokio::test]
async fn neither_fresh_nor_due_entries_starve() {
    let (_, queue, _) = shared(|_| {}).await;
    queue.put(&entries(0..40)).await.unwrap();
    let failed = take_all(&queue, 40).await;
    defer(&queue, ids(&failed), Duration::ZERO).await;
    queue.put(&entries(100..140)).await.unwrap();
    for max in [9, 1, 1, 1] {
        let _ = queue.take(max).await.unwrap();
    }
    let status = queue.status().await.unwrap();
    let one = status.consumers.first().unwrap();
    let due_taken = 12 - one.pending;
    assert!(one.pending >= 4, "fresh: {}", one.pending);
    assert!(due_taken >= 4, "due: {due_taken}");

    // The order of what comes together is that in which it was put.
    let (_, queue, _) = shared(|_| {}).await;
    queue.put(&entries(0..3)).await.unwrap();
    let failed = queue.take(3).await.unwrap();
    queue.put(&entries(3..6)).await.unwrap();
    defer(&queue, ids(&failed), Duration::ZERO).await;
    let mixed = queue.take(10).await.unwrap();
    assert_eq!(numbers(&mixed), [0, 1, 2, 3, 4, 5]);
    assert_eq!(mixed[0].attempts, 1);
    assert_eq!(mixed[3].attempts, 0);
}

#[tokio::test]
async fn histories_are_bounded() {
    let (_, queue, _) = shared(|_| {}).await;
    queue.put(&entries(0..1)).await.unwrap();
    for attempt in 0..40 {
        let taken = take_all(&queue, 1).await;
        assert_eq!(taken[0].attempts, attempt);
        defer(&queue, ids(&taken), Duration::ZERO).await;
    }
    let taken = take_all(&queue, 1).await;
    let burial = Burial {
        id: taken[0].id.clone(),
        reason: "enough".to_owned(),
    };
    queue.bury(&[burial]).await.unwrap();
    let letters = queue.dead_letters(None, 10).await.unwrap();
    let history = &letters[0].history;
    assert_eq!(history.len(), 32);
    assert!(history.is_sorted_by_key(|setback| setback.at));
    assert_eq!(history[0].error, "row is refused\tand \"that\"\nis it");
}

#[tokio::test]
async fn a_full_queue_refuses_and_drops_nothing() {
    let (_, queue, _) = shared(|settings| settings.entries_max = 10).await;
    queue.put(&entries(0..8)).await.unwrap();
    let refused = queue.put(&entries(8..11)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");
    queue.put(&entries(8..10)).await.unwrap();
    let refused = queue.put(&entries(10..11)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");

    let taken = take_all(&queue, 10).await;
    assert_eq!(numbers(&taken), (0..10).collect::<Vec<_>>());
    // What is taken, or deferred, takes room until it is settled.
    let refused = queue.put(&entries(10..11)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");
    defer(&queue, ids(&taken[..5]), Duration::from_secs(60)).await;
    let refused = queue.put(&entries(10..11)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");
    queue.settle(&ids(&taken[..1])).await.unwrap();
    queue.put(&entries(10..11)).await.unwrap();
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let (settings, queue, _) = shared(|_| {}).await;
    queue.put(&entries(0..4)).await.unwrap();
    let bytes = queue.status().await.unwrap().bytes;
    let mut tight = settings.clone();
    tight.bytes_max = bytes + bytes / 2;
    let tight = open(&tight).await;
    let refused = tight.put(&entries(4..8)).await;
    assert!(matches!(refused, Err(PutError::Full)), "{refused:?}");
    tight.put(&entries(4..6)).await.unwrap();
    assert_eq!(tight.status().await.unwrap().bytes, bytes + bytes / 2);

    // The count of bytes follows every way an entry can go.
    let taken = take_all(&queue, 6).await;
    defer(&queue, ids(&taken[..3]), Duration::ZERO).await;
    let held = take_all(&queue, 3).await;
    let burial = Burial {
        id: held[0].id.clone(),
        reason: "no".to_owned(),
    };
    queue.bury(&[burial]).await.unwrap();
    assert_eq!(queue.status().await.unwrap().bytes, bytes / 4 * 5);
    let letters = queue.dead_letters(None, 1).await.unwrap();
    assert!(queue.revive(&letters[0].id).await.unwrap());
    assert_eq!(queue.status().await.unwrap().bytes, bytes / 4 * 6);
    let revived = take_all(&queue, 1).await;
    queue.settle(&ids(&held)).await.unwrap();
    queue.settle(&ids(&revived)).await.unwrap();
    queue.settle(&ids(&taken)).await.unwrap();
    let status = queue.status().await.unwrap();
    assert_eq!((status.entries, status.bytes), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts_at_the_same_time_are_whole_or_not_at_all() {
    let (_, queue, _) = shared(|settings| settings.entries_max = 300).await;
    let queue = Arc::new(queue);
    let puts: Vec<_> = (0..64)
        .map(|n| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.put(&entries(n * 10..n * 10 + 10)).await.is_ok() })
        })
        .collect();
    let mut expected = BTreeSet::new();
    for (n, put) in (0..).zip(puts) {
        if put.await.unwrap() {
            expected.extend(n * 10..n * 10 + 10);
        }
    }
    assert_eq!(expected.len(), 300);
    let taken = take_all(&queue, 300).await;
    assert_eq!(
        numbers(&taken).into_iter().collect::<BTreeSet<_>>(),
        expected
    );
}

#[tokio::test]
async fn five_thousand_entries_are_one_put() {
    let batch = entries(0..5_000);
    let begun = std::time::Instant::now();
    let queue = loop {
        let (_, queue, _) = shared(|_| {}).await;
        let start = std::time::Instant::now();
        match queue.put(&batch).await {
            Ok(()) => {
                println!("a put of 5000 entries: {:?}", start.elapsed());
                break queue;
            }
            // A busy machine takes longer than a put waits. Nobody knows what became of it then, so
            // that the next attempt has a queue of its own.
            Err(PutError::Unavailable(error)) => {
                assert!(begun.elapsed() < PATIENCE, "{error:?}");
            }
            Err(error @ PutError::Full) => panic!("{error}"),
        }
    };
    let status = queue.status().await.unwrap();
    assert_eq!(status.entries, 5_000);
    let start = std::time::Instant::now();
    let taken = take_all(&queue, 5_000).await;
    println!("taking them: {:?}", start.elapsed());
    assert_eq!(numbers(&taken), (0..5_000).collect::<Vec<_>>());
    let start = std::time::Instant::now();
    queue.settle(&ids(&taken)).await.unwrap();
    println!("settling them: {:?}", start.elapsed());
    assert_eq!(queue.status().await.unwrap().entries, 0);
}

#[tokio::test]
async fn a_group_that_is_gone_is_made_again() {
    let (settings, queue, mut client) = shared(|_| {}).await;
    let stream = format!("{}:events", settings.prefix);
    queue.put(&entries(0..3)).await.unwrap();
    assert_eq!(take_all(&queue, 3).await.len(), 3);
    client
        .command(&["XGROUP", "DESTROY", &stream, "replay"])
        .await
        .unwrap();
    let again = take_all(&queue, 3).await;
    queue.settle(&ids(&again)).await.unwrap();

    client.command(&["DEL", &stream]).await.unwrap();
    assert!(queue.take(10).await.unwrap().is_empty());
    assert_eq!(queue.status().await.unwrap().entries, 0);
    queue.put(&entries(3..4)).await.unwrap();
    assert_eq!(numbers(&take_all(&queue, 1).await), [3]);
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_told_again() {
    let (_, queue, mut client) = shared(|_| {}).await;
    queue.put(&entries(0..1)).await.unwrap();
    client.command(&["SCRIPT", "FLUSH"]).await.unwrap();
    queue.put(&entries(1..2)).await.unwrap();
    client.command(&["SCRIPT", "FLUSH"]).await.unwrap();
    assert_eq!(numbers(&take_all(&queue, 2).await), [0, 1]);
}

#[tokio::test]
async fn whoever_leaves_leaves_the_group() {
    let (mut settings, queue, mut client) = shared(|_| {}).await;
    queue.put(&entries(0..2)).await.unwrap();
    let taken = take_all(&queue, 2).await;
    settings.consumer = "two".to_owned();
    let second = open(&settings).await;
    queue.put(&entries(2..3)).await.unwrap();
    let last = take_all(&second, 1).await;
    second.settle(&ids(&last)).await.unwrap();
    let consumers = queue.status().await.unwrap().consumers;
    let pending: Vec<_> = consumers
        .iter()
        .map(|one| (one.name.as_str(), one.pending))
        .collect();
    assert_eq!(pending, [("one", 2), ("two", 0)]);

    second.close().await;
    let consumers = queue.status().await.unwrap().consumers;
    assert_eq!(consumers.len(), 1);
    // One that has entries stays, or they would be lost.
    queue.close().await;
    until("the connection ends", async || !queue.is_connected()).await;
    let stream = format!("{}:events", settings.prefix);
    let reply = client
        .command(&["XINFO", "CONSUMERS", &stream, "replay"])
        .await
        .unwrap();
    assert!(matches!(reply, Reply::Array(ref one) if one.len() == 1));
    settings.consumer = "three".to_owned();
    let third = open(&settings).await;
    third.settle(&ids(&taken)).await.unwrap();
    assert_eq!(third.status().await.unwrap().entries, 0);
}

#[tokio::test]
async fn the_streams_are_apart() {
    let (settings, events, mut client) = shared(|_| {}).await;
    let notifications = events.sibling(Stream::Notifications);
    let stream = format!("{}:notifications", settings.prefix);
    client
        .command(&["XADD", &stream, "*", "message", "{}"])
        .await
        .unwrap();
    assert!(events.take(10).await.unwrap().is_empty());
    assert_eq!(events.status().await.unwrap().entries, 0);
    assert_eq!(notifications.status().await.unwrap().entries, 1);
}

#[tokio::test]
async fn names_that_are_none_are_not_found() {
    let (_, queue, _) = shared(|_| {}).await;
    for name in [
        "",
        "x",
        "1",
        "-",
        "1-2-3",
        "(1-1",
        "99999999999999999999-1",
        "1-1",
    ] {
        let id = ds_dlq::EntryId(name.to_owned());
        assert!(!queue.revive(&id).await.unwrap(), "{name}");
        assert!(!queue.purge(&id).await.unwrap(), "{name}");
        let after = queue.dead_letters(Some(&id), 10).await.unwrap();
        assert!(after.is_empty());
    }
}
