//! The wire forms, member by member.

mod actions;

use std::time::Duration;

use ds_dlq::{Consumer, DeadLetter, EntryId, Setback, Status};
use ds_domain::{
    event::{Event, EventCategory, EventOutcome, Parent},
    filter::Count,
    json::JsonObject,
    notification::{Delivery, NotificationStatus, StoredDelivery, StoredNotification},
    workflow::{Lifecycle, Rate, StoredWorkflow, WorkflowStatus},
};
use ds_ingest::{BacklogState, BreakerState, IngestState, WorkflowRecorded};
use ds_metrics::BacklogName;
use ds_repository::{
    EventPage, Total,
    timeline::{Children, Summary, Timeline},
    workflow::{Versions, WorkflowPage},
};
use ds_validation::{Limits, Rule, ValidNotification, Violation, parse_notification};
use jiff::civil::date;
use serde_json::{Value, json};

use super::*;
use crate::admin::{LetterId, Letters};

/// An event with a value in every member.
pub(crate) fn full_event() -> StoredEvent {
    let event = Event {
        event_id: Uuid::from_u128(1),
        version: "1.0".to_owned(),
        event_timestamp: "2026-11-21T07:45:34.120500Z".parse().unwrap(),
        event_type: "gateway.signal.received".to_owned(),
        event_category: EventCategory::Gateway,
        event_action: "received".to_owned(),
        event_outcome: EventOutcome::Success,
        actor_type: "service".to_owned(),
        actor_id: "gateway-service".to_owned(),
        actor_ip: Some("2001:db8::1".parse().unwrap()),
        resource_type: "Pod".to_owned(),
        resource_id: "pod-1".to_owned(),
        resource_name: Some("a pod".to_owned()),
        correlation_id: "rr-1".to_owned(),
        parent: Some(Parent {
            id: Uuid::from_u128(2),
            date: date(2026, 11, 20),
        }),
        trace_id: Some("trace".to_owned()),
        span_id: Some("span".to_owned()),
        namespace: Some("default".to_owned()),
        cluster_name: Some("east".to_owned()),
        event_data: JsonObject::from_checked_text(r#"{"n": 9007199254740993, "x": 1.10}"#),
        event_metadata: Some(JsonObject::from_checked_text(r#"{"k": "v"}"#)),
        severity: Some("info".to_owned()),
        duration_ms: Some(7),
        error_code: Some("E1".to_owned()),
        error_message: Some("it broke".to_owned()),
        retention_days: 2_555,
        is_sensitive: true,
    };
    StoredEvent {
        event,
        recorded_at: "2026-11-21T07:45:35Z".parse().unwrap(),
    }
}

/// An event without any optional value.
fn sparse_event() -> StoredEvent {
    let full = full_event();
    let event = Event {
        actor_ip: None,
        resource_name: None,
        parent: None,
        trace_id: None,
        span_id: None,
        namespace: None,
        cluster_name: None,
        event_metadata: None,
        severity: None,
        duration_ms: None,
        error_code: None,
        error_message: None,
        is_sensitive: false,
        ..full.event
    };
    StoredEvent { event, ..full }
}

/// An answer to every kind of request that is answered in JSON, by the name of its schema.
pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let search = vec![search::tests::sample()];
    [
        event_samples(),
        operation_samples(),
        notification_samples(),
        workflow_samples(),
        actions::samples(),
        search,
    ]
    .concat()
}

fn event_samples() -> Vec<(&'static str, Value)> {
    let recorded = Recorded {
        event_id: Uuid::from_u128(1),
        event_timestamp: "2026-11-21T07:45:34.999999Z".parse().unwrap(),
    };
    let (found, page) = estimated_page();
    let list = event_list(&found, &Pagination::new(&found, page, links())).unwrap();
    let timeline = timeline();
    let correlation = Correlation::new("rr-1", &timeline, 2, links().next);
    let value = |value: &dyn erased::Json| value.json();
    vec![
        (
            "AuditEventCreated",
            value(&EventRecorded::new(recorded, Kept::Stored)),
        ),
        (
            "AuditEventsCreated",
            value(&BatchRecorded::new(&[recorded, recorded], Kept::Stored)),
        ),
        ("AuditEventList", parsed(&list)),
        ("AuditEvent", parsed(&stored_event(&found.items[0]))),
        ("AuditEvent", parsed(&stored_event(&found.items[1]))),
        (
            "AuditEventAccepted",
            value(&EventRecorded::new(recorded, Kept::Parked)),
        ),
        (
            "AuditEventsAccepted",
            value(&BatchRecorded::new(&[recorded, recorded], Kept::Parked)),
        ),
        ("Correlation", parsed(&correlation.to_json().unwrap())),
    ]
}

fn operation_samples() -> Vec<(&'static str, Value)> {
    let value = |value: &dyn erased::Json| value.json();
    vec![
        ("EventTypeList", value(&EventTypeList::new(None))),
        ("Health", value(&Health::healthy("1"))),
        ("Health", value(&Health::unhealthy("1"))),
        (
            "Readiness",
            value(&Ready::yes(vec!["queue_unavailable"], checks())),
        ),
        (
            "Readiness",
            value(&Ready::no("database_unreachable", Some(checks()))),
        ),
        ("Readiness", value(&Ready::no("starting", None))),
        ("Liveness", value(&Alive::default())),
        ("DeadLetterQueue", value(&dead_letter_queue())),
        ("DeadLetterList", value(&dead_letters())),
        ("DeadLetterReplayed", value(&LetterReplayed::new(&letter()))),
    ]
}

fn notification_samples() -> Vec<(&'static str, Value)> {
    let (found, page) = estimated_page();
    let value = |value: &dyn erased::Json| value.json();
    vec![
        (
            "Notification",
            value(&NotificationElement::new(&notification(None))),
        ),
        (
            "NotificationList",
            value(&List {
                data: vec![NotificationElement::new(&notification(None))],
                pagination: Pagination::new(&found, page, Links::default()),
            }),
        ),
        (
            "NotificationDetail",
            value(&NotificationDetail::new(
                &notification(Some("no such user")),
                &[delivery(None), delivery(Some("550"))],
            )),
        ),
        ("Delivery", value(&DeliveryElement::new(&delivery(None)))),
        (
            "NotificationAccepted",
            value(&NotificationAccepted::new(&valid_notification())),
        ),
    ]
}

fn workflow_samples() -> Vec<(&'static str, Value)> {
    let found = WorkflowPage {
        items: vec![workflow(true), workflow(false)],
        total: Some(Total {
            count: 12,
            is_estimate: true,
        }),
        has_more: true,
        has_newer: true,
    };
    let (_, page) = estimated_page();
    let versions = Versions {
        versions: vec![workflow(true)],
        total: 1,
    };
    let recorded = |warnings| WorkflowRecorded {
        stored: Box::new(workflow(false)),
        warnings,
    };
    let warning = Violation::of_field("content_hash", Rule::ContentHash, "it is another one");
    let results = [
        Ok(recorded(Vec::new())),
        Ok(recorded(vec![warning])),
        Err(Problem::no_workflow(Uuid::nil())),
    ];
    let batch = WorkflowBatch::new(results.into_iter(), "r").unwrap();
    let value = |value: &dyn erased::Json| value.json();
    let element = |full| value(&WorkflowElement::new(&workflow(full)).unwrap());
    vec![
        ("Workflow", element(true)),
        ("Workflow", element(false)),
        (
            "WorkflowList",
            value(&WorkflowList::new(&found, page, links()).unwrap()),
        ),
        (
            "WorkflowVersions",
            value(&VersionList::new("restart", &versions).unwrap()),
        ),
        ("WorkflowBatch", value(&batch)),
    ]
}

/// A workflow with a value in every member, or in as few as there may be.
pub(crate) fn workflow(is_full: bool) -> StoredWorkflow {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let text = |text: &str| is_full.then(|| text.to_owned());
    let object = |text: &str| JsonObject::from_checked_text(if is_full { text } else { "{}" });
    let rate = Rate::from_thousandths(917).filter(|_| is_full);
    StoredWorkflow {
        workflow_id: Uuid::from_u128(1),
        workflow_name: "restart".to_owned(),
        version: "v1.0".to_owned(),
        name: "Restart".to_owned(),
        description: "restarts".to_owned(),
        owner: text("sre"),
        maintainer: text("ann"),
        content: "steps: []".to_owned(),
        content_hash: "0".repeat(64),
        parameters: is_full.then(|| object(r#"{"n": 9007199254740993}"#)),
        execution_engine: "tekton".to_owned(),
        container_image: text("quay.io/x"),
        container_digest: text("sha256:0"),
        labels: object(r#"{"severity": "high"}"#),
        custom_labels: object(r#"{"team": ["a"]}"#),
        detected_labels: object(r#"{"stateful": true}"#),
        lifecycle: Lifecycle {
            status: WorkflowStatus::Disabled,
            status_reason: text("it loops"),
            disabled_by: text("ann"),
            disabled_reason: text("it loops"),
            deprecation_notice: text("use v2"),
            updated_by: text("ann"),
        },
        disabled_at: is_full.then_some(at),
        is_latest_version: true,
        previous_version: text("v0.9"),
        version_notes: text("notes"),
        change_summary: text("all"),
        approved_by: text("bob"),
        approved_at: is_full.then_some(at),
        expected_success_rate: rate,
        expected_duration_seconds: is_full.then_some(90),
        actual_success_rate: rate,
        total_executions: 3,
        successful_executions: 2,
        created_at: at,
        updated_at: at,
        created_by: text("ann"),
    }
}

#[test]
fn a_workflow_keeps_its_numbers_and_leaves_out_what_it_has_not() {
    let element = WorkflowElement::new(&workflow(true)).map(|it| serde_json::to_string(&it));
    let text = element.unwrap().unwrap();
    assert!(
        text.contains(r#""parameters":{"n": 9007199254740993}"#),
        "{text}"
    );
    assert!(text.contains(r#""expected_success_rate":0.917,"#), "{text}");
    let sparse = WorkflowElement::new(&workflow(false)).map(|it| serde_json::to_value(&it));
    let sparse = sparse.unwrap().unwrap();
    assert_eq!(sparse["detected_labels"], json!({}));
    assert_eq!(sparse.get("custom_labels"), None);
    assert_eq!(sparse.as_object().unwrap().len(), 16);
}

/// A page of an answer whose size was estimated.
fn estimated_page() -> (EventPage, Page) {
    let found = EventPage {
        items: vec![full_event(), sparse_event()],
        total: Some(Total {
            count: 12,
            is_estimate: true,
        }),
        has_more: true,
        has_newer: true,
    };
    let page = Page {
        limit: 2,
        start: Start::Offset(4),
        count: Count::Estimated,
    };
    (found, page)
}

fn notification(text: Option<&str>) -> StoredNotification {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let mut notification = valid_notification().notification().clone();
    notification.delivery_status = text.map(str::to_owned);
    notification.error_message = text.map(str::to_owned);
    StoredNotification {
        id: 7,
        notification,
        created_at: at,
        updated_at: at,
    }
}

fn valid_notification() -> ValidNotification {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let body = br#"{"remediation_id":"rr-1","notification_id":"nt-1","recipient":"ann",
        "channel":"slack","message_summary":"m","status":"sent","sent_at":"2026-11-21T07:45:34Z"}"#;
    parse_notification(body, at, &Limits::default()).unwrap()
}

fn delivery(text: Option<&str>) -> StoredDelivery {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    StoredDelivery {
        delivery: Delivery {
            attempt: 1,
            status: NotificationStatus::Escalated,
            occurred_at: at,
            delivery_status: text.map(str::to_owned),
            error_message: text.map(str::to_owned),
            escalation_level: text.map(|_| 2),
        },
        recorded_at: at,
    }
}

fn links() -> Links {
    Links {
        next: Some("/events?cursor=a".to_owned()),
        prev: Some("/events?cursor=b".to_owned()),
    }
}

/// A root with a child that is on another page.
fn timeline() -> Timeline {
    let children = Children {
        count: 7,
        ids: vec![Uuid::from_u128(9)],
    };
    Timeline {
        events: vec![full_event()],
        has_more: true,
        children: [(Uuid::from_u128(1), children)].into(),
        summary: Summary {
            events: 8,
            first: "2026-11-21T07:45:34.1205Z".parse().unwrap(),
            last: "2026-11-21T08:00:00Z".parse().unwrap(),
            by_category: vec![(EventCategory::Gateway, 8)],
            by_outcome: vec![(EventOutcome::Success, 1), (EventOutcome::Pending, 7)],
        },
    }
}

fn state() -> IngestState {
    IngestState {
        store: BreakerState::HalfOpen,
        queue: Some(BacklogState {
            breaker: BreakerState::Open,
            answers: false,
            is_full: false,
        }),
        spool: None,
        notification_queue: None,
        failing_partitions: vec!["audit_events_2026_11".to_owned()],
        queued_rows: 3,
    }
}

fn checks() -> Checks {
    Checks::new(true, state(), Some("always"))
}

/// A queue in use, and a spool that cannot be asked.
fn dead_letter_queue() -> DeadLetterQueue {
    let now = "2026-11-21T07:45:34Z".parse().unwrap();
    let consumer = Consumer {
        name: "replica-1".to_owned(),
        pending: 4,
        idle: Duration::from_millis(1_500),
    };
    let status = Status {
        entries: 30,
        entries_max: 100,
        bytes: 3,
        bytes_max: 4,
        deferred: 2,
        dead: 1,
        oldest: Some("2026-11-21T07:45:31.500Z".parse().unwrap()),
        consumers: vec![consumer],
    };
    let breaker = Some(BreakerState::Closed);
    DeadLetterQueue::new(
        state(),
        BacklogReport::new(breaker, Some("always"), Some(status), now),
        BacklogReport::new(breaker, None, None, now),
        BacklogReport::absent(),
    )
}

fn letter() -> LetterId {
    LetterId::parse("queue:1-0").unwrap()
}

fn dead_letters() -> DeadLetters {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let letter = |event_id: Option<Uuid>| DeadLetter {
        id: EntryId("1-0".to_owned()),
        event_id,
        notification_id: event_id.is_none().then(|| "nt-1".to_owned()),
        reason: "store refuses the row".to_owned(),
        buried_at: at,
        accepted_at: event_id.map(|_| at),
        history: vec![Setback {
            at,
            error: "deadlock".to_owned(),
        }],
        content: "{}".to_owned(),
    };
    let some = (BacklogName::Queue, letter(Some(Uuid::from_u128(1))));
    DeadLetters::new(Letters {
        letters: vec![some, (BacklogName::Spool, letter(None))],
        is_full: true,
        unreachable: vec![BacklogName::Queue],
    })
}

mod erased {
    /// Anything that can be written as JSON.
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

fn parsed(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[test]
fn texts_are_escaped_where_they_must_be() {
    let mut stored = full_event();
    for text in [
        "",
        "a\"b",
        "a\\b",
        "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}",
        "ü\u{7f}\u{2028}🚀/",
        "'; DROP TABLE audit_events; --",
    ] {
        stored.event.error_message = Some(text.to_owned());
        stored.event.resource_id = text.to_owned();
        let element = parsed(&stored_event(&stored));
        assert_eq!(element["error_message"], text);
        assert_eq!(element["resource_id"], text);
    }
}

#[test]
fn lists_of_any_length_are_lists() {
    let (mut found, page) = estimated_page();
    for events in (0..=2).rev() {
        found.items.truncate(events);
        let list = event_list(&found, &Pagination::new(&found, page, links()));
        let list = parsed(&list.unwrap());
        assert_eq!(list["data"].as_array().unwrap().len(), events);
        let lines = String::from_utf8(event_lines(&found.items)).unwrap();
        assert_eq!(lines.lines().count(), events);
        assert!(
            lines
                .lines()
                .all(|line| parsed(line.as_bytes()).is_object())
        );
    }
}

#[test]
fn a_payload_is_given_back_character_by_character() {
    let stored = full_event();
    let text = String::from_utf8(stored_event(&stored)).unwrap();
    assert!(
        text.contains(r#""event_data":{"n": 9007199254740993, "x": 1.10}"#),
        "{text}"
    );
    assert!(text.contains(r#""event_metadata":{"k": "v"}"#), "{text}");
}

#[track_caller]
fn check_time(given: &str, expected: &str) {
    let mut stored = full_event();
    stored.event.event_timestamp = given.parse().unwrap();
    let element = parsed(&stored_event(&stored));
    assert_eq!(element["event_timestamp"], expected);
}

#[test]
fn times_have_no_trailing_zeros() {
    check_time("2026-11-21T07:45:34.120500Z", "2026-11-21T07:45:34.1205Z");
    check_time("2026-11-21T07:45:34.000001Z", "2026-11-21T07:45:34.000001Z");
    check_time("2026-11-21T08:45:34.000+01:00", "2026-11-21T07:45:34Z");
}

#[test]
fn absent_values_are_null() {
    let stored = sparse_event();
    let element = parsed(&stored_event(&stored));
    let nulls = element
        .as_object()
        .unwrap()
        .values()
        .filter(|value| value.is_null())
        .count();
    assert_eq!(nulls, 13);
    assert_eq!(element["event_date"], "2026-11-21");
}

#[test]
fn a_created_event_is_answered_in_whole_seconds() {
    let (_, created) = samples().swap_remove(0);
    let expected = json!({
        "event_id": "00000000-0000-0000-0000-000000000001",
        "event_timestamp": "2026-11-21T07:45:34Z",
        "message": "Audit event created successfully",
        "status": "created",
    });
    assert_eq!(created, expected);
}

#[test]
fn a_created_batch_names_its_ids_in_order() {
    let id = "00000000-0000-0000-0000-000000000001";
    let expected = json!({
        "event_ids": [id, id],
        "message": "2 audit events created successfully",
        "status": "created",
    });
    assert_eq!(samples().swap_remove(1).1, expected);
}

#[track_caller]
fn check_pagination(total: Option<Total>, start: Start, links: Links, expected: Value) {
    let found = EventPage {
        items: vec![],
        total,
        has_more: links.next.is_some(),
        has_newer: links.prev.is_some(),
    };
    let page = Page {
        limit: 2,
        start,
        count: Count::Exact,
    };
    let pagination = Pagination::new(&found, page, links);
    assert_eq!(serde_json::to_value(pagination).unwrap(), expected);
}

#[test]
fn a_page_says_how_many_events_there_are_and_how_that_is_known() {
    let total = |is_estimate| {
        Some(Total {
            count: 12,
            is_estimate,
        })
    };
    let fourth = Start::Offset(4);
    let none = Links::default;
    check_pagination(
        total(false),
        fourth,
        none(),
        json!({"limit": 2, "offset": 4, "total": 12, "has_more": false}),
    );
    check_pagination(
        total(true),
        fourth,
        none(),
        json!({"limit": 2, "offset": 4, "total": 12, "total_is_estimate": true, "has_more": false}),
    );
    let links = Links {
        next: Some("n".to_owned()),
        prev: Some("p".to_owned()),
    };
    check_pagination(
        None,
        Start::Newest,
        links,
        json!({"limit": 2, "has_more": true, "next": "n", "prev": "p"}),
    );
}

#[test]
fn a_remediation_tells_what_each_event_led_to() {
    let answer = sample("Correlation");
    let event = &answer["data"][0];
    assert_eq!(event["child_count"], 7);
    assert_eq!(event["child_event_ids"], json!([Uuid::from_u128(9)]));
    assert_eq!(event["event_data"]["n"], 9_007_199_254_740_993_i64);
    assert_eq!(answer["by_outcome"], json!({"success": 1, "pending": 7}));
    assert_eq!(answer["by_category"], json!({"gateway": 8}));
    let expected = json!({"limit": 2, "has_more": true, "next": "/events?cursor=a"});
    assert_eq!(answer["pagination"], expected);
}

/// The sample that is the answer named `schema`.
fn sample(schema: &str) -> Value {
    let mut samples = samples().into_iter();
    samples.find(|(name, _)| *name == schema).unwrap().1
}

#[test]
fn a_parked_event_is_answered_as_the_first_contract_does_and_with_its_id() {
    let id = "00000000-0000-0000-0000-000000000001";
    let expected = json!({
        "event_id": id,
        "event_timestamp": "2026-11-21T07:45:34Z",
        "message": "audit event queued for async processing",
        "status": "accepted",
    });
    assert_eq!(sample("AuditEventAccepted"), expected);
    let expected = json!({
        "event_ids": [id, id],
        "message": "2 audit events queued for async processing",
        "status": "accepted",
    });
    assert_eq!(sample("AuditEventsAccepted"), expected);
}

#[test]
fn a_backlog_is_as_full_as_its_fuller_measure() {
    let report = sample("DeadLetterQueue");
    assert_eq!(report["queue"]["ratio"], 0.75);
    assert_eq!(report["queue"]["oldest_age_seconds"], 2.5);
    assert_eq!(report["queue"]["consumers"][0]["idle_seconds"], 1.5);
    let unreachable = json!({"configured": true, "breaker": "closed", "reachable": false});
    assert_eq!(report["spool"], unreachable);
    let absent = serde_json::to_value(BacklogReport::absent()).unwrap();
    assert_eq!(absent, json!({"configured": false}));
}

#[test]
fn a_page_of_dead_letters_names_the_last_one_when_there_may_be_more() {
    let page = sample("DeadLetterList");
    assert_eq!(page["dead_letters"][0]["id"], "queue:1-0");
    assert_eq!(page["next"], "spool:1-0");
    let last = DeadLetters::new(Letters::default());
    let expected = json!({"dead_letters": [], "next": null, "unreachable": []});
    assert_eq!(serde_json::to_value(last).unwrap(), expected);
}
