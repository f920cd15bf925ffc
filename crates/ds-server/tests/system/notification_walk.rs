//! Walking through the list of notifications by cursor, over HTTP.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join;
use hyper::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    service::{BATCH, EVENTS, Service, event_with, now},
    walk::{follow, get, link},
};

const NOTIFICATIONS: &str = "/api/v1/audit/notifications";

/// Stores the notifications `<prefix>-0` and so on, one a minute back from now.
async fn store(service: &Service, prefix: &str, count: i64) {
    let start = now();
    for n in 0..count {
        let body = json!({
            "remediation_id": format!("rr-{}", n % 2), "notification_id": format!("{prefix}-{n}"),
            "recipient": "ann", "channel": "email", "message_summary": "m", "status": "sent",
            "sent_at": start - SignedDuration::from_mins(n),
        });
        let reply = service
            .send(Method::POST, NOTIFICATIONS, body.to_string())
            .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{:?}", reply.body);
    }
}

fn names(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap().iter();
    data.map(|one| one["notification_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_is_walked_by_its_links_while_notifications_arrive() {
    let service = Service::start().await;
    store(&service, "before", 40).await;
    let path = format!("{NOTIFICATIONS}?since=2h&limit=3&cursor=");
    let walking = follow(&service, &path, "next");
    let ((), down) = join(store(&service, "meanwhile", 40), walking).await;
    let first = json!({ "limit": 3, "has_more": true, "next": link(&down[0], "next") });
    assert_eq!(
        down[0]["pagination"], first,
        "no total, no offset, nothing in front"
    );
    let mut seen = HashMap::<String, u32>::new();
    for name in down.iter().flat_map(names) {
        *seen.entry(name).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    let missed: Vec<_> = (0..40)
        .map(|n| format!("before-{n}"))
        .filter(|name| !seen.contains_key(name))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");

    let (last, others) = down.split_last().unwrap();
    let up = follow(&service, &link(last, "prev").unwrap(), "prev").await;
    let up: Vec<_> = up.iter().flat_map(names).collect();
    let there: BTreeSet<_> = up.iter().cloned().collect();
    assert_eq!(there.len(), up.len(), "{up:?}");
    let others: BTreeSet<_> = others.iter().flat_map(names).collect();
    assert!(there.is_superset(&others), "{there:?}");
}

#[tokio::test]
async fn a_page_by_offset_leads_into_a_walk() {
    let service = Service::start().await;
    store(&service, "nt", 9).await;
    let page = get(&service, &format!("{NOTIFICATIONS}?limit=3&offset=3")).await;
    let page = page.json();
    let counted = (&page["pagination"]["total"], &page["pagination"]["offset"]);
    assert_eq!(counted, (&json!(9), &json!(3)));
    let next = get(&service, &link(&page, "next").unwrap()).await.json();
    assert_eq!(names(&next), ["nt-6", "nt-7", "nt-8"]);
    assert_eq!(link(&next, "next"), None);
    let prev = get(&service, &link(&page, "prev").unwrap()).await.json();
    assert_eq!(names(&prev), ["nt-0", "nt-1", "nt-2"]);
    let counted = link(&page, "next").unwrap() + "&count=estimated";
    let counted = get(&service, &counted).await.json();
    assert_eq!(counted["pagination"]["total_is_estimate"], true);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_filters_and_for_notifications_only() {
    let service = Service::start().await;
    store(&service, "nt", 9).await;
    let events: Vec<Value> = (0..3)
        .map(|_| event_with(json!({ "correlation_id": "rr-1" })))
        .collect();
    let reply = service
        .send(Method::POST, BATCH, json!(events).to_string())
        .await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let next = async |path: &str| {
        let page = get(&service, path).await.json();
        link(&page, "next").unwrap()
    };
    let cursor = |link: &str| link.split_once("cursor=").unwrap().1.to_owned();
    let of_all = next(&format!("{NOTIFICATIONS}?limit=1&cursor=")).await;
    let of_some = next(&format!(
        "{NOTIFICATIONS}?remediation_id=rr-1&since=1d&limit=1&cursor="
    ))
    .await;
    let of_events = next(&format!("{EVENTS}?limit=1&cursor=")).await;
    let of_one = next("/api/v1/audit/correlations/rr-1?limit=1").await;
    assert_eq!(names(&get(&service, &of_all).await.json()), ["nt-1"]);
    assert_eq!(names(&get(&service, &of_some).await.json()), ["nt-3"]);
    for wrong in [
        of_some.replace("rr-1", "rr-0"),
        of_some.replace("remediation_id=rr-1&", ""),
        of_some.replace("since=1d", "since=2d"),
        format!("{of_some}&status=sent"),
        format!("{of_all}&channel=email"),
        format!("{of_all}&offset=1"),
        of_all.replace("cursor=", "cursor=x"),
        format!("{NOTIFICATIONS}?cursor={}", cursor(&of_events)),
        format!("{NOTIFICATIONS}?cursor={}", cursor(&of_one)),
        format!("{EVENTS}?cursor={}", cursor(&of_all)),
        format!("/api/v1/audit/correlations/rr-1?cursor={}", cursor(&of_all)),
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
