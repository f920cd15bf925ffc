//! The schemas that are served, judged by a validator that is not ours, and compared with the check.

use ds_validation::{KindCheck, Limits, parse_event};
use jsonschema::{Draft, Validator};

use super::*;

/// The catalogue of event types, one sample a line.
const CATALOGUE: &str = include_str!("../../../../../fixtures/event-types.jsonl");

fn validator(kind: &EventKind) -> Validator {
    let schema = schema(kind);
    assert_eq!(
        jsonschema::meta::validate(&schema).ok(),
        Some(()),
        "{schema}"
    );
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.build(&schema).unwrap()
}

/// What our own check says about a payload.
fn is_alike(kind: &EventKind, payload: &Value) -> bool {
    let at = "2026-11-21T10:00:00Z";
    let event = json!({
        "version": "1.0",
        "event_type": kind.event_type,
        "event_timestamp": at,
        "event_category": kind.category.as_str(),
        "event_action": kind.actions[0],
        "event_outcome": "success",
        "correlation_id": "c",
        "event_data": payload,
    });
    let body = event.to_string();
    let event = parse_event(body.as_bytes(), at.parse().unwrap(), &Limits::default()).unwrap();
    match event.kind() {
        KindCheck::Known(findings) => findings.is_empty(),
        other @ (KindCheck::Off | KindCheck::Unknown) => panic!("{other:?}"),
    }
}

#[test]
fn every_example_and_every_sample_of_the_catalogue_fits_its_schema() {
    for kind in kind::all() {
        let example: Value = serde_json::from_str(kind.example).unwrap();
        assert!(validator(kind).is_valid(&example), "{}", kind.event_type);
    }
    for line in CATALOGUE.lines() {
        let sample: Value = serde_json::from_str(line).unwrap();
        let kind = kind::find(sample["event_type"].as_str().unwrap()).unwrap();
        assert!(validator(kind).is_valid(&sample["data"]), "{line}");
    }
}

/// Everything that is like `payload` but for one member, at any depth: without it, and with each of
/// `values` in its place.
fn variations(payload: &Value, values: &[Value]) -> Vec<Value> {
    let Some(members) = payload.as_object() else {
        return Vec::new();
    };
    let mut variations = Vec::new();
    for (name, member) in members {
        let mut without = members.clone();
        without.remove(name);
        variations.push(Value::Object(without));
        let inside = variations_of_member(member, values);
        for value in inside {
            let mut changed = members.clone();
            changed.insert(name.clone(), value);
            variations.push(Value::Object(changed));
        }
    }
    variations
}

fn variations_of_member(member: &Value, values: &[Value]) -> Vec<Value> {
    let mut inside = variations(member, values);
    inside.extend(values.iter().cloned());
    inside
}

#[test]
fn the_schema_and_the_check_agree() {
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(7.5),
        json!(-2.0),
        json!("text"),
        json!([]),
        json!(["a"]),
        json!(["a", null]),
        json!([{}]),
        json!({}),
        json!({"a": "b"}),
        json!({"a": 1}),
    ];
    let (mut fit, mut differ) = (0, 0);
    for kind in kind::all() {
        let validator = validator(kind);
        let example: Value = serde_json::from_str(kind.example).unwrap();
        for payload in variations(&example, &values) {
            let fits = validator.is_valid(&payload);
            assert_eq!(
                is_alike(kind, &payload),
                fits,
                "{}: {payload}",
                kind.event_type
            );
            *(if fits { &mut fit } else { &mut differ }) += 1;
        }
    }
    assert!(fit > 100 && differ > 1_000, "{fit} fit, {differ} differ");
}

#[test]
fn a_payload_of_several_shapes_fits_one_of_them() {
    let kind = kind::find("gateway.signal.received").unwrap();
    let schema = schema(kind);
    assert_eq!(schema["title"], "gateway.signal.received");
    let titles: Vec<&Value> = schema["anyOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shape| &shape["title"])
        .collect();
    assert_eq!(titles, ["catalogue", "gateway", "builder", "typed"]);
    let kind = kind::find("gateway.storm.detected").unwrap();
    assert_eq!(self::schema(kind)["anyOf"].as_array().unwrap().len(), 2);
    let kind = kind::find("workflow.catalog.search_completed").unwrap();
    let filters = &self::schema(kind)["anyOf"][0]["properties"]["query_filters"];
    assert_eq!(
        filters["properties"]["severity"]["type"],
        json!(["string", "null"])
    );
}
