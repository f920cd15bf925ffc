//! Records that come again under other settings than they were stored with.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Limits, MarkupMode, NewEvent, SecretMode, parse_event};

const NOW: &str = "2026-11-21T10:00:00Z";
const ID: &str = "01931c5e-7f00-7000-8000-000000000001";

fn limits(secrets: SecretMode, markup: MarkupMode) -> Limits {
    Limits {
        secrets,
        markup,
        ..Limits::default()
    }
}

/// An event of these members, whose payload is this text.
fn event(changes: &Value, payload: &str, limits: &Limits) -> NewEvent {
    let mut event = json!({
        "event_id": ID, "version": "1.0", "event_type": "gateway.signal.received",
        "event_timestamp": NOW, "event_category": "gateway", "event_action": "received",
        "event_outcome": "success", "correlation_id": "rr-1",
    });
    let members = event.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    let text = event.to_string();
    let text = format!(r#"{},"event_data":{payload}}}"#, &text[..text.len() - 1]);
    let parsed = parse_event(text.as_bytes(), NOW.parse().unwrap(), limits);
    parsed
        .unwrap_or_else(|rejection| panic!("{rejection:?} for {text}"))
        .identify(|| unreachable!("it has one"), None)
}

/// Every way to treat an event that accepts it.
fn settings() -> Vec<Limits> {
    let mut settings = Vec::new();
    for secrets in [SecretMode::Redact, SecretMode::Off] {
        for markup in [MarkupMode::Flag, MarkupMode::Off] {
            settings.push(limits(secrets, markup));
        }
    }
    settings
}

#[track_caller]
fn check_same(changes: &Value, payload: &str, again: &str) {
    for before in settings() {
        let stored = event(changes, payload, &before);
        for now in settings() {
            let sent = event(changes, again, &now);
            assert!(sent.repeats(stored.event()), "{before:?} {now:?}");
        }
    }
}

#[test]
fn what_the_service_did_to_an_event_does_not_make_it_another() {
    let payload = r#"{"password":"hunter2Xyz","n":[1.50,"<script>"]}"#;
    check_same(&json!({}), payload, payload);
    let again = "{ \"n\":[15e-1,\"<scr\\u0069pt>\"], \"password\":\"hunter2Xyz\" }";
    check_same(&json!({}), payload, again);
    let texts = json!({
        "error_message": "dial redis://:hunter2@cache: refused", "actor_id": "token=abc123",
        "error_code": format!("{} pwd=x", "e".repeat(44)), "resource_name": "' OR '1'='1",
        "event_metadata": { "note": "password=hunter2", "flags": ["mine"] },
    });
    check_same(&texts, payload, payload);
}

#[test]
fn the_order_of_names_that_hold_secrets_does_not_count() {
    check_same(
        &json!({}),
        r#"{"pwd=one":1,"pwd=two":{"password":4711e2},"a":{"name":"pwd","value":"x","Value":"y"}}"#,
        r#"{"a":{"Value":"y","value":"x","name":"pwd"},"pwd=two":{"password":471100},"pwd=one":1}"#,
    );
}

#[test]
fn names_that_another_release_counted_are_the_same() {
    let earlier = event(
        &json!({}),
        r##"{"pwd=[REDACTED]#2":1,"pwd=[REDACTED]#7":2}"##,
        &Limits::default(),
    );
    let sent = event(&json!({}), r#"{"pwd=x":1,"pwd=y":2}"#, &Limits::default());
    assert!(sent.repeats(earlier.event()));
    // A release that knew fewer secrets took fewer of them out.
    let earlier = event(
        &json!({ "error_message": "password=[REDACTED]" }),
        r#"{"password":"hunter2Xyz"}"#,
        &limits(SecretMode::Off, MarkupMode::Off),
    );
    let message = json!({ "error_message": "password=letmein" });
    let sent = event(&message, r#"{"password":"hunter2Xyz"}"#, &Limits::default());
    assert!(sent.repeats(earlier.event()));
}

#[test]
fn metadata_that_says_nothing_is_none() {
    let stored = event(&json!({}), "{}", &Limits::default());
    for metadata in [json!({}), json!({ "flags": [] }), Value::Null] {
        let again = json!({ "event_metadata": metadata });
        let sent = event(&again, "{}", &Limits::default());
        assert!(sent.repeats(stored.event()), "{metadata}");
        assert!(stored.repeats(sent.event()), "{metadata}");
    }
}

#[test]
fn other_content_is_another_event() {
    let payload = r#"{"password":"hunter2Xyz","n":1}"#;
    for now in settings() {
        let stored = event(&json!({ "event_metadata": { "a": 1 } }), payload, &now);
        for (changes, payload) in [
            (
                json!({ "event_metadata": { "a": 1 } }),
                r#"{"password":"hunter2Xyz","n":2}"#,
            ),
            (
                json!({ "event_metadata": { "a": 1 } }),
                r#"{"password":"hunter2Xyz","n":1,"m":1}"#,
            ),
            (
                json!({ "event_metadata": { "a": 1 } }),
                r#"{"passwort":"hunter2Xyz","n":1}"#,
            ),
            (
                json!({ "event_metadata": { "a": 1, "flags": [1] } }),
                payload,
            ),
            (json!({}), payload),
            (
                json!({ "event_metadata": { "a": 1 }, "severity": "high" }),
                payload,
            ),
            (
                json!({ "event_metadata": { "a": 1 }, "is_sensitive": true }),
                payload,
            ),
            (
                json!({ "event_metadata": { "a": 1 }, "error_message": "password=x" }),
                payload,
            ),
            (
                json!({ "event_metadata": { "a": 1 }, "trace_id": "t" }),
                payload,
            ),
        ] {
            let sent = event(&changes, payload, &now);
            assert!(!sent.repeats(stored.event()), "{changes} {payload}");
        }
    }
}

#[test]
fn what_is_kept_with_its_secrets_is_told_apart_by_them() {
    let kept = limits(SecretMode::Off, MarkupMode::Off);
    let [one, two] = ["one1", "two2"].map(|secret| format!(r#"{{"password":"{secret}"}}"#));
    let stored = event(&json!({}), &one, &kept);
    assert!(!event(&json!({}), &two, &kept).repeats(stored.event()));
    // Where one is gone, nobody can say.
    assert!(event(&json!({}), &two, &Limits::default()).repeats(stored.event()));
}

/// `value` with the members of every object in the opposite order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(reversed).collect();
            format!("[{}]", items.join(" , "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{} : {}", Value::from(name.as_str()), reversed(value))
            };
            let members: Vec<String> = members.iter().rev().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

proptest! {
    #[test]
    fn any_event_is_known_again_under_any_settings(document in crate::screen::tests::documents()) {
        let sent = document.to_string();
        let again = reversed(&document);
        let metadata = json!({ "event_metadata": document });
        for before in settings() {
            let stored = event(&metadata, &sent, &before);
            for now in settings() {
                let sent = event(&metadata, &again, &now);
                prop_assert!(sent.repeats(stored.event()), "{:?} {:?}", before, now);
            }
        }
    }
}

#[cfg(feature = "notifications")]
mod records {
    use super::*;
    use crate::{parse_delivery, parse_notification};

    const MESSAGE: &str = "Authorization: Bearer 9944b09199c62bcf9418";

    #[test]
    fn a_notification_is_known_again() {
        let parse = |message: &str, secrets| {
            let text = json!({
                "remediation_id": "rr-1", "notification_id": "nt-1", "channel": "slack",
                "status": "failed", "recipient": "#ops", "sent_at": NOW,
                "message_summary": message, "error_message": message,
            });
            let limits = limits(secrets, MarkupMode::Flag);
            parse_notification(text.to_string().as_bytes(), NOW.parse().unwrap(), &limits).unwrap()
        };
        let all = [SecretMode::Redact, SecretMode::Off];
        for (before, now) in all.iter().flat_map(|before| all.map(|now| (*before, now))) {
            let stored = parse(MESSAGE, before);
            assert!(
                parse(MESSAGE, now).repeats(stored.notification()),
                "{before:?} {now:?}"
            );
            assert!(!parse("other", now).repeats(stored.notification()));
        }
    }

    #[test]
    fn a_delivery_is_known_again() {
        let parse = |message: &str, secrets| {
            let text = json!({
                "attempt": 1, "status": "failed", "occurred_at": NOW, "error_message": message,
            });
            let limits = limits(secrets, MarkupMode::Flag);
            parse_delivery(text.to_string().as_bytes(), NOW.parse().unwrap(), &limits).unwrap()
        };
        let stored = parse(MESSAGE, SecretMode::Redact);
        assert!(parse(MESSAGE, SecretMode::Off).repeats(stored.delivery()));
        assert!(stored.repeats(parse(MESSAGE, SecretMode::Off).delivery()));
        assert!(!parse("other", SecretMode::Off).repeats(stored.delivery()));
    }
}
