//! What clients send has the fields and bounds of the code.

use std::collections::BTreeSet;

use ds_domain::{
    action::ActionStatus,
    limit::{self, TypedField},
};
use serde_json::{Value, json};

use super::{document, schema, words};
use crate::endpoints::*;

/// A field that is no plain text has the type, format and bounds of the code.
fn check_typed(field: &TypedField, property: &Value) {
    let name = field.name;
    let expected = match field.nullable {
        true => json!([field.json_type, "null"]),
        false => json!(field.json_type),
    };
    assert_eq!(property["type"], expected, "{name}");
    let bound = |which: &str| property.get(which).and_then(Value::as_i64);
    let range = |(min, max): (i32, i32)| (Some(i64::from(min)), Some(i64::from(max)));
    let expected = field.range.map_or((None, None), range);
    assert_eq!((bound("minimum"), bound("maximum")), expected, "{name}");
    // Integers have the format of their column.
    let expected = field.format.or(field.range.map(|_| "int32"));
    let format = property.get("format").and_then(Value::as_str);
    assert_eq!(format, expected, "{name}");
}

#[test]
fn the_request_has_the_fields_and_bounds_of_the_code() {
    let request = schema("AuditEventRequest");
    let properties = request["properties"].as_object().unwrap();
    let texts = limit::EVENT_TEXT_FIELDS;
    for field in texts {
        let property = &properties[field.name];
        if property.get("$ref").is_some() {
            continue; // The enums have a test of their own.
        }
        let expected_type = if field.nullable {
            json!(["string", "null"])
        } else {
            json!("string")
        };
        assert_eq!(property["type"], expected_type, "{}", field.name);
        assert_eq!(
            property["maxLength"],
            json!(field.chars_max.unwrap()),
            "{}",
            field.name
        );
        let chars_min = property.get("minLength").cloned();
        assert_eq!(
            chars_min,
            field.required.then(|| json!(1)),
            "{}",
            field.name
        );
    }
    for field in limit::EVENT_TYPED_FIELDS {
        check_typed(field, &properties[field.name]);
    }
    let documented: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let known = texts
        .iter()
        .map(|field| field.name)
        .chain(limit::EVENT_TYPED_FIELDS.iter().map(|field| field.name));
    assert_eq!(documented, known.collect());

    let required = texts
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name);
    let typed = limit::EVENT_TYPED_FIELDS
        .iter()
        .filter(|field| field.required);
    let required = required.chain(typed.map(|field| field.name)).collect();
    assert_eq!(
        words(request["required"].as_array().unwrap().iter()),
        required
    );

    let retention = &properties["retention_days"];
    assert_eq!(retention["default"], limit::RETENTION_DAYS_DEFAULT);
}

/// The fields of a flat form have the bounds of the code.
#[track_caller]
fn check_form(name: &str, texts: &[limit::TextField], others: &[TypedField]) {
    let form = schema(name);
    let properties = form["properties"].as_object().unwrap();
    for field in texts {
        let property = &properties[field.name];
        if property.get("$ref").is_some() {
            continue; // The enums have a test of their own.
        }
        assert_eq!(property["maxLength"], json!(field.chars_max.unwrap()));
        let kind = match field.nullable {
            true => json!(["string", "null"]),
            false => json!("string"),
        };
        assert_eq!(property["type"], kind, "{}", field.name);
    }
    for field in others {
        check_typed(field, &properties[field.name]);
    }
    let names = |required: bool| {
        let texts = texts.iter().map(|field| (field.name, field.required));
        let others = others.iter().map(|field| (field.name, field.required));
        let fields = texts.chain(others).filter(move |field| field.1 >= required);
        fields.map(|(name, _)| name).collect::<BTreeSet<&str>>()
    };
    let documented: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(documented, names(false));
    let required = words(form["required"].as_array().unwrap().iter());
    assert_eq!(required, names(true));
}

/// The texts of a form of workflows have the bounds of the code; its `others` are not texts.
#[track_caller]
fn check_texts(name: &str, texts: &[limit::TextField], others: &[&str]) {
    let properties = schema(name)["properties"].clone();
    for field in texts {
        let property = &properties[field.name];
        if property.get("$ref").is_some() {
            continue; // The enums have a test of their own.
        }
        assert_eq!(property["maxLength"], json!(field.chars_max.unwrap()));
        let kind = match field.nullable {
            true => json!(["string", "null"]),
            false => json!("string"),
        };
        assert_eq!(property["type"], kind, "{}", field.name);
    }
    let documented = properties.as_object().unwrap().keys().map(String::as_str);
    let known = texts.iter().map(|field| field.name);
    let known = known.chain(others.iter().copied()).collect::<BTreeSet<_>>();
    assert_eq!(documented.collect::<BTreeSet<_>>(), known);
}

#[test]
fn workflows_have_the_fields_and_bounds_of_the_code() {
    let others = [
        "labels",
        "custom_labels",
        "detected_labels",
        "parameters",
        "approved_at",
        "expected_success_rate",
        "expected_duration_seconds",
    ];
    check_texts("WorkflowRequest", limit::WORKFLOW_TEXT_FIELDS, &others);
    let request = schema("WorkflowRequest");
    for field in limit::WORKFLOW_TEXT_FIELDS {
        let is_required =
            words(request["required"].as_array().unwrap().iter()).contains(field.name);
        assert_eq!(is_required, field.required, "{}", field.name);
    }
    let nullable: Vec<limit::TextField> = limit::WORKFLOW_CHANGE_TEXT_FIELDS
        .iter()
        .filter(|field| field.name != "status")
        .map(|field| limit::TextField {
            nullable: true,
            ..*field
        })
        .collect();
    check_texts("WorkflowChange", &nullable, &["status"]);
    let executions = schema("WorkflowExecutions")["properties"].clone();
    assert_eq!(executions["count"]["maximum"], limit::EXECUTIONS_MAX);
    let id = limit::EXECUTION_TEXT_FIELDS[0];
    assert_eq!(
        executions[id.name]["maxLength"],
        json!(id.chars_max.unwrap())
    );
    let document = document();
    let body = &document["paths"][WORKFLOW_BATCH]["post"]["requestBody"];
    let batch = &body["content"]["application/json"]["schema"];
    assert_eq!(batch["maxItems"], limit::BATCH_WORKFLOWS_MAX);
    let parameters = document["paths"][WORKFLOWS]["get"]["parameters"].as_array();
    let mut parameters = parameters.unwrap().iter();
    let page = parameters
        .find(|parameter| parameter["name"] == "limit")
        .unwrap();
    let expected = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": limit::PAGE_ITEMS_MAX,
        "default": limit::PAGE_WORKFLOWS_MAX,
    });
    assert_eq!(page["schema"], expected);
    let versions = &document["paths"][VERSIONS]["get"]["responses"]["200"]["description"];
    let expected = format!("At most {} are listed", limit::VERSIONS_LISTED_MAX);
    assert!(versions.as_str().unwrap().contains(&expected));
}

#[test]
fn notifications_have_the_fields_and_bounds_of_the_code() {
    check_form(
        "NotificationRequest",
        limit::NOTIFICATION_TEXT_FIELDS,
        limit::NOTIFICATION_TYPED_FIELDS,
    );
    check_form(
        "DeliveryRequest",
        limit::DELIVERY_TEXT_FIELDS,
        limit::DELIVERY_TYPED_FIELDS,
    );
    let answer = document()["paths"][NOTIFICATION]["get"]["responses"]["200"].clone();
    let expected = format!("latest {} deliveries", limit::DELIVERIES_MAX);
    assert!(answer["description"].as_str().unwrap().contains(&expected));
}

/// The members of an action have the types and bounds of the code.
#[track_caller]
fn check_action(name: &str, texts: &[limit::TextField], typed: &[TypedField]) {
    let form = schema(name);
    let properties = form["properties"].as_object().unwrap();
    for field in texts {
        let property = &properties[field.name];
        if field.name == "execution_status" {
            let known = ActionStatus::ALL.iter().map(|word| word.as_str());
            let words: Vec<Value> = known.map(|word| json!(word)).chain([Value::Null]).collect();
            assert_eq!(property["enum"], json!(words));
            continue;
        }
        let max = json!(field.chars_max.unwrap());
        assert_eq!(property["maxLength"], max, "{}", field.name);
        let kind = match field.nullable {
            true => json!(["string", "null"]),
            false => json!("string"),
        };
        assert_eq!(property["type"], kind, "{}", field.name);
        let chars_min = property.get("minLength").is_some();
        assert_eq!(chars_min, field.required, "{}", field.name);
    }
    for field in typed {
        let property = &properties[field.name];
        match field.json_type {
            "number" => {
                let bounds = (&property["minimum"], &property["maximum"]);
                assert_eq!(bounds, (&json!(0), &json!(1)), "{}", field.name);
            }
            _ if field.format == Some("int64") => {
                let bounds = (&property["minimum"], &property["maximum"]);
                assert_eq!(bounds, (&json!(i64::MIN), &json!(i64::MAX)));
            }
            _ => check_typed(field, property),
        }
    }
    let documented: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let known = texts.iter().map(|field| field.name);
    let known = known.chain(typed.iter().map(|field| field.name));
    assert_eq!(documented, known.collect());
    let required = texts.iter().filter(|field| field.required);
    let required = required.map(|field| field.name);
    let typed = typed.iter().filter(|field| field.required);
    let known = required.chain(typed.map(|field| field.name)).collect();
    assert_eq!(
        words(form["required"].as_array().into_iter().flatten()),
        known
    );
}

#[test]
fn actions_have_the_fields_and_bounds_of_the_code() {
    check_action(
        "ActionRequest",
        limit::ACTION_TEXT_FIELDS,
        limit::ACTION_TYPED_FIELDS,
    );
    check_action(
        "ActionUpdate",
        limit::ACTION_UPDATE_TEXT_FIELDS,
        limit::ACTION_UPDATE_TYPED_FIELDS,
    );
    let document = document();
    let body = &document["paths"][ACTIONS]["post"]["requestBody"];
    let forms = &body["content"]["application/json"]["schema"]["oneOf"];
    assert_eq!(forms[1]["maxItems"], limit::BATCH_ACTIONS_MAX);
    let said = document["paths"][ACTION]["get"]["description"].as_str();
    let expected = format!("latest {} of them", limit::REVISIONS_MAX);
    assert!(said.unwrap().contains(&expected));
}
