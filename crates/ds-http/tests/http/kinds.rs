//! The kinds of events: what is told about them, and about an event that is not like its kind.

use ds_http::Surface;
use serde_json::Value;

use crate::server::{Server, Setup, event, metric};

const TYPES: &str = "/api/v1/audit/event-types";
const EVENTS: &str = "/api/v1/audit/events";
const BATCH: &str = "/api/v1/audit/events/batch";

#[tokio::test]
async fn the_types_are_listed_before_the_store_is_there() {
    let server = Server::start(Setup {
        starting: true,
        ..Setup::default()
    })
    .await;
    let mut client = server.client().await;
    let answer = client.ask(&format!("GET {TYPES}"), "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let list = answer.json();
    let types = list["data"].as_array().unwrap();
    assert!(types.len() > 60, "{}", types.len());
    let first = &types[0];
    assert_eq!(first["event_type"], "gateway.signal.received");
    assert_eq!(first["example"]["alert_name"], "MemPressure");
    assert_eq!(first["schema"]["title"], "gateway.signal.received");
}

#[tokio::test]
async fn the_types_of_one_category_are_listed() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let answer = client
        .ask(&format!("GET {TYPES}?category=notification"), "")
        .await;
    let list = answer.json();
    let types = list["data"].as_array().unwrap();
    let is_notification = |each: &Value| each["category"] == "notification";
    assert!(types.len() == 7 && types.iter().all(is_notification));
    let answer = client
        .ask(&format!("GET {TYPES}?category=execution"), "")
        .await;
    assert_eq!(answer.body, r#"{"data":[]}"#);
    let answer = client.ask(&format!("GET {TYPES}?category=none"), "").await;
    let problem = answer.problem(400, "validation-error");
    assert_eq!(problem["errors"][0]["parameter"], "category");
}

#[tokio::test]
async fn a_list_that_the_client_has_is_not_sent_again() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let list = format!("GET {TYPES}");
    let answer = client.ask(&list, "").await;
    let tag = answer.header("etag");
    assert!(tag.starts_with('"') && tag.len() == 18, "{tag}");
    for (known, status) in [(tag.as_str(), 304), ("\"other\"", 200)] {
        let answer = client
            .ask(&list, &format!("if-none-match: {known}\r\n"))
            .await;
        assert_eq!(
            (answer.status, answer.header("etag")),
            (status, tag.clone())
        );
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    let head = client.ask(&format!("HEAD {TYPES}"), "").await;
    assert_eq!((head.status, head.header("etag")), (200, tag));
    assert_eq!(
        head.header("content-length"),
        answer.header("content-length")
    );
}

#[tokio::test]
async fn operators_have_no_use_for_the_list() {
    let server = Server::start(Setup {
        surface: Surface::Admin,
        ..Setup::default()
    })
    .await;
    let answer = server.client().await.ask(&format!("GET {TYPES}"), "").await;
    answer.problem(404, "not-found");
}

#[tokio::test]
async fn an_event_that_is_not_like_its_kind_is_stored_told_and_counted() {
    let server = Server::start(Setup::default()).await;
    let mut client = server.client().await;
    let series = |event_type: &str, rule: &str| {
        let name = "datastorage_event_kind_findings_total";
        metric(&format!(
            "{name}{{event_type=\"{event_type}\",rule=\"{rule}\"}} "
        ))
    };
    let of_actions = || series("gateway.storm.detected", "unexpected_action");
    let before = (of_actions(), series("unknown", "unknown_type"));
    let storm = r#"{"storm_id":"s","signal_count":"many","time_window_sec":30}"#;
    let odd = event("")
        .replace("gateway.signal.received", "gateway.storm.detected")
        .replace(r#"{"n":9007199254740993}"#, storm);
    let answer = client.post(EVENTS, &odd).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let told = concat!(
        "unexpected_action;at=\"/event_action\", ",
        "payload_member_type;at=\"/event_data/signal_count\", ",
        "payload_member_missing;at=\"/event_data/detection_reason\"",
    );
    assert_eq!(answer.header("x-validation-warnings"), told);

    let unknown = event("").replace("gateway.signal.received", "made.up.by.a.client");
    let fine = odd
        .replace(
            storm,
            &storm
                .replace("\"many\"", "3")
                .replace('}', ",\"detection_reason\":\"x\"}"),
        )
        .replace(r#""received""#, r#""storm_detected""#);
    let batch = format!("[{unknown},{fine},{odd}]");
    let answer = client.post(BATCH, &batch).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let told = told.replace("at=\"", "at=\"/2");
    assert_eq!(answer.header("x-validation-warnings"), told);
    let answer = client.post(EVENTS, &unknown).await;
    assert_eq!(
        (
            answer.status,
            answer.header("x-validation-warnings").as_str()
        ),
        (201, "")
    );

    assert!(of_actions() >= before.0 + 2.0);
    assert!(series("unknown", "unknown_type") >= before.1 + 2.0);
    assert_eq!(series("made.up.by.a.client", "unknown_type"), 0.0);
    assert_eq!(server.store.len(), 5);
}

#[tokio::test]
async fn an_event_that_is_not_accepted_is_not_counted() {
    let server = Server::start(Setup {
        mood: ds_ingest::testing::Mood::Away,
        ..Setup::default()
    })
    .await;
    let odd = event("")
        .replace("gateway.signal.received", "gateway.signal.rejected")
        .replace(r#""received""#, r#""sent""#);
    let answer = server.client().await.post(EVENTS, &odd).await;
    answer.problem(503, "service-unavailable");
    assert_eq!(answer.header("x-validation-warnings"), "");
    let series = "datastorage_event_kind_findings_total\
                  {event_type=\"gateway.signal.rejected\",rule=\"unexpected_action\"} ";
    assert_eq!(metric(series), 0.0);
}
