//! Queries, health and metrics, over a database that cannot be reached.

use ds_http::Surface;
use ds_ingest::testing::Mood;

use crate::{
    client::Answer,
    server::{Server, Setup, event},
};

async fn check_json(surface: Surface, path: &str, status: u16, expected: &str) {
    let server = Server::start(Setup {
        surface,
        ..Setup::default()
    })
    .await;
    server.readiness.set_ready();
    let answer = server.client().await.ask(&format!("GET {path}"), "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (status, expected),
        "{path}"
    );
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn health_is_told_without_a_word_of_the_driver() {
    let unhealthy = r#"{"status":"unhealthy","database":"unreachable","version":"1.2.3"}"#;
    let not_ready = concat!(
        r#"{"status":"not_ready","reason":"database_unreachable","#,
        r#""checks":{"database":"unreachable","store":"closed","queue":null,"spool":null,"#,
        r#""failing_partitions":[]}}"#,
    );
    let alive = r#"{"status":"alive"}"#;
    for surface in [Surface::Api, Surface::Admin] {
        check_json(surface, "/health", 503, unhealthy).await;
        check_json(surface, "/healthz", 503, unhealthy).await;
        check_json(surface, "/health/ready", 503, not_ready).await;
        check_json(surface, "/readyz", 503, not_ready).await;
        check_json(surface, "/health/live", 200, alive).await;
        check_json(surface, "/livez", 200, alive).await;
    }
}

async fn check_ready(queue: Option<usize>, spool: Option<usize>, status: u16) -> Answer {
    let server = Server::start(Setup {
        queue,
        spool,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let answer = client.ask("GET /health/ready", "").await;
    assert_eq!(answer.status, status, "{answer:?}");
    let health = client.ask("GET /health", "").await;
    assert_eq!(health.status, 503, "health is about the database alone");
    answer
}

#[tokio::test]
async fn traffic_is_welcome_without_a_database_while_a_backlog_takes_events() {
    let ready = check_ready(Some(10), None, 200).await;
    let expected = concat!(
        r#"{"status":"ready","degraded":["database_unreachable"],"#,
        r#""checks":{"database":"unreachable","store":"closed","queue":"closed","#,
        r#""queue_durability":"always","spool":null,"failing_partitions":[]}}"#,
    );
    assert_eq!(ready.body, expected);
    check_ready(None, Some(10), 200).await;
    check_ready(None, None, 503).await;
}

#[tokio::test]
async fn traffic_is_not_welcome_when_neither_the_database_nor_a_backlog_takes_events() {
    let server = Server::start(Setup {
        mood: Mood::Away,
        queue: Some(10),
        ..Setup::default()
    })
    .await;
    server.queue().set_away(true);
    let mut client = server.client().await;
    assert_eq!(client.ask("GET /readyz", "").await.status, 200);
    // Three failures in a row open a breaker.
    for _ in 0..3 {
        let answer = client.post("/api/v1/audit/events", &event("")).await;
        answer.problem(503, "service-unavailable");
    }
    let answer = client.ask("GET /readyz", "").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let checks = &answer.json()["checks"];
    assert_eq!(
        (&checks["store"], &checks["queue"]),
        (&"open".into(), &"open".into())
    );
}

#[tokio::test]
async fn readiness_follows_the_life_of_the_process() {
    let starting = true;
    let server = Server::start(Setup {
        starting,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let answer = client.ask("GET /health/ready", "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, r#"{"status":"not_ready","reason":"starting"}"#)
    );
    server.readiness.set_shutting_down();
    let answer = client.ask("GET /health/ready", "").await;
    let leaving = r#"{"status":"not_ready","reason":"shutting_down"}"#;
    assert_eq!((answer.status, answer.body.as_str()), (503, leaving));
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
}

#[tokio::test]
async fn nothing_reaches_the_store_before_it_is_prepared() {
    let starting = true;
    let server = Server::start(Setup {
        starting,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let events = "/api/v1/audit/events";
    for answer in [
        client.post(events, &event("")).await,
        client.post(&format!("{events}/batch"), "[]").await,
        client.ask(&format!("GET {events}"), "").await,
    ] {
        answer.problem(503, "service-unavailable");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert!(server.store.memory.is_empty());
    server.readiness.set_ready();
    assert_eq!(client.post(events, &event("")).await.status, 201);
}

#[tokio::test]
async fn a_query_of_a_store_that_is_away_says_when_to_come_again() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let id = "/0193f3a1-0000-7000-8000-000000000001";
    for path in ["", "?limit=5&since=24h", id] {
        let answer = client
            .ask(&format!("GET /api/v1/audit/events{path}"), "")
            .await;
        answer.problem(503, "service-unavailable");
        assert_eq!(answer.header("retry-after"), "5");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
}

async fn check_refused(query: &str, detail: &str) {
    let server = Server::start(Setup::default()).await;
    let answer = server
        .client()
        .await
        .ask(&format!("GET /api/v1/audit/events{query}"), "")
        .await;
    let document = answer.problem(400, "validation-error");
    assert_eq!(document["title"], "Validation Error");
    assert_eq!(document["detail"], detail, "{query}");
}

#[tokio::test]
async fn a_query_that_cannot_be_asked_says_which_parameter_is_wrong() {
    let limit = r#"parameter "limit" in query has an error: "#;
    check_refused("?limit=0", &format!("{limit}number must be at least 1")).await;
    check_refused(
        "?limit=1001",
        &format!("{limit}number must be at most 1000"),
    )
    .await;
    let offset = r#"parameter "offset" in query has an error: number must be at least 0"#;
    check_refused("?offset=-1", offset).await;
    check_refused(
        "?offset=-1&limit=0",
        &format!("{limit}number must be at least 1 (and 1 more errors)"),
    )
    .await;
    let time = "Validation failed for query parameters: query - invalid time format: a b \
                (expected: 24h, 7d, or RFC3339 timestamp)";
    check_refused("?since=a%20b", time).await;
    let id = r#"parameter "event_id" in path has an error: string doesn't match the format "uuid""#;
    check_refused("/17", id).await;
    check_refused("/0193f3a1000070008000000000000001", id).await;
}

#[tokio::test]
async fn metrics_are_exposed_in_the_format_of_prometheus() {
    for surface in [Surface::Api, Surface::Admin] {
        let server = Server::start(Setup {
            surface,
            ..Setup::default()
        })
        .await;
        let answer = server.client().await.ask("GET /metrics", "").await;
        let media_type = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(
            (answer.status, answer.header("content-type").as_str()),
            (200, media_type)
        );
        let line = r#"datastorage_http_requests_total{route="/metrics",method="GET",status="200"}"#;
        assert!(answer.body.contains(line), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_query_that_is_no_text_is_refused_and_not_guessed_at() {
    let server = Server::start(Setup::default()).await;
    server.readiness.set_ready();
    let mut client = server.client().await;
    for path in [
        "/api/v1/audit/events?correlation_id=%ff",
        "/api/v1/audit/events?%c3=x",
        "/api/v1/audit/notifications?recipient=a%80",
    ] {
        let answer = client.ask(&format!("GET {path}"), "").await;
        let document = answer.problem(400, "validation-error");
        let message = "query string is not percent-encoded UTF-8";
        assert_eq!(document["detail"], message, "{path}");
        assert_eq!(document["errors"][0]["rule"], "invalid_format");
    }
    // Nobody reads it there.
    assert_eq!(client.ask("GET /health/live?x=%ff", "").await.status, 200);
}
