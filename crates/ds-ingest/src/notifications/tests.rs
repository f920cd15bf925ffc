//! What becomes of notifications, on stores and backlogs in memory.

use std::time::Duration;

use ds_dlq::Backlog;
use jiff::Timestamp;

use super::*;
use crate::{
    Parts,
    testing::{Memory, MemoryBacklog, MemoryStore, Mood, event_body},
};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn backlog() -> Option<Arc<MemoryBacklog>> {
    Some(Arc::new(MemoryBacklog::new(1)))
}

/// A write path over `store`, with room for one entry in each backlog.
fn ingest(store: &MemoryStore) -> Ingest<Memory> {
    Ingest::start(Parts {
        queue: backlog(),
        spool: backlog(),
        notification_queue: backlog(),
        ..Memory::parts(store, now())
    })
}

fn body(id: &str, recipient: &str) -> String {
    format!(
        r#"{{"remediation_id":"rr-1","notification_id":"{id}","recipient":"{recipient}",
            "channel":"slack","message_summary":"m","status":"sent","sent_at":"{}"}}"#,
        now()
    )
}

const DELIVERY: &str =
    r#"{"attempt":1,"status":"acknowledged","occurred_at":"2026-11-21T10:00:00Z"}"#;

async fn record(ingest: &Ingest<Memory>, id: &str) -> Result<&'static str, NotificationError> {
    let recorded = ingest
        .record_notification(body(id, "ann").as_bytes())
        .await?;
    Ok(match recorded {
        NotificationRecorded::Stored(_) => "stored",
        NotificationRecorded::Parked(_) => "parked",
    })
}

async fn shown(ingest: &Ingest<Memory>, id: &str) -> String {
    match record(ingest, id).await {
        Ok(kept) => kept.to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Entries in the queue of events, the spool and the queue of notifications.
fn parked(ingest: &Ingest<Memory>) -> [usize; 3] {
    let queue = ingest.notification_queue().unwrap();
    [
        ingest.queue().unwrap().len(),
        ingest.spool().unwrap().len(),
        queue.len(),
    ]
}

#[tokio::test]
async fn every_mood_of_the_store_has_its_answer() {
    for (mood, expected) in [
        (Mood::Well, "stored"),
        (Mood::Away, "parked"),
        (Mood::WithoutNotifications, "parked"),
        (Mood::Broken, "record was not stored: the store failed"),
        (Mood::Refusing, "store refuses the record"),
    ] {
        let ingest = ingest(&MemoryStore::new(mood));
        assert_eq!(shown(&ingest, "nt-1").await, expected, "{mood:?}");
        let waiting = usize::from(expected == "parked");
        assert_eq!(parked(&ingest), [0, 0, waiting], "{mood:?}");
        let refused = ingest.record_notification(b"{}").await;
        assert!(matches!(refused, Err(NotificationError::Rejected(_))));
    }
}

#[tokio::test]
async fn notifications_fall_from_the_store_to_their_queue_to_the_spool_to_a_refusal() {
    let ingest = ingest(&MemoryStore::new(Mood::Away));
    for expected in [[0, 0, 1], [0, 1, 1]] {
        assert_eq!(record(&ingest, "nt-1").await.unwrap(), "parked");
        assert_eq!(parked(&ingest), expected);
    }
    let refused = record(&ingest, "nt-1").await;
    assert!(matches!(refused, Err(NotificationError::Unavailable(_))));
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_with_whether_the_record_is_the_same() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    assert_eq!(record(&ingest, "nt-1").await.unwrap(), "stored");
    for (recipient, expected) in [("ann", true), ("bob", false)] {
        let body = body("nt-1", recipient);
        let again = ingest.record_notification(body.as_bytes()).await;
        let NotificationError::Taken { name, is_identical } = again.unwrap_err() else {
            panic!("the name is taken");
        };
        assert_eq!((name.as_str(), is_identical), ("nt-1", expected));
    }
    assert_eq!(parked(&ingest), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_fails_is_left_alone_and_keeps_no_event_out() {
    let store = MemoryStore::new(Mood::WithoutNotifications);
    let ingest = Ingest::start(Parts {
        notification_queue: Some(Arc::new(MemoryBacklog::new(100))),
        ..Memory::parts(&store, now())
    });
    for n in 0..5 {
        assert_eq!(shown(&ingest, &format!("nt-{n}")).await, "parked");
    }
    assert_eq!(
        ingest.notifications.guard.state(),
        crate::BreakerState::Open
    );
    let event = event_body(now(), "");
    ingest.record(event.as_bytes()).await.unwrap();
    store.set_mood(Mood::Well);
    assert_eq!(
        shown(&ingest, "nt-5").await,
        "parked",
        "it is not asked yet"
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shown(&ingest, "nt-6").await, "stored");
}

#[tokio::test]
async fn what_waits_is_stored_when_the_store_is_back() {
    let store = MemoryStore::new(Mood::Away);
    let ingest = ingest(&store);
    assert_eq!(record(&ingest, "nt-1").await.unwrap(), "parked");
    let in_spool = body("nt-2", "bob");
    let in_spool = ingest.record_notification(in_spool.as_bytes()).await;
    in_spool.unwrap();
    assert_eq!(parked(&ingest), [0, 1, 1]);
    store.set_mood(Mood::Well);
    ingest.start_replay();
    while parked(&ingest) != [0, 0, 0] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.notification("nt-1").unwrap().recipient, "ann");
    assert_eq!(store.notification("nt-2").unwrap().recipient, "bob");
    for backlog in [
        ingest.notification_queue().unwrap(),
        ingest.spool().unwrap(),
    ] {
        assert!(backlog.dead_letters(None, 9).await.unwrap().is_empty());
    }
    ingest.close().await;
}

#[tokio::test]
async fn a_delivery_is_stored_once_and_never_parked() {
    let store = MemoryStore::new(Mood::Well);
    let ingest = ingest(&store);
    let deliver = async |body: &str| {
        let delivered = ingest.record_delivery("nt-1", body.as_bytes()).await;
        delivered.map(|stored| stored.delivery.attempt)
    };
    // As far as is known it may wait in a backlog.
    let unknown = deliver(DELIVERY).await;
    assert!(
        matches!(unknown, Err(NotificationError::Unavailable(_))),
        "{unknown:?}"
    );
    ingest.survey().await.unwrap();
    let unknown = deliver(DELIVERY).await;
    assert!(
        matches!(unknown, Err(NotificationError::Unknown)),
        "{unknown:?}"
    );

    record(&ingest, "nt-1").await.unwrap();
    assert_eq!(deliver(DELIVERY).await.unwrap(), 1);
    assert_eq!(deliver(DELIVERY).await.unwrap(), 1, "the same answer again");
    let other = deliver(&DELIVERY.replace("acknowledged", "failed")).await;
    let is_taken = matches!(
        &other,
        Err(NotificationError::Taken { name, is_identical: false }) if name == "1"
    );
    assert!(is_taken, "{other:?}");
    let bad = deliver("{}").await;
    assert!(
        matches!(bad, Err(NotificationError::Rejected(_))),
        "{bad:?}"
    );
    store.set_mood(Mood::Away);
    let away = deliver(DELIVERY).await;
    assert!(
        matches!(away, Err(NotificationError::Unavailable(_))),
        "{away:?}"
    );
    assert_eq!(parked(&ingest), [0, 0, 0]);
}
