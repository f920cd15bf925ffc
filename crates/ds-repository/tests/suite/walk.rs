//! Walks: page after page, in both directions, while events arrive.

use std::collections::{HashMap, HashSet};

use ds_domain::{
    cursor::{Cursor, Placed, Position, Scope, Side},
    event::StoredEvent,
    filter::{Count, EventFilter, Page, Start},
    limit::event_text_field,
};
use ds_repository::{EventPage, Repository};
use futures_util::future::join;
use uuid::Uuid;

use crate::event::{SAMPLE, Sample, append, repository, settings};

/// Events of three months, many of them at the same instant, with ids in no order.
async fn fill(repository: &Repository, count: u32) {
    let mut events = Vec::new();
    for n in 0..count {
        let (month, day) = (10 + n % 3, 1 + n / 3 % 9);
        let at = format!("2026-{month}-0{day}T00:00:00.00000{}Z", n % 2);
        let kind = if n % 4 == 0 { "rare" } else { "common" };
        let sample = Sample {
            id: Some(Uuid::new_v4()),
            at: &at,
            kind,
            ..SAMPLE
        };
        events.push(sample.new_event());
    }
    append(repository, &events).await.unwrap();
}

fn ids(events: &[StoredEvent]) -> Vec<Uuid> {
    events.iter().map(|stored| stored.event.event_id).collect()
}

async fn ask(repository: &Repository, filter: &EventFilter, limit: u16, start: Start) -> EventPage {
    let page = Page {
        limit,
        start,
        count: Count::None,
    };
    repository.query_events(filter, page).await.unwrap()
}

/// All events that `filter` matches, newest first, in one page.
async fn all(repository: &Repository, filter: &EventFilter) -> Vec<Uuid> {
    let page = ask(repository, filter, 1000, Start::Offset(0)).await;
    assert!(!page.has_more);
    ids(&page.items)
}

/// Walks from the newest event to the oldest, and back; both must show the same.
async fn walk(repository: &Repository, filter: &EventFilter, limit: u16) -> Vec<Uuid> {
    let (mut down, mut start) = (Vec::new(), Start::Newest);
    let last = loop {
        let page = ask(repository, filter, limit, start).await;
        assert!(page.items.len() <= usize::from(limit));
        assert_eq!(page.has_newer, start != Start::Newest);
        down.extend(ids(&page.items));
        let Some(last) = page.items.last() else {
            return down;
        };
        start = Start::After(last.position());
        if !page.has_more {
            break page;
        }
    };
    let mut up: Vec<Uuid> = ids(&last.items);
    let mut first = last.items[0].position();
    let mut has_newer = last.has_newer;
    while has_newer {
        let page = ask(repository, filter, limit, Start::Before(first)).await;
        assert!(page.has_more, "there is the page we come from");
        up.splice(0..0, ids(&page.items));
        first = page.items[0].position();
        has_newer = page.has_newer;
    }
    assert_eq!(up, down, "pages of {limit}");
    down
}

#[tokio::test]
async fn pages_of_any_size_tile_the_answer_in_both_directions() {
    let (_database, repository) = repository().await;
    let everything = EventFilter::default();
    assert!(walk(&repository, &everything, 7).await.is_empty());
    fill(&repository, 60).await;
    let kind = event_text_field("event_type").unwrap();
    let bounded = EventFilter {
        since: Some("2026-10-05T00:00:00Z".parse().unwrap()),
        until: Some("2026-12-02T00:00:00Z".parse().unwrap()),
        ..EventFilter::default()
    };
    for filter in [
        everything.clone(),
        everything.clone().with_any(kind, ["rare"]),
        everything.with_any(kind, ["rare", "common"]),
        bounded,
    ] {
        let expected = all(&repository, &filter).await;
        assert!(expected.len() > 10, "{filter:?}");
        for limit in [1, 7, 10, 59, 60, 1000] {
            assert_eq!(
                walk(&repository, &filter, limit).await,
                expected,
                "{filter:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_counted_walk_has_the_total_of_all_and_the_same_pages() {
    let (_database, repository) = repository().await;
    fill(&repository, 30).await;
    let filter = EventFilter::default();
    let expected = all(&repository, &filter).await;
    let counted = async |start, count| {
        let limit = 7;
        let page = Page {
            limit,
            start,
            count,
        };
        repository.query_events(&filter, page).await.unwrap()
    };
    let first = counted(Start::Newest, Count::Exact).await;
    let second = counted(Start::After(first.items[6].position()), Count::Exact).await;
    let again = counted(Start::Before(second.items[0].position()), Count::Exact).await;
    for page in [&first, &second, &again] {
        assert_eq!(page.total.map(|total| total.count), Some(30));
        assert!(page.has_more);
    }
    assert_eq!(ids(&first.items), expected[..7]);
    assert_eq!(ids(&second.items), expected[7..14]);
    assert_eq!(ids(&again.items), expected[..7]);
    assert_eq!(
        (first.has_newer, second.has_newer, again.has_newer),
        (false, true, false)
    );
    let estimated = counted(Start::Before(second.items[0].position()), Count::Estimated).await;
    assert!(estimated.total.unwrap().is_estimate);
    assert_eq!(ids(&estimated.items), expected[..7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_sees_each_event_once_that_was_there_when_it_began() {
    let (_database, repository) = repository().await;
    fill(&repository, 400).await;
    let filter = EventFilter::default();
    let before: HashSet<Uuid> = all(&repository, &filter).await.into_iter().collect();
    let writing = async {
        for _ in 0..12 {
            fill(&repository, 20).await;
        }
    };
    let walking = async {
        let (mut seen, mut start) = (HashMap::<Uuid, usize>::new(), Start::Newest);
        loop {
            let page = ask(&repository, &filter, 9, start).await;
            for id in ids(&page.items) {
                *seen.entry(id).or_default() += 1;
            }
            match page.items.last() {
                Some(last) if page.has_more => start = Start::After(last.position()),
                Some(_) | None => return seen,
            }
        }
    };
    let ((), seen) = join(writing, walking).await;
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let missed: Vec<_> = before.iter().filter(|id| !seen.contains_key(id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Exports everything: the ids of each piece.
async fn export(repository: &Repository, filter: &EventFilter) -> Vec<Vec<Uuid>> {
    let (mut pieces, mut from) = (Vec::new(), None);
    loop {
        let piece = repository.export_events(filter, from).await.unwrap();
        let Some(last) = piece.last() else {
            return pieces;
        };
        from = Some(last.position());
        pieces.push(ids(&piece));
    }
}

#[tokio::test]
async fn an_export_has_every_event_once_in_bounded_pieces() {
    let (_database, repository) = repository().await;
    let everything = EventFilter::default();
    assert!(export(&repository, &everything).await.is_empty());
    fill(&repository, 900).await;
    let pieces = export(&repository, &everything).await;
    assert_eq!(pieces.concat(), all(&repository, &everything).await);
    let sizes: Vec<usize> = pieces.iter().map(Vec::len).collect();
    assert_eq!(sizes, [500, 400]);
    let kind = event_text_field("event_type").unwrap();
    let rare = everything.with_any(kind, ["rare"]);
    assert_eq!(
        export(&repository, &rare).await,
        [all(&repository, &rare).await]
    );
}

#[tokio::test]
async fn a_piece_of_large_events_has_few_of_them() {
    let (_database, repository) = repository().await;
    // Digits in no order, which cannot be packed to much less than half.
    let noise: String = (0..13_000)
        .map(|_| Uuid::new_v4().simple().to_string())
        .collect();
    let data = format!("{{\"noise\": \"{noise}\"}}");
    let sample = Sample {
        data: &data,
        ..SAMPLE
    };
    for _ in 0..8 {
        append(&repository, &[sample.new_event()]).await.unwrap();
    }
    let pieces = export(&repository, &EventFilter::default()).await;
    assert_eq!(
        pieces.concat(),
        all(&repository, &EventFilter::default()).await
    );
    assert!(pieces.iter().all(|piece| piece.len() <= 3), "{pieces:?}");
}

#[tokio::test]
async fn every_replica_has_the_same_key() {
    let (database, one) = repository().await;
    let other = Repository::new(settings(&database)).unwrap();
    let cursor = Cursor {
        side: Side::After,
        position: Position {
            at: "2026-11-21T10:00:00Z".parse().unwrap(),
            id: Uuid::nil(),
        },
        since: None,
        until: None,
    };
    let scope = Scope::of("audit_events");
    let text = one.cursor_key().await.unwrap().seal(&cursor, &scope);
    let opened = other.cursor_key().await.unwrap().open(&text, &scope);
    assert_eq!(opened, Some(cursor));
}

#[tokio::test]
async fn there_is_one_key_and_it_is_random() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    let row = client
        .query_one("SELECT key, count(*) OVER () FROM cursor_key", &[])
        .await
        .unwrap();
    let key: &[u8] = row.get(0);
    assert_eq!((key.len(), row.get::<_, i64>(1)), (32, 1));
    let different: HashSet<&u8> = key.iter().collect();
    assert!(different.len() > 12, "{key:?}");
    for wrong in [
        "INSERT INTO cursor_key (id, key) VALUES (2, sha256('a'))",
        "INSERT INTO cursor_key (key) VALUES (sha256('a'))",
        "UPDATE cursor_key SET key = 'short'",
    ] {
        client.batch_execute(wrong).await.unwrap_err();
    }
}
