//! What operators see of the backlogs and do about them, and the trace it leaves.

use ds_dlq::{Backlog, Burial, testing::parked};
use ds_domain::event::{Event, EventOutcome};
use ds_http::Surface;
use ds_ingest::testing::{MemoryBacklog, Mood};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    client::Answer,
    server::{Server, Setup, event, now},
};

const DLQ: &str = "/api/v1/admin/dlq";
const LETTERS: &str = "/api/v1/admin/dlq/dead-letters";
const TOKEN: &str = "authorization: Bearer s3cret\r\n";

/// A server with both backlogs and a token.
async fn server() -> Server {
    with_token(Some("s3cret")).await
}

async fn with_token(admin_token: Option<&'static str>) -> Server {
    Server::start(Setup {
        admin_token,
        queue: Some(100),
        spool: Some(100),
        ..Setup::default()
    })
    .await
}

/// Puts so many dead letters into `backlog`; their events have the ids 1, 2 and so on.
async fn bury(backlog: &MemoryBacklog, count: u128) {
    let entries: Vec<_> = (1..=count)
        .map(|n| parked(Uuid::from_u128(n), now()))
        .collect();
    backlog.put(&entries).await.unwrap();
    let taken = backlog.take(1_000).await.unwrap();
    let burials = taken.into_iter().map(|delivery| Burial {
        id: delivery.id,
        reason: "store refuses\0 the row".to_owned(),
    });
    backlog.bury(&burials.collect::<Vec<_>>()).await.unwrap();
}

async fn dead(backlog: &MemoryBacklog) -> u64 {
    backlog.status().await.unwrap().dead
}

async fn get(server: &Server, path: &str) -> Value {
    let answer = server.client().await.ask(&format!("GET {path}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn ask(server: &Server, line: &str, headers: &str) -> Answer {
    server.client().await.ask(line, headers).await
}

fn payload(event: &Event) -> Value {
    serde_json::from_str(event.event_data.as_str()).unwrap()
}

#[tokio::test]
async fn the_backlogs_are_shown() {
    let server = server().await;
    bury(server.queue(), 2).await;
    let entry = parked(
        Uuid::from_u128(9),
        now() - jiff::SignedDuration::from_secs(90),
    );
    server.queue().put(&[entry]).await.unwrap();
    let report = get(&server, DLQ).await;
    assert_eq!(report["store"], "closed");
    let queue = &report["queue"];
    let expected = json!([true, true, "closed", "always", 1, 100, 0.01, 2, 90.0]);
    let names = [
        "configured",
        "reachable",
        "breaker",
        "durability",
        "entries",
        "entries_max",
        "ratio",
        "dead",
        "oldest_age_seconds",
    ];
    let told: Vec<Value> = names.iter().map(|name| queue[*name].clone()).collect();
    assert_eq!(Value::from(told), expected);
    assert_eq!(report["spool"]["entries"], 0);
}

#[tokio::test]
async fn a_backlog_that_is_away_or_not_there_is_shown_as_such() {
    let server = server().await;
    server.queue().set_away(true);
    let report = get(&server, DLQ).await;
    let away = json!({"configured": true, "breaker": "closed", "durability": "always", "reachable": false});
    assert_eq!(report["queue"], away);
    assert_eq!(report["spool"]["reachable"], true);

    let server = Server::start(Setup::default()).await;
    let report = get(&server, DLQ).await;
    let absent = json!({"configured": false});
    assert_eq!((&report["queue"], &report["spool"]), (&absent, &absent));
}

#[tokio::test]
async fn dead_letters_are_listed_page_by_page_over_both_backlogs() {
    let server = server().await;
    bury(server.queue(), 20).await;
    bury(server.spool(), 5).await;
    let mut path = format!("{LETTERS}?limit=7");
    let mut ids: Vec<String> = Vec::new();
    for pages in 1.. {
        let page = get(&server, &path).await;
        let letters = page["dead_letters"].as_array().unwrap();
        ids.extend(
            letters
                .iter()
                .map(|letter| letter["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            assert_eq!(pages, 4);
            break;
        };
        assert_eq!(letters.len(), 7);
        path = format!("{LETTERS}?limit=7&after={next}");
    }
    let expected = (1..=20).map(|n| format!("queue:{n}"));
    let expected: Vec<String> = expected
        .chain((1..=5).map(|n| format!("spool:{n}")))
        .collect();
    assert_eq!(ids, expected);

    let page = get(&server, &format!("{LETTERS}?limit=1")).await;
    let letter = &page["dead_letters"][0];
    assert_eq!(letter["event_id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(letter["accepted_at"], "2026-11-21T12:00:00Z");
    assert_eq!(
        (&letter["attempts"], &letter["history"]),
        (&json!(0), &json!([]))
    );
    assert!(
        letter["content"]
            .as_str()
            .unwrap()
            .contains("gateway.signal.received")
    );
}

#[tokio::test]
async fn dead_letters_of_a_backlog_that_is_away_do_not_hide_those_of_the_other() {
    let server = server().await;
    bury(server.spool(), 1).await;
    server.queue().set_away(true);
    let page = get(&server, LETTERS).await;
    assert_eq!(page["unreachable"], json!(["queue"]));
    assert_eq!(page["dead_letters"][0]["id"], "spool:1");
}

#[tokio::test]
async fn a_page_that_cannot_be_asked_for_says_why() {
    let server = server().await;
    let answer = ask(&server, &format!("GET {LETTERS}?limit=0&after=7"), "").await;
    let document = answer.problem(400, "validation-error");
    assert_eq!(document["errors"][0]["parameter"], "limit");
    assert_eq!(document["errors"][1]["parameter"], "after");
}

async fn check_forbidden(token: Option<&'static str>, headers: &str, detail: &str) {
    let server = with_token(token).await;
    bury(server.queue(), 1).await;
    for line in [
        format!("POST {LETTERS}/queue:1/replay"),
        format!("DELETE {LETTERS}/queue:1"),
        format!("DELETE {LETTERS}/made-up"),
    ] {
        let answer = ask(&server, &line, headers).await;
        assert_eq!(answer.problem(403, "forbidden")["detail"], detail);
        assert!(!answer.body.contains("s3cret"));
    }
    assert_eq!(dead(server.queue()).await, 1);
    assert_eq!(server.store.len(), 0);
}

#[tokio::test]
async fn nobody_changes_anything_without_the_token() {
    let none = "changes are not possible, because no admin token is configured";
    check_forbidden(None, TOKEN, none).await;
    let missing = "changes need the admin token, as in \"Authorization: Bearer <token>\"";
    check_forbidden(Some("s3cret"), "", missing).await;
    check_forbidden(Some("s3cret"), "authorization: Basic s3cret\r\n", missing).await;
    let wrong = "the admin token is another one";
    check_forbidden(Some("s3cret"), "authorization: Bearer s3cre7\r\n", wrong).await;
}

#[tokio::test]
async fn a_replayed_letter_waits_again() {
    let server = server().await;
    bury(server.queue(), 2).await;
    let line = format!("POST {LETTERS}/queue:1/replay");
    let answer = ask(&server, &line, TOKEN).await;
    let expected = json!({
        "id": "queue:1",
        "message": "dead letter queued for replay",
        "status": "accepted",
    });
    assert_eq!((answer.status, answer.json()), (202, expected));
    assert_eq!((server.queue().len(), dead(server.queue()).await), (1, 1));
    ask(&server, &line, TOKEN).await.problem(404, "not-found");
    assert_eq!(server.queue().len(), 1);
}

#[tokio::test]
async fn a_purged_letter_is_gone() {
    let server = server().await;
    bury(server.spool(), 2).await;
    let line = format!("DELETE {LETTERS}/spool%3A2");
    let answer = ask(&server, &line, TOKEN).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!((server.spool().len(), dead(server.spool()).await), (0, 1));
    ask(&server, &line, TOKEN).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_letter_that_is_not_there_is_told_from_a_name_that_cannot_be() {
    let server = server().await;
    for (id, status, slug) in [
        ("queue:7", 404, "not-found"),
        ("spool:7", 404, "not-found"),
        ("7", 400, "validation-error"),
        ("disk:7", 400, "validation-error"),
        ("queue:", 400, "validation-error"),
    ] {
        let replay = ask(&server, &format!("POST {LETTERS}/{id}/replay"), TOKEN).await;
        replay.problem(status, slug);
        let purge = ask(&server, &format!("DELETE {LETTERS}/{id}"), TOKEN).await;
        purge.problem(status, slug);
    }
    let none = Server::start(Setup {
        admin_token: Some("s3cret"),
        ..Setup::default()
    })
    .await;
    let answer = ask(&none, &format!("DELETE {LETTERS}/queue:7"), TOKEN).await;
    answer.problem(404, "not-found");
}

#[tokio::test]
async fn a_backlog_that_is_away_changes_nothing_and_says_when_to_come_again() {
    let server = server().await;
    bury(server.queue(), 1).await;
    server.queue().set_away(true);
    let answer = ask(&server, &format!("DELETE {LETTERS}/queue:1"), TOKEN).await;
    answer.problem(503, "service-unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    server.queue().set_away(false);
    assert_eq!(dead(server.queue()).await, 1);
}

#[tokio::test]
async fn a_connection_serves_several_requests_of_an_operator() {
    let server = server().await;
    bury(server.queue(), 3).await;
    let mut client = server.client().await;
    for n in 1..=3 {
        let answer = client
            .ask(&format!("DELETE {LETTERS}/queue:{n}"), TOKEN)
            .await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
}

// === the trace ===

#[tokio::test]
async fn who_looks_is_audited() {
    let server = server().await;
    bury(server.queue(), 1).await;
    ask(&server, &format!("GET {DLQ}"), "x-request-id: look-1\r\n").await;
    let events = server.store.events("datastorage.dlq.inspected");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].correlation_id, "look-1");
    assert_eq!(events[0].actor_id, "admin-api");
    assert_eq!(events[0].resource_type, "dead_letter_queue");
    assert_eq!(events[0].event_outcome, EventOutcome::Success);

    get(&server, &format!("{LETTERS}?limit=5")).await;
    let events = server.store.events("datastorage.dead_letter.listed");
    assert_eq!(events.len(), 1);
    let expected = json!({"after": null, "limit": 5, "count": 1});
    assert_eq!(payload(&events[0]), expected);
}

async fn check_trace(line: &str, event_type: &str, id: &str) {
    let server = server().await;
    bury(server.queue(), 2).await;
    let headers = format!("{TOKEN}x-request-id: change-1\r\n");
    ask(&server, line, &headers).await;
    let events = server.store.events(event_type);
    let outcomes: Vec<EventOutcome> = events.iter().map(|event| event.event_outcome).collect();
    assert_eq!(outcomes, [EventOutcome::Pending, EventOutcome::Success]);
    for event in &events {
        assert_eq!(event.correlation_id, "change-1");
        assert_eq!(event.event_category.as_str(), "orchestration");
        assert_eq!(
            (event.resource_type.as_str(), event.resource_id.as_str()),
            ("dead_letter", id)
        );
        let payload = payload(event);
        assert_eq!(payload["event_id"], "00000000-0000-0000-0000-000000000002");
        assert_eq!(payload["reason"], "store refuses the row");
    }
}

#[tokio::test]
async fn who_changes_something_is_audited_before_and_after() {
    let line = format!("POST {LETTERS}/queue:2/replay");
    check_trace(&line, "datastorage.dead_letter.replayed", "queue:2").await;
    let line = format!("DELETE {LETTERS}/queue:2");
    check_trace(&line, "datastorage.dead_letter.purged", "queue:2").await;
}

#[tokio::test]
async fn a_trace_that_the_store_cannot_take_is_parked() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        admin_token: Some("s3cret"),
        queue: Some(100),
        ..Setup::default()
    })
    .await;
    bury(server.queue(), 1).await;
    let answer = ask(&server, &format!("DELETE {LETTERS}/queue:1"), TOKEN).await;
    assert_eq!(answer.status, 204);
    assert_eq!(server.queue().len(), 2);
}

#[tokio::test]
async fn without_a_trace_nothing_is_changed_but_anything_can_be_seen() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        admin_token: Some("s3cret"),
        queue: Some(0),
        spool: Some(1),
        ..Setup::default()
    })
    .await;
    bury(server.spool(), 1).await;
    let mut client = server.client().await;
    let last = client.post("/api/v1/audit/events", &event("")).await;
    assert_eq!(last.status, 202, "the last place is taken");
    for line in [
        format!("POST {LETTERS}/spool:1/replay"),
        format!("DELETE {LETTERS}/spool:1"),
    ] {
        let answer = ask(&server, &line, TOKEN).await;
        let document = answer.problem(503, "service-unavailable");
        let detail = "nothing was changed, because it cannot be audited now; try again later";
        assert_eq!(document["detail"], detail);
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(dead(server.spool()).await, 1);
    assert_eq!(get(&server, DLQ).await["spool"]["dead"], 1);
    assert_eq!(
        get(&server, LETTERS).await["dead_letters"][0]["id"],
        "spool:1"
    );
}

#[tokio::test]
async fn operators_have_all_of_it_on_their_own_listener() {
    let server = Server::start(Setup {
        surface: Surface::Admin,
        admin_token: Some("s3cret"),
        queue: Some(100),
        ..Setup::default()
    })
    .await;
    bury(server.queue(), 2).await;
    get(&server, DLQ).await;
    get(&server, LETTERS).await;
    let answer = ask(&server, &format!("POST {LETTERS}/queue:1/replay"), TOKEN).await;
    assert_eq!(answer.status, 202);
    let answer = ask(&server, &format!("DELETE {LETTERS}/queue:2"), TOKEN).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn nothing_is_done_before_the_store_is_prepared() {
    let server = Server::start(Setup {
        starting: true,
        admin_token: Some("s3cret"),
        queue: Some(100),
        ..Setup::default()
    })
    .await;
    bury(server.queue(), 1).await;
    for line in [format!("GET {DLQ}"), format!("DELETE {LETTERS}/queue:1")] {
        let answer = ask(&server, &line, TOKEN).await;
        answer.problem(503, "service-unavailable");
    }
    assert_eq!(dead(server.queue()).await, 1);
    assert_eq!(server.store.len(), 0);
}
