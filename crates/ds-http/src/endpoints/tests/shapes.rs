//! Answers have the members of the document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{document, schema, words};
use crate::wire;

/// Whether `value` has exactly the members that the schema requires, of the types it names.
#[track_caller]
fn check_shape(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema.get("$ref") {
        let target = document.pointer(&reference.as_str().unwrap()[1..]).unwrap();
        return check_shape(document, target, value, at);
    }
    if let Some(parts) = schema.get("allOf") {
        let merged = merged(document, parts.as_array().unwrap());
        return check_shape(document, &merged, value, at);
    }
    if schema.as_object().is_some_and(serde_json::Map::is_empty) {
        return; // Anything.
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match schema["type"].as_array() {
        Some(kinds) => words(kinds.iter()),
        None => words([&schema["type"]].into_iter()),
    };
    assert!(allowed.contains(kind), "{at} is {kind}, not {allowed:?}");
    if let Some(constant) = schema.get("const") {
        assert_eq!(constant, value, "{at}");
    }
    if let Some(items) = value.as_array() {
        items
            .iter()
            .for_each(|item| check_shape(document, &schema["items"], item, at));
    }
    let (Some(members), Some(properties)) = (value.as_object(), schema.get("properties")) else {
        return;
    };
    let properties = properties.as_object().unwrap();
    for required in words(schema["required"].as_array().into_iter().flatten()) {
        assert!(members.contains_key(required), "{at} has no {required}");
    }
    for (name, member) in members {
        let property = properties
            .get(name)
            .unwrap_or_else(|| panic!("{at}/{name} is unknown"));
        check_shape(document, property, member, &format!("{at}/{name}"));
    }
}

/// The members of all `parts` in one schema.
fn merged(document: &Value, parts: &[Value]) -> Value {
    let mut whole = json!({ "type": "object", "properties": {}, "required": [] });
    for part in parts {
        let target = part
            .get("$ref")
            .map(|reference| &reference.as_str().unwrap()[1..]);
        let part = target.map_or(part, |pointer| document.pointer(pointer).unwrap());
        let members = part["properties"].as_object().unwrap().clone();
        whole["properties"].as_object_mut().unwrap().extend(members);
        let required = part["required"].as_array().unwrap().clone();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}

#[test]
fn answers_have_the_members_of_the_document() {
    let document = document();
    for (name, sample) in wire::tests::samples() {
        check_shape(&document, &schema(name), &sample, name);
    }
    let element = wire::tests::samples().swap_remove(3).1;
    let members: BTreeSet<&str> = element
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        words(schema("AuditEvent")["required"].as_array().unwrap().iter())
    );
}

#[test]
fn problems_have_the_members_of_the_document() {
    let document = document();
    for problem in crate::problem::tests::samples() {
        check_shape(&document, &schema("Problem"), &problem, "Problem");
    }
}
