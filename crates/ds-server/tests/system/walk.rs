//! Walking through answers by cursor, over HTTP.

use hyper::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::service::{BATCH, EVENTS, Reply, Service, event_with, now};

/// Stores `count` events, one a minute back from now.
async fn seeded(count: i64) -> Service {
    let service = Service::start().await;
    let start = now();
    let event = |n: i64| {
        event_with(json!({
            "event_timestamp": start - SignedDuration::from_mins(n),
            "severity": if n % 2 == 0 { "high" } else { "low" },
            "duration_ms": n,
        }))
    };
    let events: Vec<Value> = (0..count).map(event).collect();
    let reply = service
        .send(Method::POST, BATCH, json!(events).to_string())
        .await;
    assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    service
}

pub(crate) async fn get(service: &Service, path: &str) -> Reply {
    let reply = service.send(Method::GET, path, "").await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {:?}", reply.body);
    reply
}

fn numbers(answer: &Value) -> Vec<i64> {
    let events = answer["data"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["duration_ms"].as_i64().unwrap())
        .collect()
}

pub(crate) fn link(answer: &Value, name: &str) -> Option<String> {
    Some(answer["pagination"].get(name)?.as_str().unwrap().to_owned())
}

/// Follows `name` from the page at `path` to the last one: the pages, first to last.
pub(crate) async fn follow(service: &Service, path: &str, name: &str) -> Vec<Value> {
    let (mut pages, mut path) = (Vec::new(), path.to_owned());
    loop {
        let reply = get(service, &path).await;
        let page = reply.json();
        let header = reply.headers.get("link").map(|link| link.to_str().unwrap());
        for rel in ["next", "prev"] {
            let said = header.is_some_and(|header| header.contains(&format!("rel=\"{rel}\"")));
            let link = link(&page, rel);
            assert_eq!(said, link.is_some(), "{header:?}");
            if let Some(link) = link {
                assert!(header.unwrap().contains(&format!("<{link}>")), "{header:?}");
            }
        }
        let next = link(&page, name);
        pages.push(page);
        match next {
            Some(next) => path = next,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn links_lead_through_the_whole_answer_and_back() {
    let service = seeded(50).await;
    let path = format!("{EVENTS}?severity=high&severity=low&since=2h&limit=8&cursor=");
    let down = follow(&service, &path, "next").await;
    let seen: Vec<i64> = down.iter().flat_map(numbers).collect();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
    let first = json!({ "limit": 8, "has_more": true, "next": link(&down[0], "next") });
    assert_eq!(
        down[0]["pagination"], first,
        "no total, no offset, nothing in front"
    );
    assert_eq!(down[6]["pagination"]["has_more"], false);

    let back = link(&down[6], "prev").unwrap();
    let up = follow(&service, &back, "prev").await;
    let mut seen: Vec<Vec<i64>> = up.iter().map(numbers).collect();
    seen.reverse();
    assert_eq!(seen.concat(), (0..48).collect::<Vec<_>>());
    assert_eq!(numbers(up.last().unwrap()), numbers(&down[0]));
}

#[tokio::test]
async fn a_page_by_offset_leads_into_a_walk() {
    let service = seeded(20).await;
    let page = get(&service, &format!("{EVENTS}?limit=5&offset=5"))
        .await
        .json();
    assert_eq!(page["pagination"]["total"], 20);
    let next = get(&service, &link(&page, "next").unwrap()).await.json();
    assert_eq!(numbers(&next), [10, 11, 12, 13, 14]);
    assert!(next["pagination"].get("total").is_none(), "{next}");
    let prev = get(&service, &link(&page, "prev").unwrap()).await.json();
    assert_eq!(numbers(&prev), [0, 1, 2, 3, 4]);
    assert_eq!(link(&prev, "prev"), None);
    let counted = link(&page, "next").unwrap() + "&count=exact";
    let counted = get(&service, &counted).await.json();
    assert_eq!(counted["pagination"]["total"], 20);
}

#[tokio::test]
async fn a_walk_is_not_disturbed_by_events_that_arrive() {
    let service = seeded(30).await;
    let first = get(&service, &format!("{EVENTS}?limit=10&since=1d&cursor="))
        .await
        .json();
    for n in [100, 101, 102] {
        let newer = event_with(json!({ "duration_ms": n }));
        assert_eq!(service.post(&newer).await.status, StatusCode::CREATED);
    }
    let late = event_with(json!({
        "event_timestamp": now() - SignedDuration::from_mins(25),
        "duration_ms": 200,
    }));
    assert_eq!(service.post(&late).await.status, StatusCode::CREATED);
    let rest = follow(&service, &link(&first, "next").unwrap(), "next").await;
    let mut seen: Vec<i64> = rest.iter().flat_map(numbers).collect();
    assert!(
        seen.contains(&200),
        "older than the page that was read next"
    );
    seen.retain(|n| *n != 200);
    assert_eq!(seen, (10..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_is_good_for_its_filters_on_every_replica_and_nowhere_else() {
    let service = seeded(10).await;
    let other = Service::start_on(std::sync::Arc::clone(&service.database)).await;
    let path = format!("{EVENTS}?severity=high&since=1d&limit=2&cursor=");
    let page = get(&service, &path).await.json();
    let next = link(&page, "next").unwrap();
    for replica in [&service, &other] {
        assert_eq!(numbers(&get(replica, &next).await.json()), [4, 6]);
    }
    let longer = next.replace("limit=2", "limit=3");
    assert_eq!(numbers(&get(&other, &longer).await.json()), [4, 6, 8]);
    let cursor = next.split_once("cursor=").unwrap().1;
    let mut tampered = cursor.to_owned();
    tampered.replace_range(10..11, if &cursor[10..11] == "A" { "B" } else { "A" });
    for wrong in [
        next.replace("severity=high", "severity=low"),
        next.replace("severity=high&", ""),
        next.replace("since=1d", "since=2d"),
        format!("{next}&namespace=shop"),
        next.replace(cursor, &tampered),
        next.replace(cursor, "x"),
        next.replace(cursor, "%F0%9F%98%80"),
        format!("{next}&offset=3"),
    ] {
        let reply = service.send(Method::GET, &wrong, "").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}");
        let problem = reply.json();
        let (name, rule) = match wrong.contains("offset") {
            true => ("offset", "mutually_exclusive"),
            false => ("cursor", "invalid_cursor"),
        };
        assert_eq!(problem["errors"][0]["parameter"], name, "{problem}");
        assert_eq!(problem["errors"][0]["rule"], rule, "{problem}");
    }
}
