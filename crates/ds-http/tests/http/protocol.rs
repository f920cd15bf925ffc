//! Methods, paths, headers and bodies.

use std::time::Duration;

use ds_http::{RequestLimits, Surface};

use crate::server::{Server, Setup, event, metric};

const EVENTS: &str = "/api/v1/audit/events";

async fn check_not_allowed(line: &str, allow: &str) {
    let server = Server::start(Setup::default()).await;
    let answer = server.client().await.ask(line, "").await;
    assert_eq!(answer.header("allow"), allow, "{line}");
    if !line.starts_with("HEAD ") {
        answer.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn a_known_path_with_another_method_says_which_it_has() {
    check_not_allowed("DELETE /api/v1/audit/events", "GET, HEAD, POST").await;
    check_not_allowed("OPTIONS /api/v1/audit/events", "GET, HEAD, POST").await;
    check_not_allowed("BREW /api/v1/audit/events", "GET, HEAD, POST").await;
    check_not_allowed("GET /api/v1/audit/events/batch", "POST").await;
    check_not_allowed("HEAD /api/v1/audit/events/batch", "POST").await;
    check_not_allowed("POST /health", "GET, HEAD").await;
    check_not_allowed("CONNECT /health", "GET, HEAD").await;
}

async fn check_unknown(surface: Surface, path: &str) {
    let server = Server::start(Setup {
        surface,
        ..Setup::default()
    })
    .await;
    let document = server.client().await.ask(&format!("GET {path}"), "").await;
    let document = document.problem(404, "not-found");
    assert_eq!(document["instance"], path);
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    check_unknown(Surface::Api, "/").await;
    check_unknown(Surface::Api, "/api/v1/audit/events/").await;
    check_unknown(Surface::Api, "//api/v1/audit/events").await;
    check_unknown(Surface::Api, "/api/v1/audit/events/a/b").await;
    check_unknown(Surface::Admin, "/api/v1/audit/events").await;
    check_unknown(Surface::Admin, "/openapi.yaml").await;
}

#[tokio::test]
async fn unknown_paths_are_one_series() {
    let server = Server::start(Setup::default()).await;
    let series = r#"datastorage_http_requests_total{route="unmatched",method="GET",status="404"} "#;
    let before = metric(series);
    server.client().await.ask("GET /made/up", "").await;
    assert!(metric(series) > before);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let get = client.ask("GET /openapi.yaml", "").await;
    let head = client.ask("HEAD /openapi.yaml", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for line in [
        "GET /health/live",
        "GET /nowhere",
        "DELETE /health",
        "OPTIONS /health",
    ] {
        let answer = client.ask(line, "x-request-id: mine\r\n").await;
        assert_eq!(answer.header("x-request-id"), "mine", "{line}");
        let answer = client.ask(line, "").await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{line}");
        let answer = client.ask(line, "x-request-id: not mine\r\n").await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{line}");
    }
}

#[tokio::test]
async fn any_origin_may_read_any_answer() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for line in ["GET /health/live", "GET /nowhere", "DELETE /health"] {
        let answer = client.ask(line, "origin: https://a.example\r\n").await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "Link, X-Request-Id"
        );
        assert_eq!(answer.header("vary"), "Origin");
        let answer = client.ask(line, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("vary"), "Origin");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_before_the_path_is_looked_at() {
    let server = Server::start(Setup::default()).await;
    let headers = "origin: https://a.example\r\naccess-control-request-method: POST\r\n\
                   access-control-request-headers: content-type\r\n";
    let answer = server
        .client()
        .await
        .ask("OPTIONS /api/v1/audit/events", headers)
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "Content-Type"
    );
    assert_eq!(answer.header("access-control-max-age"), "300");
    let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    assert_eq!(answer.header("vary"), vary);
}

/// A server that takes bodies of at most 1000 bytes, and waits 300 ms for them.
async fn strict() -> Server {
    let requests = RequestLimits {
        body_bytes_max: 1_000,
        discard_bytes_max: 100_000,
        body_read_timeout: Duration::from_millis(300),
        ..RequestLimits::default()
    };
    Server::start(Setup {
        requests,
        ..Setup::default()
    })
    .await
}

const POST: &str =
    "POST /api/v1/audit/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_after_it_was_sent() {
    let server = strict().await;
    let mut client = server.client().await;
    client
        .send(format!("{POST}content-length: 50000\r\n\r\n"))
        .await;
    client.send("x".repeat(50_000)).await;
    let answer = client.answer().await;
    let document = answer.problem(413, "payload-too-large");
    assert_eq!(document["detail"], "request body is larger than 1000 bytes");
    assert_eq!(answer.header("connection"), "close");
    client.closed().await;
}

#[tokio::test]
async fn a_chunked_body_that_grows_too_large_is_refused() {
    let server = strict().await;
    let mut client = server.client().await;
    client
        .send(format!("{POST}transfer-encoding: chunked\r\n\r\n"))
        .await;
    for _ in 0..5 {
        client.send(format!("190\r\n{}\r\n", "x".repeat(400))).await;
    }
    client.send("0\r\n\r\n").await;
    client.answer().await.problem(413, "payload-too-large");
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_at_once() {
    let server = strict().await;
    let mut client = server.client().await;
    client
        .send(format!(
            "{POST}expect: 100-continue\r\ncontent-length: 50000\r\n\r\n"
        ))
        .await;
    client.answer().await.problem(413, "payload-too-large");
    client.closed().await;
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let body = event("");
    let length = body.len();
    client
        .send(format!(
            "{POST}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status, 100);
    client.send(body).await;
    assert_eq!(client.answer().await.status, 201);
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_does_not_come() {
    let server = Server::start(Setup::default()).await;
    for (headers, status, code) in [
        ("content-length: 99999999999", 413, "payload-too-large"),
        ("content-length: 6000000", 413, "payload-too-large"),
        (
            "content-length: 5\r\ncontent-encoding: gzip",
            415,
            "unsupported-media-type",
        ),
    ] {
        let mut client = server.client().await;
        client.send(format!("{POST}{headers}\r\n\r\n")).await;
        client.answer().await.problem(status, code);
        client.closed().await;
    }
    let mut client = server.client().await;
    let head = POST.replace("application/json", "text/plain");
    client
        .send(format!("{head}content-length: 5\r\n\r\n"))
        .await;
    client.answer().await.problem(400, "validation-error");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let server = strict().await;
    let body = format!("{:<1000}", event(""));
    assert_eq!(server.client().await.post(EVENTS, &body).await.status, 201);
    let body = format!("{:<1001}", event(""));
    server
        .client()
        .await
        .post(EVENTS, &body)
        .await
        .problem(413, "payload-too-large");
}

#[tokio::test]
async fn a_body_that_dribbles_is_not_waited_for() {
    let server = strict().await;
    let mut client = server.client().await;
    client
        .send(format!("{POST}content-length: 900\r\n\r\n{{"))
        .await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.send(" ").await;
    }
    let answer = client.answer().await;
    let document = answer.problem(408, "request-timeout");
    assert_eq!(
        document["detail"],
        "request body did not arrive within 0.3 s"
    );
    assert_eq!(answer.header("connection"), "close");
    client.closed().await;
}

#[tokio::test]
async fn a_refused_request_with_a_body_leaves_the_connection_usable() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for path in ["/nowhere", "/health"] {
        let answer = client.post(path, &"x".repeat(200_000)).await;
        assert!(matches!(answer.status, 404 | 405), "{answer:?}");
        assert_eq!(answer.header("connection"), "");
    }
    assert_eq!(client.ask("GET /health/live", "").await.status, 200);
}

async fn check_media_type(header: &str, expected: Option<&str>) {
    let server = Server::start(Setup::default()).await;
    let body = event("");
    let length = body.len();
    let mut client = server.client().await;
    let head = format!("{header}content-length: {length}\r\n\r\n{body}");
    client
        .send(format!("POST {EVENTS} HTTP/1.1\r\nhost: x\r\n{head}"))
        .await;
    let answer = client.answer().await;
    match expected {
        None => assert_eq!(answer.status, 201, "{answer:?}"),
        Some(given) => {
            let document = answer.problem(400, "validation-error");
            let detail = format!(
                "request body has an error: header Content-Type has unexpected value \"{given}\""
            );
            assert_eq!(document["detail"], detail);
        }
    }
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    check_media_type("content-type: application/json\r\n", None).await;
    check_media_type("content-type: application/json; charset=utf-8\r\n", None).await;
    check_media_type("content-type: Application/JSON ;charset=utf-8\r\n", None).await;
    check_media_type("content-type: text/plain\r\n", Some("text/plain")).await;
    check_media_type(
        "content-type: application/jsonx\r\n",
        Some("application/jsonx"),
    )
    .await;
    check_media_type("", Some("")).await;
}

#[tokio::test]
async fn a_body_must_be_there() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    for path in [EVENTS, "/api/v1/audit/events/batch"] {
        let document = client.post(path, "").await.problem(400, "validation-error");
        let detail = "request body has an error: value is required but missing";
        assert_eq!(document["detail"], detail);
    }
}

#[tokio::test]
async fn the_contract_is_served() {
    let server = Server::start(Setup::default()).await;
    let answer = server.client().await.ask("GET /openapi.yaml", "").await;
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (200, "application/yaml")
    );
    assert!(answer.body.starts_with("openapi: 3."));
}
