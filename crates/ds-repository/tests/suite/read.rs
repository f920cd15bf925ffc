//! Reading: what is asked for, in order, in one snapshot.

use ds_domain::{
    filter::{Count, EventFilter, Page, Start},
    json::JsonObject,
    limit::event_text_field,
};
use ds_repository::{EventPage, Repository, Total};
use futures_util::future::join;
use jiff::{Timestamp, civil::date};
use uuid::Uuid;

use crate::event::{SAMPLE, Sample, append, repository};

const ALL: EventFilter = EventFilter {
    texts: vec![],
    parents: vec![],
    data: vec![],
    since: None,
    until: None,
};

/// `filter` with values for the member `name`.
fn with(filter: EventFilter, name: &str, values: &[&str]) -> EventFilter {
    filter.with_any(event_text_field(name).unwrap(), values.iter().copied())
}

const PAGE: Page = Page {
    limit: 1000,
    start: Start::Offset(0),
    count: Count::Exact,
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
    page.items
        .iter()
        .map(|stored| stored.event.event_type.as_str())
        .collect()
}

async fn check(
    repository: &Repository,
    filter: &EventFilter,
    (limit, offset): (u16, u64),
    expected: (&str, u64),
) {
    let page = Page {
        limit,
        start: Start::Offset(offset),
        count: Count::Exact,
    };
    let (expected_kinds, events) = expected;
    let answer = repository.query_events(filter, page).await.unwrap();
    assert_eq!(kinds(&answer), expected_kinds, "{filter:?} {page:?}");
    let is_estimate = false;
    let total = Total {
        count: events,
        is_estimate,
    };
    assert_eq!(answer.total, Some(total), "{filter:?} {page:?}");
    let seen = offset.saturating_add(answer.items.len() as u64);
    assert_eq!(answer.has_more, seen < events, "{filter:?} {page:?}");
    // Uncounted, it is the same page.
    let count = Count::None;
    let uncounted = Page { count, ..page };
    let uncounted = repository.query_events(filter, uncounted).await.unwrap();
    assert_eq!(kinds(&uncounted), expected_kinds, "{filter:?} {page:?}");
    assert_eq!(
        (uncounted.total, uncounted.has_more),
        (None, answer.has_more && !answer.items.is_empty()),
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
    for (name, values, expected) in [
        ("correlation_id", &["rr-1"][..], ("edcba", 5)),
        ("correlation_id", &["rr-2"], ("x", 1)),
        ("correlation_id", &["rr-2", "rr-1"], ("exdcba", 6)),
        ("correlation_id", &["RR-1"], ("", 0)),
        ("event_type", &["c"], ("c", 1)),
        ("event_type", &["c", "a", "no such"], ("ca", 2)),
        ("event_category", &["gateway"], ("exdcba", 6)),
        ("event_category", &["no such"], ("", 0)),
        ("event_outcome", &["failure"], ("", 0)),
        ("severity", &["info"], ("edcba", 5)),
        ("severity", &["' OR true --", "%", "_", "\\"], ("", 0)),
    ] {
        check(&repository, &with(ALL, name, values), (50, 0), expected).await;
    }
    let at = time("2026-11-01T00:00:00Z");
    let mut all = EventFilter {
        since: at,
        until: at,
        ..ALL
    };
    for (name, value) in [
        ("correlation_id", "rr-1"),
        ("event_type", "b"),
        ("event_category", "gateway"),
        ("event_action", "received"),
        ("event_outcome", "success"),
        ("severity", "info"),
        ("actor_type", "service"),
        ("actor_id", "gateway-service"),
        ("resource_type", "gateway"),
        ("resource_id", "rr-1"),
    ] {
        all = with(all, name, &[value]);
    }
    check(&repository, &all, (50, 0), ("b", 1)).await;
    let other = with(all, "namespace", &["default"]);
    check(&repository, &other, (50, 0), ("", 0)).await;
}

/// Unicode, wildcards, quotes, and what looks like SQL or JSON.
const STRANGE: [&str; 9] = [
    "'; DROP TABLE audit_events; --",
    "\" OR \"\"=\"",
    "$1",
    "{a,b}",
    "NULL",
    "100%_\\",
    "ünïcödé 😀 e\u{301} \u{202e}abc\u{202c}",
    "\u{1}\t\r\n\u{7f}",
    "日本語\u{ffff}\u{10ffff}",
];

#[tokio::test]
async fn strange_texts_find_what_they_say_and_nothing_else() {
    let (_database, repository) = repository().await;
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let mut events = Vec::new();
    for (n, text) in STRANGE.iter().enumerate() {
        let text = quoted(text);
        let more = format!(
            r#""actor_type": {text}, "actor_id": {text}, "resource_type": {text},
            "resource_id": {text}, "namespace": {text}, "cluster_name": {text},
            "trace_id": {text},"#
        );
        let sample = Sample {
            kind: &n.to_string(),
            more: &more,
            data: &format!("{{{text}: [{text}]}}"),
            ..SAMPLE
        };
        events.push(sample.new_event());
    }
    append(&repository, &events).await.unwrap();
    for (n, text) in STRANGE.iter().enumerate() {
        let expected = n.to_string();
        let mut filter = EventFilter {
            data: vec![JsonObject::from_checked_text(format!(
                "{{{0}: [{0}]}}",
                quoted(text)
            ))],
            ..ALL
        };
        check(&repository, &filter, (50, 0), (&expected, 1)).await;
        for name in [
            "actor_type",
            "actor_id",
            "resource_type",
            "resource_id",
            "namespace",
            "cluster_name",
            "trace_id",
        ] {
            filter = with(filter, name, &[text]);
            check(
                &repository,
                &with(ALL, name, &[text]),
                (50, 0),
                (&expected, 1),
            )
            .await;
        }
        check(&repository, &filter, (50, 0), (&expected, 1)).await;
        let all_but_one: Vec<&str> = STRANGE
            .iter()
            .filter(|other| *other != text)
            .copied()
            .collect();
        let others = with(ALL, "namespace", &all_but_one);
        let page = Page {
            limit: 50,
            start: Start::Offset(0),
            count: Count::None,
        };
        let others = repository.query_events(&others, page).await.unwrap();
        assert_eq!(others.items.len(), STRANGE.len() - 1, "{text:?}");
        assert!(!kinds(&others).contains(&expected), "{text:?}");
    }
}

#[tokio::test]
async fn events_are_found_by_their_parents_and_by_what_their_payload_contains() {
    let (_database, repository) = repository().await;
    fill(&repository).await;
    let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let parents = repository.find_parents(&ids).await.unwrap();
    let mut children = Vec::new();
    for (parent, kind, data) in [
        (
            ids[0],
            "p",
            r#"{"labels": {"app": "a", "tier": 1}, "n": 1.50}"#,
        ),
        (
            ids[1],
            "q",
            r#"{"labels": {"app": "b", "tier": 1}, "list": [1, {"x": 2}]}"#,
        ),
    ] {
        let parent = parents.iter().find(|found| found.id == parent).copied();
        let sample = Sample {
            parent,
            kind,
            data,
            ..SAMPLE
        };
        children.push(sample.new_event());
    }
    append(&repository, &children).await.unwrap();
    let of = |parents: &[Uuid]| EventFilter {
        parents: parents.to_vec(),
        ..ALL
    };
    check(&repository, &of(&ids[..1]), (50, 0), ("p", 1)).await;
    check(&repository, &of(&[Uuid::nil()]), (50, 0), ("", 0)).await;
    let both = repository.query_events(&of(&ids), PAGE).await.unwrap();
    assert_eq!(both.items.len(), 2);

    let containing = |texts: &[&str]| EventFilter {
        data: texts
            .iter()
            .map(|text| JsonObject::from_checked_text(*text))
            .collect(),
        ..with(ALL, "event_type", &["p", "q"])
    };
    for (text, expected) in [
        (r#"{"labels": {"app": "a"}}"#, "p"),
        (r#"{"n": 1.5}"#, "p"),
        (r#"{"list": [{"x": 2}]}"#, "q"),
        (r#"{"labels": {"tier": "1"}}"#, ""),
        (r#"{"labels": "app"}"#, ""),
    ] {
        let total = expected.len() as u64;
        check(
            &repository,
            &containing(&[text]),
            (50, 0),
            (expected, total),
        )
        .await;
    }
    let either = containing(&[r#"{"labels": {"app": "a"}}"#, r#"{"labels": {"app": "b"}}"#]);
    let either = repository.query_events(&either, PAGE).await.unwrap();
    assert_eq!(either.items.len(), 2);
}

#[tokio::test]
async fn an_estimate_is_flagged_and_never_less_than_what_is_seen() {
    let (database, repository) = repository().await;
    fill(&repository).await;
    let ask = async |filter: &EventFilter, limit| {
        let page = Page {
            limit,
            count: Count::Estimated,
            ..PAGE
        };
        let found = repository.query_events(filter, page).await.unwrap();
        let total = found.total.unwrap();
        assert!(total.is_estimate);
        (kinds(&found), total.count, found.has_more)
    };
    let client = database.connect().await;
    client.batch_execute("ANALYZE audit_events").await.unwrap();
    let (kinds, events, has_more) = ask(&ALL, 50).await;
    assert_eq!((kinds.as_str(), has_more), ("edcba", false));
    // The planner expects a row even of an empty partition.
    assert!((5..12).contains(&events), "{events}");
    let (kinds, events, has_more) = ask(&with(ALL, "correlation_id", &["rr-1"]), 2).await;
    assert_eq!((kinds.as_str(), has_more), ("ed", true));
    assert!(events >= 3, "{events}");
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
            let answer = repository.query_events(&ALL, PAGE).await.unwrap();
            let total = answer.total.unwrap().count;
            assert_eq!(total, u64::try_from(answer.items.len()).unwrap());
            assert_eq!(total % 7, 0, "a batch is visible as a whole");
            if total == 420 {
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
