//! The wire forms of events.

use ds_domain::{
    event::{Event, EventCategory, EventOutcome, Parent},
    json::JsonObject,
};
use ds_repository::timeline::{Children, Summary, Timeline};
use jiff::civil::date;
use serde_json::{Value, json};

use super::{erased, estimated_page, links, parsed, sample, samples as all};
use crate::wire::*;

/// An event with a value in every member.
pub(super) fn full_event() -> StoredEvent {
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
pub(super) fn sparse_event() -> StoredEvent {
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

pub(super) fn samples() -> Vec<(&'static str, Value)> {
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
    let (_, created) = all().swap_remove(0);
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
    assert_eq!(all().swap_remove(1).1, expected);
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
