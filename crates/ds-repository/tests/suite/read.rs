//! Reading: what is asked for, in order, in one snapshot.

use ds_domain::filter::{EventFilter, Page};
use ds_repository::{EventPage, Repository};
use futures_util::future::join;
use jiff::{Timestamp, civil::date};
use uuid::Uuid;

use crate::event::{SAMPLE, Sample, append, repository};

const ALL: EventFilter = EventFilter {
    correlation_id: None,
    event_type: None,
    event_category: None,
    event_outcome: None,
    severity: None,
    since: None,
    until: None,
};

/// Five events over three months, two of them at the same instant.
const TIMES: [(&str, &str); 5] = [
    ("2026-10-31T23:59:59.999999Z", "a"),
    ("2026-11-01T00:00:00Z", "b"),
    ("2026-11-15T12:00:00Z", "c"),
    ("2026-11-15T12:00:00Z", "d"),
    ("2026-12-01T00:00:00Z", "e"),
];

async fn fill(repository: &Repository) {
    let ids: Vec<Uuid> = (1..=5).map(Uuid::from_u128).collect();
    let events: Vec<_> = TIMES
        .iter()
        .zip(ids)
        .map(|((at, kind), id)| {
            Sample {
                id: Some(id),
                at,
                kind,
                ..SAMPLE
            }
            .new_event()
        })
        .collect();
    append(repository, &events).await.unwrap();
}

fn kinds(page: &EventPage) -> String {
    page.events
        .iter()
        .map(|stored| stored.event.event_type.as_str())
        .collect()
}

async fn check(
    repository: &Repository,
    filter: &EventFilter,
    page: (u16, u64),
    expected: (&str, u64),
) {
    let page = Page {
        limit: page.0,
        offset: page.1,
    };
    let answer = repository.query_events(filter, page).await.unwrap();
    assert_eq!(
        (kinds(&answer).as_str(), answer.total),
        expected,
        "{filter:?} {page:?}"
    );
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn pages_are_newest_first_and_carry_the_total() {
    let (_database, repository) = repository().await;
    check(&repository, &ALL, (50, 0), ("", 0)).await;
    fill(&repository).await;
    check(&repository, &ALL, (50, 0), ("edcba", 5)).await;
    check(&repository, &ALL, (2, 0), ("ed", 5)).await;
    check(&repository, &ALL, (2, 4), ("a", 5)).await;
    check(&repository, &ALL, (2, 5), ("", 5)).await;
    check(&repository, &ALL, (2, u64::MAX), ("", 5)).await;
}

#[tokio::test]
async fn bounds_on_time_are_inclusive_and_reach_every_partition() {
    let (_database, repository) = repository().await;
    fill(&repository).await;
    let between = |since: &str, until: &str| EventFilter {
        since: time(since),
        until: time(until),
        ..ALL
    };
    let first = "2026-10-31T23:59:59.999999Z";
    let last = "2026-12-01T00:00:00Z";
    check(&repository, &between(first, last), (50, 0), ("edcba", 5)).await;
    check(&repository, &between(last, last), (50, 0), ("e", 1)).await;
    check(&repository, &between(first, first), (50, 0), ("a", 1)).await;
    check(&repository, &between(last, first), (50, 0), ("", 0)).await;
    let november = between("2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999999Z");
    check(&repository, &november, (50, 0), ("dcb", 3)).await;
    let ever = EventFilter {
        since: Some(Timestamp::MIN),
        until: Some(Timestamp::MAX),
        ..ALL
    };
    check(&repository, &ever, (50, 0), ("edcba", 5)).await;
    let never = EventFilter {
        until: Some(Timestamp::MIN),
        ..ALL
    };
    check(&repository, &never, (50, 0), ("", 0)).await;
}

#[tokio::test]
async fn conditions_are_combined_and_compared_exactly() {
    let (_database, repository) = repository().await;
    fill(&repository).await;
    let other = Sample {
        correlation: "rr-2",
        more: r#""severity": "","#,
        kind: "x",
        ..SAMPLE
    };
    append(&repository, &[other.new_event()]).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (
            EventFilter {
                correlation_id: text("rr-1"),
                ..ALL
            },
            ("edcba", 5),
        ),
        (
            EventFilter {
                correlation_id: text("rr-2"),
                ..ALL
            },
            ("x", 1),
        ),
        (
            EventFilter {
                correlation_id: text("RR-1"),
                ..ALL
            },
            ("", 0),
        ),
        (
            EventFilter {
                event_type: text("c"),
                ..ALL
            },
            ("c", 1),
        ),
        (
            EventFilter {
                event_category: text("gateway"),
                ..ALL
            },
            ("exdcba", 6),
        ),
        (
            EventFilter {
                event_category: text("no such"),
                ..ALL
            },
            ("", 0),
        ),
        (
            EventFilter {
                event_outcome: text("failure"),
                ..ALL
            },
            ("", 0),
        ),
        (
            EventFilter {
                severity: text("info"),
                ..ALL
            },
            ("edcba", 5),
        ),
        (
            EventFilter {
                severity: text("' OR true --"),
                ..ALL
            },
            ("", 0),
        ),
        (
            EventFilter {
                correlation_id: text("rr-1"),
                event_type: text("b"),
                event_category: text("gateway"),
                event_outcome: text("success"),
                severity: text("info"),
                since: time("2026-11-01T00:00:00Z"),
                until: time("2026-11-01T00:00:00Z"),
            },
            ("b", 1),
        ),
    ] {
        check(&repository, &filter, (50, 0), expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_and_total_are_of_one_snapshot() {
    let (_database, repository) = repository().await;
    let writing = async {
        for _ in 0..60 {
            let batch: Vec<_> = (0..7).map(|_| SAMPLE.new_event()).collect();
            append(&repository, &batch).await.unwrap();
        }
    };
    let reading = async {
        loop {
            let answer = repository
                .query_events(
                    &ALL,
                    Page {
                        limit: 1000,
                        offset: 0,
                    },
                )
                .await;
            let answer = answer.unwrap();
            assert_eq!(answer.total, u64::try_from(answer.events.len()).unwrap());
            assert_eq!(answer.total % 7, 0, "a batch is visible as a whole");
            if answer.total == 420 {
                break;
            }
        }
    };
    join(writing, reading).await;
}

#[tokio::test]
async fn ids_are_looked_up_in_every_partition() {
    let (_database, repository) = repository().await;
    fill(&repository).await;
    let unknown = Uuid::from_u128(99);
    let ids = [Uuid::from_u128(1), unknown, Uuid::from_u128(5)];
    let mut parents = repository.find_parents(&ids).await.unwrap();
    parents.sort_by_key(|parent| parent.id);
    let found: Vec<_> = parents
        .iter()
        .map(|parent| (parent.id, parent.date))
        .collect();
    assert_eq!(
        found,
        [(ids[0], date(2026, 10, 31)), (ids[2], date(2026, 12, 1))]
    );
    assert!(repository.find_parents(&[]).await.unwrap().is_empty());
    assert!(repository.find_event(unknown).await.unwrap().is_none());
    let event = repository.find_event(ids[0]).await.unwrap().unwrap();
    assert_eq!(event.event.event_type, "a");
}

#[tokio::test]
async fn the_time_of_recording_is_the_stores() {
    let (database, repository) = repository().await;
    fill(&repository).await;
    let client = database.connect().await;
    let now: Timestamp = client
        .query_one("SELECT clock_timestamp()", &[])
        .await
        .unwrap()
        .get(0);
    let event = repository
        .find_event(Uuid::from_u128(1))
        .await
        .unwrap()
        .unwrap();
    let age = now.duration_since(event.recorded_at);
    assert!(!age.is_negative() && age.as_secs() < 60, "{age:?}");
}
