//! Whatever is accepted comes back from PostgreSQL as it was sent.

use std::collections::BTreeMap;

use ds_domain::{json::JsonObject, limit};
use ds_validation::{Limits, NewEvent, parse_event};
use jiff::Timestamp;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use crate::event::{append, assert_same, repository};

/// Events that are tried; they are stored in one batch.
const EVENTS: usize = 400;

/// A member of a request: its name and its JSON text.
type Member = (String, String);

/// Text of any characters but NUL, often as long as it may be.
fn text(chars_min: usize, chars_max: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        6 => any::<char>(),
        3 => (1_u8..0x80).prop_map(char::from),
        1 => Just('\\'),
    ];
    let character = character.prop_filter("NUL cannot be stored", |c| *c != '\0');
    let length = prop_oneof![4 => chars_min..=chars_max.min(12), 1 => Just(chars_max)];
    length.prop_flat_map(move |length| {
        vec(character.clone(), length).prop_map(|chars| chars.into_iter().collect())
    })
}

/// The text members that are not words of a closed set.
fn texts() -> Vec<BoxedStrategy<Option<Member>>> {
    let free = limit::EVENT_TEXT_FIELDS
        .iter()
        .filter(|field| !["event_category", "event_outcome"].contains(&field.name));
    let member_of = |field: &limit::TextField| {
        let name = field.name.to_owned();
        let chars_max = field.chars_max.unwrap_or(300).min(300);
        let value = text(usize::from(field.required), chars_max);
        let member = value.prop_map(move |text| (name.clone(), json!(text).to_string()));
        if field.required {
            member.prop_map(Some).boxed()
        } else {
            option::of(member).boxed()
        }
    };
    free.map(member_of).collect()
}

fn optional(
    name: &'static str,
    value: BoxedStrategy<String>,
) -> impl Strategy<Value = Option<Member>> {
    option::of(value.prop_map(move |value| (name.to_owned(), value)))
}

/// The optional members that are no text.
fn typed() -> impl Strategy<Value = Vec<Option<Member>>> {
    let ip = any::<std::net::IpAddr>().prop_map(|ip| json!(ip).to_string());
    let duration = (0..=i32::MAX).prop_map(|millis| millis.to_string());
    let retention = (1..=limit::RETENTION_DAYS_MAX).prop_map(|days| days.to_string());
    let flag = any::<bool>().prop_map(|flag| flag.to_string());
    let members = (
        optional("event_metadata", payload().boxed()),
        optional("actor_ip", ip.boxed()),
        optional("duration_ms", duration.boxed()),
        optional("retention_days", retention.boxed()),
        optional("is_sensitive", flag.boxed()),
    );
    members.prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

/// A JSON object. Its numbers are written as `jsonb` writes them, so that they can be compared by
/// their digits.
fn payload() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("9007199254740993".to_owned()),
        "-?[1-9][0-9]{0,60}(\\.[0-9]{1,40})?",
        "0\\.[0-9]{1,40}",
        text(0, 30).prop_map(|text| json!(text).to_string()),
        Just(r#""\u00e9\ud83d\ude00\/""#.to_owned()),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,\n"))),
            vec((text(0, 8), inner), 0..4).prop_map(|members| object(members.into_iter())),
        ]
    });
    vec((text(0, 8), value), 0..4).prop_map(|members| object(members.into_iter()))
}

/// An object; of members with one name the last one.
fn object(members: impl Iterator<Item = (String, String)>) -> String {
    let members: BTreeMap<String, String> = members.collect();
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{} : {value}", json!(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The body of an event at `at`.
fn body(at: Timestamp) -> impl Strategy<Value = String> {
    (texts(), typed(), payload()).prop_map(move |(texts, typed, data)| {
        let fixed = [
            ("event_timestamp", json!(at.to_string()).to_string()),
            ("event_category", json!("orchestration").to_string()),
            ("event_outcome", json!("pending").to_string()),
            ("event_data", data),
        ];
        let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
        let members = texts.into_iter().chain(typed).flatten().chain(fixed);
        let members: Vec<String> = members
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// JSON in a form that only its content determines.
fn canonical(text: &str) -> String {
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{name:?}:{}", canonical(value.get())))
            .collect();
        return format!("{{{}}}", members.join(","));
    }
    if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        let items: Vec<String> = items.iter().map(|item| canonical(item.get())).collect();
        return format!("[{}]", items.join(","));
    }
    match serde_json::from_str::<String>(text) {
        Ok(text) => format!("{text:?}"),
        Err(_) => text.to_owned(),
    }
}

fn content(data: &JsonObject) -> String {
    canonical(data.as_str())
}

#[tokio::test]
async fn every_accepted_event_comes_back_as_it_was_sent() {
    let (_database, repository) = repository().await;
    let now: Timestamp = "2026-11-21T10:00:00.123456Z".parse().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        rng_seed: RngSeed::Random,
        ..ProptestConfig::default()
    });
    let bodies = vec(body(now), EVENTS).new_tree(&mut runner).unwrap();
    let bodies = bodies.current();
    let events: Vec<NewEvent> = bodies
        .iter()
        .map(|body| {
            let valid = parse_event(body.as_bytes(), now, &Limits::default());
            let valid = valid.unwrap_or_else(|error| panic!("{error:?}\n{body}"));
            valid.identify(Uuid::new_v4, None)
        })
        .collect();
    append(&repository, &events).await.unwrap();
    for (new, body) in events.iter().zip(&bodies) {
        let sent = new.event();
        let stored = repository.find_event(sent.event_id).await.unwrap();
        let stored = stored.expect("is stored").event;
        assert_same(&stored, sent);
        assert_eq!(
            content(&stored.event_data),
            content(&sent.event_data),
            "{body}"
        );
        let metadata = stored.event_metadata.as_ref().map(content);
        assert_eq!(
            metadata,
            sent.event_metadata.as_ref().map(content),
            "{body}"
        );
    }
}
