//! Parameters have the names and bounds of the code.

use std::collections::BTreeSet;

use ds_domain::{
    filter,
    incident::{Severity, TrendPeriod},
    limit,
    rate::{Confidence, MIN_SAMPLES_DEFAULT, MIN_SAMPLES_MAX, RANGE_DAYS_MAX},
};
use serde_json::{Value, json};

use super::{document, schema, words};
use crate::endpoints::*;

#[test]
fn rates_and_incidents_have_the_parameters_of_the_code() {
    let document = document();
    let parameter = |path: &str, name: &str| {
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        let found = parameters
            .iter()
            .find(|parameter| parameter["name"] == name);
        found
            .unwrap_or_else(|| panic!("{path} has no {name}"))
            .clone()
    };
    for path in [INCIDENT_TYPE_RATE, WORKFLOW_RATE, ANY_RATE] {
        let range = parameter(path, "time_range");
        let days = format!("up to {RANGE_DAYS_MAX} days");
        assert!(range["description"].as_str().unwrap().contains(&days));
        let samples = json!({
            "type": "integer", "minimum": 1, "maximum": MIN_SAMPLES_MAX,
            "default": MIN_SAMPLES_DEFAULT,
        });
        assert_eq!(parameter(path, "min_samples")["schema"], samples);
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .unwrap();
        for field in limit::ACTION_TEXT_FIELDS {
            let named = |parameter: &&Value| parameter["name"] == field.name;
            if let Some(parameter) = parameters.iter().find(named) {
                let max = &parameter["schema"]["maxLength"];
                assert_eq!(max, field.chars_max.unwrap(), "{}", field.name);
            }
        }
    }
    let listed = |path, name| {
        let schema = parameter(path, name)["schema"].clone();
        let words = schema["enum"].as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let known = Severity::ALL.iter().map(|word| word.as_str().to_owned());
    let empty = || [String::new()];
    assert_eq!(
        listed(INCIDENTS, "severity"),
        known.chain(empty()).collect()
    );
    let known = TrendPeriod::ALL.iter().map(|word| word.as_str().to_owned());
    assert_eq!(listed(TREND, "period"), known.chain(empty()).collect());
    let confidence = &schema("SuccessRate")["properties"]["confidence"]["enum"];
    let known = Confidence::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(confidence.as_array().unwrap().iter()), known);
}

/// The schema of the parameter `name` of what is asked for at `path`.
#[track_caller]
fn parameter(document: &Value, path: &str, name: &str) -> Value {
    let parameters = document["paths"][path]["get"]["parameters"].as_array();
    let mut parameters = parameters.unwrap().iter().map(|parameter| {
        let reference = parameter.get("$ref").and_then(Value::as_str);
        reference.map_or(parameter, |reference| {
            document.pointer(&reference[1..]).unwrap()
        })
    });
    let found = parameters.find(|parameter| parameter["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not documented"))["schema"].clone()
}

#[test]
fn pages_and_batches_have_the_bounds_of_the_code() {
    let document = document();
    for path in [EVENTS, NOTIFICATIONS] {
        let schema = |name| parameter(&document, path, name);
        let limit = json!({
            "type": "integer",
            "minimum": 1,
            "maximum": limit::PAGE_ITEMS_MAX,
            "default": limit::PAGE_ITEMS_DEFAULT,
        });
        assert_eq!(schema("limit"), limit);
        assert_eq!(schema("offset")["minimum"], 0);
        let counts = filter::Count::ALL.iter().map(|count| count.as_str());
        let documented = schema("count");
        let documented = words(documented["enum"].as_array().unwrap().iter());
        assert_eq!(documented, counts.collect());
    }
    let letters = document["paths"][LETTERS]["get"]["parameters"][1].clone();
    let limit = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": list_dead_letters::LIMIT_MAX,
        "default": list_dead_letters::LIMIT_DEFAULT,
    });
    assert_eq!(
        (&letters["name"], &letters["schema"]),
        (&json!("limit"), &limit)
    );
    let body = &document["paths"][BATCH]["post"]["requestBody"];
    let batch = &body["content"]["application/json"]["schema"];
    assert_eq!(batch["maxItems"], limit::BATCH_EVENTS_MAX);
}

#[test]
fn the_filters_of_a_query_have_the_names_and_bounds_of_the_code() {
    let document = document();
    let schema = |name: &str| parameter(&document, EVENTS, name);
    let several = |items: Value| json!({ "type": "array", "maxItems": limit::FILTER_VALUES_MAX, "items": items });
    for field in filter::text_filters() {
        let items = match field.name {
            "event_outcome" => json!({ "$ref": "#/components/schemas/EventOutcome" }),
            _ => json!({ "type": "string", "minLength": 1, "maxLength": field.chars_max.unwrap() }),
        };
        assert_eq!(schema(field.name), several(items), "{}", field.name);
    }
    let id = json!({ "type": "string", "format": "uuid" });
    assert_eq!(schema("parent_event_id"), several(id));
    let data = schema("data");
    assert_eq!(data["maxItems"], limit::FILTER_VALUES_MAX);
    assert_eq!(data["items"]["maxLength"], limit::FILTER_DATA_BYTES_MAX);
}
