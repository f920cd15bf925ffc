//! What is printed and changed, on a backlog in memory.

use ds_dlq::{Burial, testing::MemoryBacklog};

use super::*;

/// A backlog with so many dead letters, and their names.
async fn backlog(dead: usize) -> (MemoryBacklog, Vec<EntryId>) {
    let queue = MemoryBacklog::new(5_000);
    for _ in 0..dead {
        queue.put_unreadable();
    }
    let taken = queue.take(dead).await.unwrap();
    let burial = |id: &EntryId| Burial {
        id: id.clone(),
        reason: "of no\nknown form".to_owned(),
    };
    let ids: Vec<EntryId> = taken.into_iter().map(|delivery| delivery.id).collect();
    let burials: Vec<Burial> = ids.iter().map(burial).collect();
    queue.bury(&burials).await.unwrap();
    (queue, ids)
}

async fn counts(queue: &MemoryBacklog) -> (u64, u64) {
    let status = queue.status().await.unwrap();
    (status.entries, status.dead)
}

#[tokio::test]
async fn a_listing_names_every_dead_letter_up_to_the_limit_on_a_line_of_its_own() {
    let (queue, ids) = backlog(3).await;
    queue.put_unreadable();
    let text = Listing::of(&queue, "q:events", 2)
        .await
        .unwrap()
        .to_string();
    let letter = |id: &EntryId| {
        format!(
            "  {id}  event unknown  buried 1970-01-01T00:00:00Z  attempts 0  of no known form\n"
        )
    };
    let expected = format!(
        "stream        q:events\nentries       1 of 5000\nbytes         0 of {}\n\
         deferred      0\noldest        none\nconsumers     0\ndead letters  3\n{}{}  \
         and 1 more (--limit)\n",
        u64::MAX,
        letter(&ids[0]),
        letter(&ids[1]),
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_listing_is_read_in_pages() {
    let (queue, ids) = backlog(PAGE + 1).await;
    let listing = Listing::of(&queue, "q:events", 10 * PAGE).await.unwrap();
    let json = serde_json::to_value(&listing).unwrap();
    let found = json["dead_letters"].as_array().unwrap().iter();
    let found: Vec<_> = found.map(|letter| letter["id"].as_str().unwrap()).collect();
    let expected: Vec<_> = ids.iter().map(|id| id.0.as_str()).collect();
    assert_eq!(found, expected);
    assert_eq!(json["dead_letters"][0]["reason"], "of no\nknown form");
}

#[tokio::test]
async fn those_named_are_changed_and_those_missing_are_told() {
    let (queue, ids) = backlog(3).await;
    let stranger = EntryId("77".to_owned());
    let named = vec![ids[1].clone(), stranger.clone()];
    let outcome = change::these(&queue, Change::Replay, named).await;
    assert_eq!(
        (&outcome.done[..], &outcome.missing[..]),
        (&ids[1..2], &[stranger][..])
    );
    assert_eq!(counts(&queue).await, (1, 2));
    assert_eq!(
        serde_json::to_value(outcome.document(Change::Replay, "q:events")).unwrap(),
        serde_json::json!({
            "stream": "q:events", "change": "replayed", "ids": [ids[1].0], "missing": ["77"],
            "is_complete": false,
        })
    );
    let outcome = change::these(&queue, Change::Purge, vec![ids[0].clone()]).await;
    assert_eq!(
        outcome.document(Change::Purge, "q:events").to_string(),
        format!("purged {}\n1 dead letters purged\n", ids[0])
    );
    assert_eq!(counts(&queue).await, (1, 1));
}

#[tokio::test]
async fn all_are_changed_page_by_page_and_no_more_than_asked_for() {
    let (queue, _) = backlog(2 * PAGE + 10).await;
    let outcome = change::all(&queue, Change::Purge, Some(PAGE + 4)).await;
    assert_eq!(outcome.done.len(), PAGE + 4);
    let outcome = change::all(&queue, Change::Replay, None).await;
    assert_eq!(outcome.done.len(), PAGE + 6);
    assert!(outcome.failure.is_none());
    assert_eq!(counts(&queue).await, (PAGE as u64 + 6, 0));
}

#[tokio::test]
async fn a_queue_that_is_away_is_a_failure() {
    let (queue, ids) = backlog(2).await;
    queue.set_away(true);
    assert!(Listing::of(&queue, "q:events", 1).await.is_err());
    for outcome in [
        change::these(&queue, Change::Purge, ids.clone()).await,
        change::all(&queue, Change::Purge, None).await,
    ] {
        assert!(outcome.done.is_empty());
        assert!(outcome.failure.is_some());
    }
}
