//! Every rule with a body that keeps it and one that breaks it.

use crate::{Limits, Rejection, Rule, ValidEvent, parse_event};

const NOW: &str = "2026-11-21T10:00:00Z";

/// A valid event with the members in `changes` replaced; a JSON text of `-` removes one.
fn body(changes: &[(&str, &str)]) -> String {
    let mut members = vec![
        ("version", r#""1.0""#),
        ("event_type", r#""gateway.signal.received""#),
        ("event_timestamp", r#""2026-11-21T10:00:00Z""#),
        ("event_category", r#""gateway""#),
        ("event_action", r#""received""#),
        ("event_outcome", r#""success""#),
        ("correlation_id", r#""rr-1""#),
        ("event_data", r#"{"a":1}"#),
    ];
    for (name, text) in changes {
        members.retain(|(member, _)| member != name);
        if *text != "-" {
            members.push((name, text));
        }
    }
    let members: Vec<_> = members
        .iter()
        .map(|(name, text)| format!("\"{name}\":{text}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn parse(changes: &[(&str, &str)]) -> Result<ValidEvent, Rejection> {
    parse_event(
        body(changes).as_bytes(),
        NOW.parse().unwrap(),
        &Limits::default(),
    )
}

#[track_caller]
fn accepts(name: &str, text: &str) {
    if let Err(rejection) = parse(&[(name, text)]) {
        panic!("{name}: {text} is refused: {rejection:?}");
    }
}

#[track_caller]
fn refuses(name: &str, text: &str, rule: Rule, message: &str) {
    match parse(&[(name, text)]) {
        Err(Rejection::Invalid(found)) => {
            let found: Vec<_> = found
                .iter()
                .map(|one| {
                    (
                        one.pointer.as_str(),
                        one.field,
                        one.rule,
                        one.message.as_str(),
                    )
                })
                .collect();
            assert_eq!(
                found,
                [(format!("/{name}").as_str(), name, rule, message)],
                "{text}"
            );
        }
        other => panic!("{name}: {text} gives {other:?}"),
    }
}

#[test]
fn required_members_must_be_there() {
    for name in [
        "version",
        "event_type",
        "event_timestamp",
        "event_category",
        "event_action",
        "event_outcome",
        "correlation_id",
        "event_data",
    ] {
        refuses(
            name,
            "-",
            Rule::Required,
            &format!("property \"{name}\" is missing"),
        );
        refuses(name, "null", Rule::Null, "Value is not nullable");
    }
}

#[test]
fn what_is_missing_is_listed_last_and_in_the_order_of_the_document() {
    let body = r#"{"severity":7,"event_data":null,"event_outcome":"","version":""}"#;
    let now = NOW.parse().unwrap();
    let Err(Rejection::Invalid(found)) = parse_event(body.as_bytes(), now, &Limits::default())
    else {
        panic!("is accepted");
    };
    let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
    let present = ["/event_data", "/event_outcome", "/severity", "/version"];
    let missing = [
        "/event_type",
        "/event_timestamp",
        "/event_category",
        "/event_action",
        "/correlation_id",
    ];
    assert_eq!(pointers, [&present[..], &missing[..]].concat());
}

#[test]
fn texts_have_the_bounds_of_their_columns() {
    for field in ds_domain::limit::EVENT_TEXT_FIELDS {
        let Some(max) = field.chars_max else { continue };
        if matches!(field.name, "event_category" | "event_outcome") {
            continue;
        }
        accepts(field.name, &format!("\"{}\"", "é".repeat(max)));
        let message = format!("maximum string length is {max}");
        refuses(
            field.name,
            &format!("\"{}\"", "é".repeat(max + 1)),
            Rule::TooLong,
            &message,
        );
        refuses(field.name, "7", Rule::Type, "value must be a string");
        refuses(
            field.name,
            r#""a\u0000b""#,
            Rule::Nul,
            "string contains a NUL character",
        );
        match (field.required, field.nullable) {
            (true, _) => {
                refuses(
                    field.name,
                    r#""""#,
                    Rule::Empty,
                    "minimum string length is 1",
                );
            }
            (false, true) => accepts(field.name, "null"),
            (false, false) => refuses(field.name, "null", Rule::Null, "Value is not nullable"),
        }
    }
}

#[test]
fn closed_sets_are_closed() {
    accepts("event_category", r#""orchestration""#);
    let categories = r#"value is not one of the allowed values ["gateway","notification","analysis","signalprocessing","workflow","execution","orchestration"]"#;
    refuses(
        "event_category",
        r#""workflow_catalog""#,
        Rule::Enum,
        categories,
    );
    let outcomes = r#"value is not one of the allowed values ["success","failure","pending"]"#;
    refuses("event_outcome", r#""SUCCESS""#, Rule::Enum, outcomes);
}

#[test]
fn timestamps_are_rfc_3339_within_the_window() {
    accepts("event_timestamp", r#""2026-11-21T10:05:00Z""#);
    accepts("event_timestamp", r#""2026-11-14T10:00:00Z""#);
    accepts(
        "event_timestamp",
        r#""2026-11-21T12:00:00.123456789+02:00""#,
    );
    let future = "invalid timestamp: timestamp is in the future (server time: 2026-11-21T10:00:00Z, event time: 2026-11-21T10:05:01Z)";
    refuses(
        "event_timestamp",
        r#""2026-11-21T10:05:01Z""#,
        Rule::Future,
        future,
    );
    let old = "invalid timestamp: timestamp is too old (must be within 7 days, age: 168h0m0.5s)";
    refuses(
        "event_timestamp",
        r#""2026-11-14T09:59:59.5Z""#,
        Rule::TooOld,
        old,
    );
    let format = r#"string doesn't match the format "date-time""#;
    for text in [
        "2026-11-21 10:00:00Z",
        "2026-11-21t10:00:00z",
        "2026-13-30T10:00:00Z",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00Z",
        "now",
        "",
        "２026-11-21T10:00:00Z",
    ] {
        refuses(
            "event_timestamp",
            &format!("\"{text}\""),
            Rule::Format,
            format,
        );
    }
    for (text, flaw) in [
        ("2026-11-21T10:00:00", "offset is missing"),
        ("2026-11-21T09:59:60Z", "second is out of range"),
        ("2026-02-30T10:00:00Z", "day is out of range"),
    ] {
        let message = format!("invalid time: {flaw}");
        refuses(
            "event_timestamp",
            &format!("\"{text}\""),
            Rule::Time,
            &message,
        );
    }
    refuses(
        "event_timestamp",
        "1763719200",
        Rule::Type,
        "value must be a string",
    );
}

#[test]
fn typed_members_have_their_types() {
    accepts("event_id", r#""01931c5e-7f00-7000-8000-000000000001""#);
    for (id, message) in [
        ("abc", "invalid UUID length: 3"),
        (
            "01931c5e7f0070008000000000000001",
            "invalid UUID length: 32",
        ),
        (
            "01931c5e-7f00-7000-8000-00000000000g",
            "invalid UUID format",
        ),
        (
            "01931c5e-7f00-7000-80000-0000000000g",
            "invalid UUID format",
        ),
    ] {
        refuses("event_id", &format!("\"{id}\""), Rule::Format, message);
    }
    accepts("event_id", "null");
    accepts("duration_ms", "0");
    accepts("duration_ms", "2147483647");
    accepts("duration_ms", "125.00");
    refuses("duration_ms", "1e3", Rule::Type, "value must be an integer");
    refuses(
        "duration_ms",
        "1.0e3",
        Rule::Type,
        "value must be an integer",
    );
    refuses(
        "duration_ms",
        r#""1.0""#,
        Rule::Type,
        "value must be an integer",
    );
    refuses(
        "duration_ms",
        "2147483648",
        Rule::Range,
        "number must be at most 2147483647",
    );
    refuses(
        "duration_ms",
        "-1",
        Rule::Range,
        "number must be at least 0",
    );
    refuses("duration_ms", "1.5", Rule::Type, "value must be an integer");
    refuses(
        "duration_ms",
        "99999999999999999999",
        Rule::Range,
        "number is out of range",
    );
    refuses(
        "retention_days",
        "0",
        Rule::Range,
        "number must be at least 1",
    );
}

#[test]
fn bounds_come_with_what_was_measured_against_them() {
    let long = format!("\"{}\"", "ü".repeat(101));
    for (name, text, bound, actual) in [
        ("duration_ms", "-1", 0, -1),
        ("duration_ms", "2147483648", 2_147_483_647, 2_147_483_648),
        ("retention_days", "0", 1, 0),
        ("event_type", &long, 100, 101),
        ("event_type", "\"\"", 1, 0),
    ] {
        let Err(Rejection::Invalid(found)) = parse(&[(name, text)]) else {
            panic!("{name}: {text} is not refused");
        };
        let measured = found.iter().map(|one| (one.bound, one.actual));
        let expected = vec![(Some(bound), Some(actual))];
        assert_eq!(measured.collect::<Vec<_>>(), expected, "{name}: {text}");
    }
}

#[test]
fn other_members_have_their_types() {
    accepts("actor_ip", r#""2001:db8::1""#);
    refuses(
        "actor_ip",
        r#""10.0.0""#,
        Rule::Format,
        r#"string doesn't match the format "ip""#,
    );
    refuses(
        "is_sensitive",
        r#""true""#,
        Rule::Type,
        "value must be a boolean",
    );
    accepts("event_data", "{}");
    refuses("event_data", "[]", Rule::Type, "value must be an object");
    refuses(
        "event_data",
        r#""{}""#,
        Rule::Type,
        "value must be an object",
    );
    accepts("unknown_member", "[1]");
}

#[test]
fn an_event_is_not_its_own_parent() {
    let id = r#""01931c5e-7f00-7000-8000-000000000001""#;
    let Err(Rejection::Invalid(found)) = parse(&[("event_id", id), ("parent_event_id", id)]) else {
        panic!("is accepted");
    };
    assert_eq!(found.iter().next().unwrap().rule, Rule::ParentCycle);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let Err(Rejection::Invalid(found)) = parse(&[
        ("version", "-"),
        ("event_type", r#""""#),
        ("event_outcome", "1"),
        ("event_data", r#"{"a":1,"a":2}"#),
    ]) else {
        panic!("is accepted");
    };
    let pointers: Vec<_> = found.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/event_data/a", "/event_outcome", "/event_type", "/version"]
    );
}

#[test]
fn a_member_that_is_named_twice_is_refused() {
    let twice = body(&[]).replacen('{', r#"{"version":"0.9","#, 1);
    let result = parse_event(twice.as_bytes(), NOW.parse().unwrap(), &Limits::default());
    let Err(Rejection::Invalid(found)) = result else {
        panic!("is accepted")
    };
    assert_eq!(
        found.to_string(),
        "Error at \"/version\": object names this member twice"
    );
}

#[test]
fn defaults_are_those_of_the_contract() {
    let event = parse(&[]).unwrap().event;
    assert_eq!(event.actor_type, "service");
    assert_eq!(event.actor_id, "gateway-service");
    assert_eq!(event.resource_type, "gateway");
    assert_eq!(event.resource_id, "rr-1");
    assert_eq!(event.severity.as_deref(), Some("info"));
    assert_eq!(event.retention_days, 2555);
    assert_eq!((event.duration_ms, event.is_sensitive), (None, false));
    let event = parse(&[("severity", r#""""#), ("actor_id", r#""""#)])
        .unwrap()
        .event;
    assert_eq!(event.severity, None);
    assert_eq!(event.actor_id, "gateway-service");
}

#[test]
fn payloads_are_kept_as_received() {
    let data = "{ \"big\":9007199254740993,\"d\":0.1000, \"e\":1E2}";
    let event = parse(&[("event_data", data)]).unwrap().event;
    assert_eq!(event.event_data.as_str(), data);
}
