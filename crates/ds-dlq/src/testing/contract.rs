//! What every backlog promises, as a test that all of them run.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::parked;
use crate::{Backlog, Burial, Deferral, Delivery, EntryId, Parked};

/// How long the contract waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every backlog promises. `backlog` is empty and has room for ten entries; nobody else works
/// on it.
///
/// # Panics
///
/// When the backlog breaks the contract.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
pub async fn backlog_contract(backlog: &impl Backlog, now: Timestamp) {
    let now = ds_domain::time::truncate_to_micros(now);
    let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
    let entries: Vec<Parked> = ids.iter().map(|id| parked(*id, now)).collect();
    let nothing = backlog.take(10).await.expect("answers");
    assert!(nothing.is_empty(), "nothing is taken from an empty backlog");

    backlog.put(&entries[..3]).await.expect("has room");
    let two = backlog.take(2).await.expect("answers");
    assert_eq!(events_of(&two), ids[..2], "entries come in their order");
    for (delivery, entry) in two.iter().zip(&entries) {
        let read = delivery.entry.as_ref().expect("is readable");
        assert_eq!(format!("{read:?}"), format!("{entry:?}"), "unchanged");
        assert_eq!(delivery.attempts, 0, "not tried yet");
    }
    let rest = backlog.take(10).await.expect("answers");
    assert_eq!(
        events_of(&rest),
        ids[2..3],
        "what is taken is not taken twice"
    );

    let (first, second, third) = (&two[0].id, &two[1].id, &rest[0].id);
    backlog
        .settle(std::slice::from_ref(first))
        .await
        .expect("settles");
    backlog
        .settle(std::slice::from_ref(first))
        .await
        .expect("settling again is fine");
    defer(backlog, second, Duration::from_millis(20)).await;
    let again = eventually(backlog).await;
    assert_eq!(events_of(&again), ids[1..2], "a deferred entry comes again");
    assert_eq!(again[0].attempts, 1, "one attempt older");
    let second = &again[0].id;

    backlog
        .release(std::slice::from_ref(third))
        .await
        .expect("releases");
    let released = eventually(backlog).await;
    assert_eq!(
        events_of(&released),
        ids[2..3],
        "a released entry comes again"
    );
    assert_eq!(released[0].attempts, 0, "as if never taken");
    let third = &released[0].id;

    let rest = Rest {
        second,
        third,
        entries: &entries,
        now,
    };
    rest.contract(backlog).await;
}

/// What is left of the contract when the second and the third entry are taken.
struct Rest<'a> {
    second: &'a EntryId,
    third: &'a EntryId,
    entries: &'a [Parked],
    now: Timestamp,
}

impl Rest<'_> {
    #[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
    async fn contract(&self, backlog: &impl Backlog) {
        let ids: Vec<Uuid> = self
            .entries
            .iter()
            .filter_map(|entry| Some(entry.event()?.event().event_id))
            .collect();
        defer(backlog, self.second, Duration::from_secs(3600)).await;
        backlog.put(&self.entries[3..]).await.expect("has room");
        let fresh = backlog.take(10).await.expect("answers");
        assert_eq!(
            events_of(&fresh),
            ids[3..],
            "deferred entries block nothing"
        );

        let status = backlog.status().await.expect("answers");
        assert_eq!(
            (status.entries, status.deferred),
            (3, 1),
            "taken ones count"
        );
        assert_eq!(status.dead, 0);
        assert_eq!(status.oldest, Some(self.now));

        dead_letters(backlog, self.third, ids[2], self.now).await;
        let revived = eventually(backlog).await;
        assert_eq!(
            events_of(&revived),
            ids[2..3],
            "a revived letter comes again"
        );
        assert_eq!(revived[0].attempts, 0, "as if it had never failed");
        backlog
            .settle(&[revived[0].id.clone(), fresh[0].id.clone()])
            .await
            .expect("settles");
        let status = backlog.status().await.expect("answers");
        assert_eq!((status.entries, status.deferred, status.dead), (1, 1, 0));
    }
}

/// The dead letters' part: leaves one revived letter.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn dead_letters(backlog: &impl Backlog, id: &EntryId, event: Uuid, now: Timestamp) {
    defer(backlog, id, Duration::ZERO).await;
    let again = eventually(backlog).await;
    let burial = Burial {
        id: again[0].id.clone(),
        reason: "row is refused".to_owned(),
    };
    backlog.bury(&[burial]).await.expect("buries");
    let letters = backlog.dead_letters(None, 10).await.expect("answers");
    assert_eq!(letters.len(), 1, "a buried entry is a dead letter");
    let letter = &letters[0];
    assert_eq!(letter.event_id, Some(event));
    assert_eq!(letter.reason, "row is refused");
    assert_eq!(letter.accepted_at, Some(now));
    assert!(!letter.content.is_empty());
    let errors: Vec<_> = letter.history.iter().map(|s| s.error.as_str()).collect();
    assert_eq!(errors, ["it failed"], "with its history");
    let after = backlog.dead_letters(Some(&letter.id), 10).await;
    assert!(after.expect("answers").is_empty(), "pages end");
    let status = backlog.status().await.expect("answers");
    assert_eq!(status.dead, 1);

    assert!(backlog.revive(&letter.id).await.expect("answers"));
    let twice = backlog.revive(&letter.id).await.expect("answers");
    assert!(!twice, "a letter is revived once");
    let purged = backlog.purge(&letter.id).await.expect("answers");
    assert!(!purged, "a revived letter is not purged");
}

#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn defer(backlog: &impl Backlog, id: &EntryId, wait: Duration) {
    let deferral = Deferral {
        id: id.clone(),
        wait,
        error: "it failed".to_owned(),
    };
    backlog.defer(&[deferral]).await.expect("defers");
}

/// What is due next, waited for.
#[expect(clippy::expect_used, reason = "a broken contract must fail the test")]
async fn eventually(backlog: &impl Backlog) -> Vec<Delivery> {
    let waiting = async {
        loop {
            let due = backlog.take(10).await.expect("answers");
            if !due.is_empty() {
                return due;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let due = tokio::time::timeout(PATIENCE, waiting).await;
    due.expect("becomes due in time")
}

fn events_of(deliveries: &[Delivery]) -> Vec<Uuid> {
    let readable = deliveries.iter().filter_map(|d| d.entry.as_ref().ok());
    readable
        .filter_map(|parked| Some(parked.event()?.event().event_id))
        .collect()
}
