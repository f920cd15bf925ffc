//! What becomes of actions, over a store in memory.

use std::time::Duration;

use ds_domain::{action::ActionStatus, month::Month, time::utc_date};
use jiff::Timestamp;

use super::*;
use crate::testing::{Memory, MemoryStore, Mood};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn ingest(mood: Mood) -> (MemoryStore, Ingest<Memory>) {
    let store = MemoryStore::new(mood);
    let ingest = Ingest::start(Memory::parts(&store, now()));
    (store, ingest)
}

fn action(id: &str) -> String {
    format!(
        r#"{{"action_id":"{id}","action_timestamp":"{}","signal_name":"s","signal_severity":"high",
            "model_used":"m","model_confidence":0.5,"action_type":"t"}}"#,
        now()
    )
}

async fn record(ingest: &Ingest<Memory>, body: &str) -> Result<ActionsRecorded, ActionError> {
    ingest.record_actions(body.as_bytes()).await
}

#[tokio::test]
async fn what_is_sent_again_gets_the_first_answer() {
    let (store, ingest) = ingest(Mood::Well);
    let first = record(&ingest, &action("a")).await.unwrap();
    assert!(!first.is_batch);
    assert_eq!(first.actions[0].action_id, "a");
    assert_eq!(record(&ingest, &action("a")).await.unwrap(), first);
    let batch = format!("[{},{}]", action("b"), action("a"));
    let recorded = record(&ingest, &batch).await.unwrap();
    assert!(recorded.is_batch);
    assert_eq!(recorded.actions[1], first.actions[0]);
    let other = action("a").replace(r#""t""#, r#""u""#);
    let batch = format!("[{},{other}]", action("c"));
    let refused = record(&ingest, &batch).await.unwrap_err();
    assert!(
        matches!(&refused, ActionError::Taken { taken, is_batch: true } if *taken == [(1, "a".to_owned())]),
        "{refused:?}"
    );
    assert_eq!(store.actions(), 2);
    let invalid = record(&ingest, "{}").await.unwrap_err();
    assert!(matches!(invalid, ActionError::Rejected(_)), "{invalid:?}");
}

#[tokio::test]
async fn requests_that_come_together_share_a_statement() {
    let (store, ingest) = ingest(Mood::Hanging);
    let ingest = Arc::new(ingest);
    let each = |n: usize| {
        let ingest = Arc::clone(&ingest);
        tokio::spawn(async move { record(&ingest, &action(&n.to_string())).await })
    };
    let sending: Vec<_> = (0..100).map(each).collect();
    while store.asked() < 1 {
        tokio::task::yield_now().await;
    }
    store.set_mood(Mood::Well);
    for sent in sending {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(store.actions(), 100);
    assert!(store.asked() < 20, "{}", store.asked());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_left_alone() {
    let (store, ingest) = ingest(Mood::Away);
    for _ in 0..10 {
        let error = record(&ingest, &action("a")).await.unwrap_err();
        assert!(matches!(error, ActionError::Unavailable(_)), "{error:?}");
        let error = ingest.update_action("a", b"{}").await.unwrap_err();
        assert!(matches!(error, ActionError::Unavailable(_)), "{error:?}");
    }
    assert!(store.asked() <= 3, "{}", store.asked());
    store.set_mood(Mood::Well);
    tokio::time::advance(Duration::from_secs(5)).await;
    record(&ingest, &action("a")).await.unwrap();
    record(&ingest, &action("b")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_month_that_fails_is_told_and_left_alone() {
    let month = Month::of(utc_date(now()));
    let (store, ingest) = ingest(Mood::Without(month));
    for _ in 0..10 {
        let error = record(&ingest, &action("a")).await.unwrap_err();
        assert!(matches!(error, ActionError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(store.asked(), 1, "one failure says enough");
    let state = ingest.state();
    assert_eq!(
        state.failing_partitions,
        ["resource_action_traces_y2026m11"]
    );
    // It is not the whole store that fails.
    let unknown = ingest.update_action("b", b"{}").await.unwrap_err();
    assert!(matches!(unknown, ActionError::Unknown), "{unknown:?}");

    store.set_mood(Mood::Well);
    tokio::time::advance(Duration::from_secs(2)).await;
    record(&ingest, &action("a")).await.unwrap();
    assert!(ingest.state().failing_partitions.is_empty());
}

#[tokio::test]
async fn failures_are_told_apart() {
    let (store, ingest) = ingest(Mood::Broken);
    let error = record(&ingest, &action("a")).await.unwrap_err();
    assert!(matches!(error, ActionError::Internal(_)), "{error:?}");
    store.set_mood(Mood::Refusing);
    let error = record(&ingest, &action("a")).await.unwrap_err();
    assert!(matches!(error, ActionError::Refused { .. }), "{error:?}");
    store.set_mood(Mood::Panicking);
    for _ in 0..5 {
        let error = record(&ingest, &action("a")).await.unwrap_err();
        assert!(matches!(error, ActionError::Internal(_)), "{error:?}");
    }
    store.set_mood(Mood::Well);
    record(&ingest, &action("a")).await.unwrap();
    ingest.close().await;
    let error = record(&ingest, &action("b")).await.unwrap_err();
    assert!(
        matches!(
            error,
            ActionError::Unavailable(_) | ActionError::Internal(_)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_change_goes_forward() {
    let (_store, ingest) = ingest(Mood::Well);
    record(&ingest, &action("a")).await.unwrap();
    let change = async |body: &str| ingest.update_action("a", body.as_bytes()).await;
    let done = change(r#"{"execution_status": "completed"}"#)
        .await
        .unwrap();
    assert_eq!(done.stored.action.execution_status, ActionStatus::Completed);
    let back = change(r#"{"execution_status": "failed"}"#)
        .await
        .unwrap_err();
    assert!(matches!(back, ActionError::Backward), "{back:?}");
    let invalid = change(r#"{"execution_status": "lost"}"#).await.unwrap_err();
    assert!(matches!(invalid, ActionError::Rejected(_)), "{invalid:?}");
    let unknown = ingest.update_action("b", b"{}").await.unwrap_err();
    assert!(matches!(unknown, ActionError::Unknown), "{unknown:?}");
}
