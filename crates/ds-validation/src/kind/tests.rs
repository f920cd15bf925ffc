//! Events that are like others of their type, and events that are not.

use ds_domain::kind::all;
use serde_json::{Value, json};

use super::*;
use crate::{Rejection, ValidEvent, parse_batch, parse_event, validate};

/// The catalogue of event types, one sample a line.
const CATALOGUE: &str = include_str!("../../../../fixtures/event-types.jsonl");

const NOW: &str = "2026-11-21T10:00:00Z";

fn limits(mode: KindMode) -> Limits {
    Limits {
        event_kinds: mode,
        ..Limits::default()
    }
}

fn body(event_type: &str, category: &str, action: &str, data: &str) -> String {
    format!(
        r#"{{"event_data":{data},"version":"1.0","event_type":"{event_type}",
            "event_timestamp":"{NOW}","event_category":"{category}","event_action":"{action}",
            "event_outcome":"success","correlation_id":"c"}}"#
    )
}

fn parse(body: &str, mode: KindMode) -> Result<ValidEvent, Rejection> {
    parse_event(body.as_bytes(), NOW.parse().unwrap(), &limits(mode))
}

/// What a comparison finds, as rule and pointer.
fn findings(body: &str) -> Vec<(&'static str, String)> {
    match parse(body, KindMode::Warn).unwrap().kind() {
        KindCheck::Known(findings) => findings
            .iter()
            .map(|one| (one.rule().as_str(), one.pointer()))
            .collect(),
        other @ (KindCheck::Off | KindCheck::Unknown) => panic!("{other:?}"),
    }
}

/// Compares the payload of a received signal, the kind with the most shapes.
#[track_caller]
fn check_signal(data: &str, expected: &[(&str, &str)]) {
    let body = body("gateway.signal.received", "gateway", "received", data);
    let expected: Vec<(&str, String)> = expected
        .iter()
        .map(|(rule, pointer)| (*rule, (*pointer).to_owned()))
        .collect();
    assert_eq!(findings(&body), expected, "{data}");
}

#[test]
fn the_catalogue_is_like_itself() {
    for line in CATALOGUE.lines() {
        let sample: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| sample[name].as_str().unwrap().to_owned();
        let (event_type, category) = (text("event_type"), text("event_category"));
        let data = sample["data"].to_string();
        let body = body(&event_type, &category, &text("event_action"), &data);
        assert_eq!(findings(&body), [], "{line}");
        assert!(parse(&body, KindMode::Enforce).is_ok(), "{line}");
    }
}

#[test]
fn every_example_is_like_its_kind() {
    for kind in all() {
        for action in kind.actions {
            let body = body(
                kind.event_type,
                kind.category.as_str(),
                action,
                kind.example,
            );
            assert_eq!(findings(&body), [], "{}", kind.event_type);
        }
    }
}

#[test]
fn a_payload_fits_when_it_fits_one_shape() {
    check_signal(
        r#"{"gateway":{"signal_type":"prometheus","namespace":"shop","occurrence_count":2}}"#,
        &[],
    );
    check_signal(
        r#"{"version":"1.0","service":"gateway","event_type":"x","timestamp":"t",
            "data":{"gateway":{"signal_type":"prometheus","storm_detected":false,
            "labels":{"a":"b"},"priority":null}}}"#,
        &[],
    );
    check_signal(
        r#"{"alert_name":"a","signal_fingerprint":"f","namespace":"n","cluster":"c",
            "is_duplicate":true,"action":"x","unknown":{"gateway":7}}"#,
        &[],
    );
}

#[test]
fn differences_are_those_from_the_shape_that_is_most_alike() {
    check_signal(
        r#"{"gateway":{"signal_type":7,"occurrence_count":1.5}}"#,
        &[
            ("payload_member_type", "/event_data/gateway/signal_type"),
            ("payload_member_missing", "/event_data/gateway/namespace"),
            (
                "payload_member_type",
                "/event_data/gateway/occurrence_count",
            ),
        ],
    );
    check_signal(
        r#"{"alert_name":"a","signal_fingerprint":"f","namespace":null,"cluster":"c",
            "is_duplicate":"true"}"#,
        &[
            ("payload_member_type", "/event_data/namespace"),
            ("payload_member_type", "/event_data/is_duplicate"),
            ("payload_member_missing", "/event_data/action"),
        ],
    );
    check_signal(
        r#"{"data":{"gateway":{"signal_type":"a","storm_detected":true,"labels":{"a":1}}},
            "version":"1","service":"s","event_type":"e","timestamp":"t"}"#,
        &[("payload_member_type", "/event_data/data/gateway/labels")],
    );
    let first = "signal_fingerprint";
    let found = findings(&body(
        "gateway.signal.received",
        "gateway",
        "received",
        "{}",
    ));
    assert_eq!(found.len(), 6);
    assert_eq!(found[1].1, format!("/event_data/{first}"));
}

#[test]
fn members_inside_arrays_and_other_objects_are_not_taken_for_the_payload_s() {
    check_signal(
        r#"{"x":[{"gateway":{"signal_type":"a","namespace":"b"}}],
            "y":{"gateway":{"signal_type":"a","namespace":"b"}},
            "gateway":{"deep":{"namespace":"n"},"signal_type":"a"}}"#,
        &[("payload_member_missing", "/event_data/gateway/namespace")],
    );
}

#[test]
fn arrays_are_compared_by_what_they_hold() {
    let check = |labels: &str, expected: usize| {
        let data = format!(
            r#"{{"signal_id":"s","enricher_type":"e","input_labels":{labels},"expected_output":"o"}}"#
        );
        let event_type = "signalprocessing.enrichment.started";
        let body = body(event_type, "signalprocessing", "started", &data);
        assert_eq!(findings(&body).len(), expected, "{labels}");
    };
    check("[]", 0);
    check(r#"["a","b"]"#, 0);
    check(r#"["a",1]"#, 1);
    check("[[]]", 1);
    check("{}", 1);
}

#[test]
fn category_and_action_are_compared() {
    let data = all().next().unwrap().example;
    let body = body("gateway.signal.received", "workflow", "sent", data);
    let expected = [
        ("unexpected_category", "/event_category".to_owned()),
        ("unexpected_action", "/event_action".to_owned()),
    ];
    assert_eq!(findings(&body), expected);
}

#[test]
fn an_event_of_an_unknown_type_is_as_good_as_any() {
    let body = body("some.other.event", "gateway", "done", "{}");
    for mode in [KindMode::Warn, KindMode::Enforce] {
        let event = parse(&body, mode).unwrap();
        assert_eq!(*event.kind(), KindCheck::Unknown);
    }
}

#[test]
fn nothing_is_compared_unless_it_is_wanted() {
    let body = body("gateway.signal.received", "workflow", "sent", "{}");
    let event = parse(&body, KindMode::Off).unwrap();
    assert_eq!(*event.kind(), KindCheck::Off);
    assert_eq!(Limits::widest().event_kinds, KindMode::Off);
    assert_eq!(Limits::default().event_kinds, KindMode::Warn);
}

#[test]
fn enforcing_refuses_with_pointers_and_without_values() {
    let data = r#"{"gateway":{"signal_type":["hunter2"],"namespace":"n"}}"#;
    let body = body("gateway.signal.received", "gateway", "hunter2", data);
    let Err(Rejection::Invalid(found)) = parse(&body, KindMode::Enforce) else {
        panic!("is refused");
    };
    let lines: Vec<String> = found
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                one.pointer,
                one.field,
                one.rule.as_str(),
                one.message
            )
        })
        .collect();
    let expected = [
        "/event_action event_action unexpected_action events of type gateway.signal.received have \
         one of the actions [\"received\"]",
        "/event_data/gateway/signal_type event_data payload_member_type value of \
         gateway.signal.received must be a string",
    ];
    assert_eq!(lines, expected);

    let batch = format!("[{body},{body}]");
    let now = NOW.parse().unwrap();
    let Err(Rejection::Invalid(found)) =
        parse_batch(batch.as_bytes(), now, &limits(KindMode::Enforce))
    else {
        panic!("is refused");
    };
    let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
    let expected = [
        "/0/event_action",
        "/0/event_data/gateway/signal_type",
        "/1/event_action",
        "/1/event_data/gateway/signal_type",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn a_value_that_breaks_a_rule_is_reported_once() {
    let body = body("gateway.signal.received", "nothing", "received", "[]");
    let Err(Rejection::Invalid(found)) = parse(&body, KindMode::Enforce) else {
        panic!("is refused");
    };
    let rules: Vec<Rule> = found.iter().map(|one| one.rule).collect();
    assert_eq!(rules, [Rule::Enum, Rule::Type]);
}

#[test]
fn a_draft_that_was_not_read_from_a_body_is_compared_as_well() {
    let data = json!({"gateway": {"signal_type": "prometheus"}}).to_string();
    let draft = EventDraft {
        version: Some("1.0".to_owned()),
        event_type: Some("gateway.signal.received".to_owned()),
        event_timestamp: Some(NOW.parse().unwrap()),
        event_category: Some("gateway".to_owned()),
        event_action: Some("received".to_owned()),
        event_outcome: Some("success".to_owned()),
        correlation_id: Some("c".to_owned()),
        event_data: Some(ds_domain::json::JsonObject::from_checked_text(data)),
        ..EventDraft::default()
    };
    let now = NOW.parse().unwrap();
    let event = validate(draft.clone(), now, &limits(KindMode::Warn)).unwrap();
    let KindCheck::Known(findings) = event.kind() else {
        panic!("is known");
    };
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].pointer(), "/event_data/gateway/namespace");
    let found = validate(draft, now, &limits(KindMode::Enforce)).unwrap_err();
    assert_eq!(
        found.iter().next().unwrap().rule,
        Rule::PayloadMemberMissing
    );
}
