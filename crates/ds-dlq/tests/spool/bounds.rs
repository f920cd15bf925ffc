//! What the spool refuses, and that it keeps the contract of every backlog.

use std::time::Duration;

use ds_dlq::{Backlog, PutError, testing};
use jiff::SignedDuration;

use crate::place::{Place, entries, names, present, start, take_all};

#[tokio::test]
async fn the_spool_keeps_the_contract() {
    let mut place = Place::new();
    place.settings.entries_max = 10;
    let (spool, report) = place.open().await;
    assert!(report.is_whole());
    testing::backlog_contract(&spool, start()).await;
}

#[tokio::test]
async fn more_entries_than_there_is_room_for_are_refused_and_none_is_dropped() {
    let mut place = Place::new();
    place.settings.entries_max = 5;
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=4)).await.unwrap();
    let refused = spool.put(&entries(5..=6)).await;
    assert!(matches!(refused, Err(PutError::Full)), "all or none");
    spool.put(&entries(5..=5)).await.unwrap();
    assert!(matches!(
        spool.put(&entries(6..=6)).await,
        Err(PutError::Full)
    ));
    assert_eq!(present(&spool).await, (1..=5).collect());

    let taken = spool.take(1).await.unwrap();
    assert!(
        matches!(spool.put(&entries(6..=6)).await, Err(PutError::Full)),
        "what is taken still takes room"
    );
    spool.settle(&names(&taken)).await.unwrap();
    spool.put(&entries(6..=6)).await.unwrap();
    assert_eq!(present(&spool).await, (2..=6).collect());
}

#[tokio::test]
async fn more_bytes_than_there_is_room_for_are_refused() {
    let mut place = Place::new();
    place.settings.bytes_max = 10_000;
    let (spool, _) = place.open().await;
    let mut acknowledged = 0;
    while spool.put(&entries([acknowledged])).await.is_ok() {
        acknowledged += 1;
    }
    let status = spool.status().await.unwrap();
    assert_eq!(status.entries, acknowledged);
    assert!(status.bytes <= 10_000 && status.bytes > 8_000, "{status:?}");
    assert_eq!(present(&spool).await, (0..acknowledged).collect());
}

#[tokio::test]
async fn nothing_new_is_taken_while_the_oldest_entry_is_too_old() {
    let mut place = Place::new();
    place.settings.age_max = Duration::from_secs(60);
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=2)).await.unwrap();
    place.clock.set(start() + SignedDuration::from_secs(60));
    spool.put(&entries(3..=3)).await.unwrap();
    place.clock.set(start() + SignedDuration::from_secs(61));
    assert!(matches!(
        spool.put(&entries(4..=4)).await,
        Err(PutError::Full)
    ));
    assert_eq!(spool.status().await.unwrap().oldest, Some(start()));

    let taken = spool.take(2).await.unwrap();
    spool.settle(&names(&taken)).await.unwrap();
    spool.put(&entries(4..=4)).await.unwrap();
    assert_eq!(present(&spool).await, (3..=4).collect());
}

#[tokio::test]
async fn an_old_dead_letter_is_no_reason_to_refuse_once_it_is_revived() {
    let mut place = Place::new();
    place.settings.age_max = Duration::from_secs(60);
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=1)).await.unwrap();
    let taken = spool.take(1).await.unwrap();
    let reason = "row is refused".to_owned();
    let burial = ds_dlq::Burial {
        id: taken[0].id.clone(),
        reason,
    };
    spool.bury(&[burial]).await.unwrap();
    place.clock.set(start() + SignedDuration::from_hours(48));
    let letters = spool.dead_letters(None, 1).await.unwrap();
    assert!(spool.revive(&letters[0].id).await.unwrap());
    spool.put(&entries(2..=2)).await.unwrap();
    assert_eq!(present(&spool).await, (1..=2).collect());
}

#[tokio::test]
async fn what_a_taker_forgot_is_taken_again_when_its_lease_ends() {
    let mut place = Place::new();
    place.settings.lease = Duration::from_millis(50);
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=3)).await.unwrap();
    assert_eq!(spool.take(2).await.unwrap().len(), 2);
    let rest = take_all(&spool).await;
    assert_eq!(rest.len(), 1, "others are not given what is taken");
    spool.settle(&names(&rest)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), async {
        while present(&spool).await != (1..=2).collect() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the lease ends");
}

#[tokio::test]
async fn a_spool_that_was_closed_promises_nothing() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=1)).await.unwrap();
    spool.close().await;
    let refused = spool.put(&entries(2..=2)).await;
    assert!(matches!(refused, Err(PutError::Unavailable(_))));
    let (spool, _) = place.open().await;
    assert_eq!(present(&spool).await, (1..=1).collect());
}
