//! What a spool knows when it is opened again.

use std::time::Duration;

use ds_dlq::{Backlog, Burial, Deferral, SpoolError};
use jiff::SignedDuration;

use crate::place::{Place, entries, names, numbers, present, start, take_all};

#[tokio::test]
async fn what_waits_is_there_in_its_order() {
    let place = Place::with_small_segments();
    let (spool, _) = place.open().await;
    for n in 0..50 {
        spool.put(&entries(n * 2..n * 2 + 2)).await.unwrap();
    }
    let taken = spool.take(7).await.unwrap();
    spool.settle(&names(&taken[..5])).await.unwrap();
    spool.close().await;

    let (spool, report) = place.open().await;
    assert!(report.is_whole() && report.torn_bytes == 0, "{report:?}");
    assert_eq!(report.entries, 95);
    let all = take_all(&spool).await;
    let expected: Vec<_> = (5..100).collect();
    assert_eq!(numbers(&all), expected, "taken ones, too");
}

#[tokio::test]
async fn deferrals_and_their_history_are_kept() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=2)).await.unwrap();
    let taken = spool.take(1).await.unwrap();
    let deferral = |wait| Deferral {
        id: taken[0].id.clone(),
        wait,
        error: "no route to host".to_owned(),
    };
    spool.defer(&[deferral(Duration::ZERO)]).await.unwrap();
    spool.take(1).await.unwrap();
    let hour = Duration::from_secs(3600);
    spool.defer(&[deferral(hour)]).await.unwrap();
    spool.close().await;

    place.clock.set(start() + SignedDuration::from_mins(59));
    let (spool, _) = place.open().await;
    assert_eq!(spool.status().await.unwrap().deferred, 1);
    assert_eq!(numbers(&take_all(&spool).await), [2], "not due yet");
    spool.close().await;

    place.clock.set(start() + SignedDuration::from_mins(60));
    let (spool, _) = place.open().await;
    let due = take_all(&spool).await;
    assert_eq!(numbers(&due), [1, 2]);
    assert_eq!((due[0].attempts, due[1].attempts), (2, 0));
    let burial = Burial {
        id: due[0].id.clone(),
        reason: "row is refused".to_owned(),
    };
    spool.bury(&[burial]).await.unwrap();
    spool.close().await;

    let (spool, report) = place.open().await;
    assert_eq!((report.entries, report.dead_letters), (1, 1));
    let letters = spool.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].reason, "row is refused");
    assert_eq!(letters[0].history.len(), 2);
    assert_eq!(letters[0].history[1].error, "no route to host");
    assert_eq!(letters[0].history[1].at, start());
}

#[tokio::test]
async fn what_became_of_dead_letters_is_kept_and_no_name_is_used_again() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=3)).await.unwrap();
    let taken = take_all(&spool).await;
    let burial = |n: usize| Burial {
        id: taken[n].id.clone(),
        reason: format!("reason {n}"),
    };
    // Letters come in the order in which they were buried.
    let burials = [burial(2), burial(0), burial(1)];
    spool.bury(&burials).await.unwrap();
    let letters = spool.dead_letters(None, 10).await.unwrap();
    let reasons: Vec<_> = letters.iter().map(|l| l.reason.as_str()).collect();
    assert_eq!(reasons, ["reason 2", "reason 0", "reason 1"]);
    let page = spool.dead_letters(Some(&letters[0].id), 1).await.unwrap();
    assert_eq!(page[0].reason, "reason 0");
    assert!(spool.purge(&letters[0].id).await.unwrap());
    assert!(!spool.purge(&letters[0].id).await.unwrap());
    assert!(spool.revive(&letters[1].id).await.unwrap());
    spool.close().await;

    let (spool, report) = place.open().await;
    assert_eq!((report.entries, report.dead_letters), (1, 1));
    let waiting = take_all(&spool).await;
    assert_eq!(numbers(&waiting), [1]);
    assert_eq!(waiting[0].attempts, 0);
    assert!(spool.purge(&letters[2].id).await.unwrap());
    spool.settle(&names(&waiting)).await.unwrap();
    spool.close().await;

    let (spool, report) = place.open().await;
    assert_eq!((report.entries, report.dead_letters), (0, 0));
    spool.put(&entries(4..=4)).await.unwrap();
    let fresh = take_all(&spool).await;
    let deliveries = taken.iter().chain(&waiting).map(|delivery| &delivery.id);
    let mut used = deliveries.chain(letters.iter().map(|letter| &letter.id));
    assert!(used.all(|id| *id != fresh[0].id), "{}", fresh[0].id);
}

#[tokio::test]
async fn a_second_process_is_told_that_the_directory_is_in_use() {
    let place = Place::new();
    let (spool, _) = place.open().await;
    spool.put(&entries(1..=1)).await.unwrap();
    let error = place.try_open().await.unwrap_err();
    assert!(matches!(error, SpoolError::Locked { .. }), "{error:?}");
    spool.put(&entries(2..=2)).await.unwrap();
    assert_eq!(present(&spool).await, (1..=2).collect());
    spool.close().await;
    place.open().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let mut place = Place::new();
    let file = place.home().join("file");
    std::fs::write(&file, "").unwrap();
    place.settings.directory = file.join("spool");
    let error = place.try_open().await.unwrap_err();
    assert!(error.to_string().contains("file/spool"), "{error}");
}
