//! The files do not outgrow what they hold.

use std::time::Duration;

use ds_dlq::{Backlog, Burial, Deferral, Spool};

use crate::place::{Place, entries, names, numbers, present, take_all};

/// Fills and drains it once, in steps so that nothing is ever empty but at the end.
async fn cycle(spool: &Spool) {
    for n in 0..20 {
        spool
            .put(&entries(n * 5 + 1000..n * 5 + 1005))
            .await
            .unwrap();
    }
    loop {
        let taken = spool.take(30).await.unwrap();
        if taken.is_empty() {
            return;
        }
        spool.settle(&names(&taken)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_settled_makes_room_on_the_disk() {
    let place = Place::with_small_segments();
    let segment = place.settings.segment_bytes;
    let (spool, _) = place.open().await;
    for _ in 0..10 {
        cycle(&spool).await;
        assert!(place.bytes() <= segment / 8, "{} bytes", place.bytes());
    }
    spool.close().await;
    let (spool, report) = place.open().await;
    assert!(report.is_whole());
    assert_eq!(spool.status().await.unwrap().entries, 0);
}

/// An entry that waits long, and a dead letter, keep their place and nothing else.
#[tokio::test]
async fn what_stays_does_not_keep_what_goes() {
    let place = Place::with_small_segments();
    let segment = place.settings.segment_bytes;
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=3)).await.unwrap();
    let taken = spool.take(3).await.unwrap();
    let deferral = Deferral {
        id: taken[0].id.clone(),
        wait: Duration::from_secs(3600),
        error: "no route to host".to_owned(),
    };
    spool.defer(&[deferral]).await.unwrap();
    let burial = Burial {
        id: taken[1].id.clone(),
        reason: "row is refused".to_owned(),
    };
    spool.bury(&[burial]).await.unwrap();
    let first = place.segments()[0].clone();
    for _ in 0..10 {
        cycle(&spool).await;
        assert!(place.bytes() <= 4 * segment, "{} bytes", place.bytes());
    }
    assert!(!first.exists(), "its segment was cleaned up");
    spool.settle(&names(&taken[2..])).await.unwrap();
    spool.close().await;

    let (spool, report) = place.open().await;
    assert!(report.is_whole());
    assert_eq!((report.entries, report.dead_letters), (1, 1));
    let status = spool.status().await.unwrap();
    assert_eq!((status.deferred, status.dead), (1, 1));
    let letters = spool.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].reason, "row is refused");
    assert!(spool.revive(&letters[0].id).await.unwrap());
    assert_eq!(numbers(&take_all(&spool).await), [2]);
    spool.close().await;
    place
        .clock
        .set(crate::place::start() + Duration::from_secs(3600));
    let (spool, _) = place.open().await;
    assert_eq!(present(&spool).await, (1..=2).collect());
}
