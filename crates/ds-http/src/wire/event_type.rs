//! The JSON of the types of events that are known.

use ds_domain::{
    event::EventCategory,
    kind::{self, EventKind, Field, FieldValue},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The types that are known, or those of one category.
#[derive(Serialize)]
pub(crate) struct EventTypeList {
    data: Vec<EventType>,
}

/// One of them.
#[derive(Serialize)]
struct EventType {
    event_type: &'static str,
    category: &'static str,
    actions: &'static [&'static str],
    outcomes: Vec<&'static str>,
    description: &'static str,
    example: Value,
    schema: Value,
}

impl EventTypeList {
    /// The types of `category`, or all of them.
    pub(crate) fn new(category: Option<EventCategory>) -> Self {
        let is_wanted = |kind: &&EventKind| category.is_none_or(|wanted| kind.category == wanted);
        Self {
            data: kind::all().filter(is_wanted).map(EventType::new).collect(),
        }
    }
}

impl EventType {
    fn new(kind: &'static EventKind) -> Self {
        Self {
            event_type: kind.event_type,
            category: kind.category.as_str(),
            actions: kind.actions,
            outcomes: kind.outcomes.iter().map(|word| word.as_str()).collect(),
            description: kind.description,
            // A test of the registry reads every example.
            example: serde_json::from_str(kind.example).unwrap_or_default(),
            schema: schema(kind),
        }
    }
}

/// The JSON Schema of a payload.
fn schema(kind: &EventKind) -> Value {
    let mut shapes = kind.shapes.iter().map(|shape| {
        let mut schema = object(shape.fields);
        schema.insert("title".to_owned(), json!(shape.name));
        Value::Object(schema)
    });
    let shape = match (shapes.next(), kind.shapes.len()) {
        (Some(only), 1) => only,
        (first, _) => {
            json!({"type": "object", "anyOf": first.into_iter().chain(shapes).collect::<Vec<_>>()})
        }
    };
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": kind.description,
    });
    if let (Value::Object(schema), Value::Object(shape)) = (&mut schema, shape) {
        schema.extend(shape);
        schema.insert("title".to_owned(), json!(kind.event_type));
    }
    schema
}

/// The schema of an object with these members, and perhaps others.
fn object(fields: &[Field]) -> Map<String, Value> {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.to_owned(), property(field)))
        .collect();
    let required = fields.iter().filter(|field| field.required);
    let required: Vec<&str> = required.map(|field| field.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn property(field: &Field) -> Value {
    let typed = |name: &str| json!({"type": name});
    let mut schema = match field.value {
        FieldValue::Text => typed("string"),
        FieldValue::Boolean => typed("boolean"),
        FieldValue::Integer => typed("integer"),
        FieldValue::Number => typed("number"),
        FieldValue::Texts => json!({"type": "array", "items": typed("string")}),
        FieldValue::Objects => json!({"type": "array", "items": typed("object")}),
        FieldValue::TextMap => json!({"type": "object", "additionalProperties": typed("string")}),
        FieldValue::Object(fields) => Value::Object(object(fields)),
        FieldValue::Any if field.required => json!({"not": typed("null")}),
        FieldValue::Any => json!({}),
    };
    // `null` says as much as absence where absence is allowed.
    if let (false, Some(name)) = (field.required, schema.get("type").cloned()) {
        schema["type"] = json!([name, "null"]);
    }
    schema
}

#[cfg(test)]
mod tests;
