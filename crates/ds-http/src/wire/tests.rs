//! The wire forms, member by member.

use ds_domain::event::{Event, EventCategory, EventOutcome, Parent};
use jiff::civil::date;
use serde_json::{Value, json};

use super::*;

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
    let recorded = Recorded {
        event_id: Uuid::from_u128(1),
        event_timestamp: "2026-11-21T07:45:34.999999Z".parse().unwrap(),
    };
    let found = EventPage {
        events: vec![full_event(), sparse_event()],
        total: 12,
    };
    let page = Page {
        limit: 2,
        offset: 4,
    };
    let value = |value: &dyn erased::Json| value.json();
    vec![
        ("AuditEventCreated", value(&EventCreated::new(recorded))),
        (
            "AuditEventsCreated",
            value(&BatchCreated::new(&[recorded, recorded])),
        ),
        (
            "AuditEventList",
            value(&EventList::new(&found, page).unwrap()),
        ),
        (
            "AuditEvent",
            value(&EventElement::new(&found.events[0]).unwrap()),
        ),
        (
            "AuditEvent",
            value(&EventElement::new(&found.events[1]).unwrap()),
        ),
        ("Health", value(&Health::healthy("1"))),
        ("Health", value(&Health::unhealthy("1"))),
        ("Readiness", value(&Ready::yes())),
        ("Readiness", value(&Ready::no("starting"))),
        ("Liveness", value(&Alive::default())),
    ]
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

#[test]
fn a_payload_is_given_back_character_by_character() {
    let stored = full_event();
    let text = serde_json::to_string(&EventElement::new(&stored).unwrap()).unwrap();
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
    let element = serde_json::to_value(EventElement::new(&stored).unwrap()).unwrap();
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
    let element = serde_json::to_value(EventElement::new(&stored).unwrap()).unwrap();
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
fn check_more(offset: u64, total: u64, expected: bool) {
    let found = EventPage {
        events: vec![full_event(), sparse_event()],
        total,
    };
    let list = EventList::new(&found, Page { limit: 2, offset }).unwrap();
    let pagination = serde_json::to_value(list).unwrap()["pagination"].clone();
    let expected = json!({"limit": 2, "offset": offset, "total": total, "has_more": expected});
    assert_eq!(pagination, expected);
}

#[test]
fn a_page_says_whether_there_is_more() {
    check_more(0, 2, false);
    check_more(0, 3, true);
    check_more(10, 12, false);
    check_more(10, 13, true);
    check_more(u64::MAX, 3, false);
}
