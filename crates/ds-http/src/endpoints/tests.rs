//! The table and the contract are the same.

use std::collections::BTreeSet;

use ds_domain::{
    action::ActionStatus,
    event::{EventCategory, EventOutcome},
    filter,
    incident::{Severity, TrendPeriod},
    label,
    limit::{self, TypedField},
    notification::{Channel, NotificationStatus},
    rate::{Confidence, MIN_SAMPLES_DEFAULT, MIN_SAMPLES_MAX, RANGE_DAYS_MAX},
    workflow::WorkflowStatus,
};
use ds_ingest::testing::Memory;
use ds_validation::Rule;
use serde_json::{Value, json};

use super::*;
use crate::{
    route::{Found, Routes},
    wire,
};

fn document() -> Value {
    serde_saphyr::from_str(get_openapi::DOCUMENT).unwrap()
}

fn schema(name: &str) -> Value {
    document()["components"]["schemas"][name].clone()
}

fn words<'a>(words: impl Iterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    words.map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn every_operation_is_documented_and_every_documented_one_exists() {
    let document = document();
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let mut statuses: BTreeSet<String> = responses.keys().cloned().collect();
            // No endpoint sees a request whose head is too large.
            assert!(statuses.remove("431"), "{method} {path} has no 431");
            documented.insert((
                operation["operationId"].as_str().unwrap().to_owned(),
                method.to_uppercase(),
                path.clone(),
                statuses,
            ));
        }
    }
    let served: BTreeSet<(String, String, String, BTreeSet<String>)> = table::<Memory>()
        .iter()
        .map(|endpoint| {
            let statuses = endpoint.statuses.iter().map(u16::to_string).collect();
            let (operation, method) = (endpoint.operation.into(), endpoint.method.to_string());
            (operation, method, endpoint.path.into(), statuses)
        })
        .collect();
    assert_eq!(documented, served);
    assert_eq!(
        served.len(),
        table::<Memory>().len(),
        "operationIds are unique"
    );
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(|member| check(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    check(&document(), &document());
}

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

#[test]
fn the_enums_are_those_of_the_code() {
    let check = |name: &str, known: BTreeSet<&str>| {
        assert_eq!(
            words(schema(name)["enum"].as_array().unwrap().iter()),
            known,
            "{name}"
        );
    };
    check(
        "EventCategory",
        EventCategory::ALL
            .iter()
            .map(|word| word.as_str())
            .collect(),
    );
    check(
        "EventOutcome",
        EventOutcome::ALL.iter().map(|word| word.as_str()).collect(),
    );
    check(
        "NotificationChannel",
        Channel::ALL.iter().map(|word| word.as_str()).collect(),
    );
    check(
        "NotificationStatus",
        NotificationStatus::ALL
            .iter()
            .map(|word| word.as_str())
            .collect(),
    );
    check(
        "ActionStatus",
        ActionStatus::ALL.iter().map(|word| word.as_str()).collect(),
    );
    let properties = &schema("AuditEventRequest")["properties"];
    for (field, name) in [
        ("event_category", "EventCategory"),
        ("event_outcome", "EventOutcome"),
    ] {
        assert_eq!(
            properties[field]["$ref"],
            format!("#/components/schemas/{name}")
        );
    }
    let ours = [
        "conflict",
        "refused_by_store",
        "invalid_json",
        "incomplete",
        "invalid_content_type",
        "invalid_content_encoding",
    ];
    let rules = Rule::ALL
        .iter()
        .map(|rule| rule.as_str())
        .chain(ours)
        .collect();
    let rule = &schema("ProblemError")["properties"]["rule"];
    assert_eq!(words(rule["enum"].as_array().unwrap().iter()), rules);
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
fn the_words_of_workflows_are_those_of_the_code() {
    let statuses = WorkflowStatus::ALL.iter().map(|word| word.as_str());
    let priorities = label::Priority::ALL.iter().map(|word| word.as_str());
    let severities = label::Severity::ALL.iter().map(|word| word.as_str());
    for (name, known) in [
        ("WorkflowStatus", statuses.collect::<BTreeSet<_>>()),
        ("WorkflowPriority", priorities.collect()),
        ("WorkflowSeverity", severities.collect()),
    ] {
        let words = schema(name)["enum"].clone();
        assert_eq!(
            self::words(words.as_array().unwrap().iter()),
            known,
            "{name}"
        );
    }
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

#[test]
fn both_surfaces_can_be_routed() {
    let _ = Routes::new(Surface::Api.endpoints::<Memory>());
    let admin = Surface::Admin.endpoints::<Memory>();
    let paths: Vec<&str> = admin.iter().map(|endpoint| endpoint.path).collect();
    let expected = [
        DLQ,
        LETTERS,
        REPLAY,
        LETTER,
        "/health",
        "/healthz",
        "/health/ready",
        "/readyz",
        "/health/live",
        "/livez",
        "/metrics",
    ];
    assert_eq!(paths, expected);
    let _ = Routes::new(admin);
}

#[test]
fn a_parameter_may_stand_in_the_middle_of_a_path() {
    let routes = Routes::new(Surface::Api.endpoints::<Memory>());
    let find = |method: Method, path: &str| match routes.find(&method, path) {
        Found::Endpoint { served, parameter } => (served.endpoint.operation, parameter.into()),
        Found::OtherMethods { template, .. } => (template, String::new()),
        Found::Nothing => ("", String::new()),
    };
    let letter = format!("{LETTERS}/queue:1-0");
    let id = || "queue:1-0".to_owned();
    assert_eq!(find(Method::DELETE, &letter), ("purgeDeadLetter", id()));
    let replay = format!("{letter}/replay");
    assert_eq!(find(Method::POST, &replay), ("replayDeadLetter", id()));
    assert_eq!(find(Method::DELETE, &replay), (REPLAY, String::new()));
    assert_eq!(
        find(Method::POST, &format!("{replay}/x")),
        ("", String::new())
    );
    assert_eq!(
        find(Method::POST, &format!("{LETTERS}//replay")),
        ("", String::new())
    );
}

#[test]
fn searches_have_the_words_and_bounds_of_the_code() {
    use ds_domain::{
        label::{DetectedLabel, GitOpsTool, Priority, ServiceMesh, Severity},
        score::Fit,
        search::WorkflowStatus,
    };
    let check = |list: &Value, known: Vec<&str>| {
        let documented = list
            .as_array()
            .unwrap()
            .iter()
            .filter(|word| !word.is_null());
        assert_eq!(words(documented), known.into_iter().collect());
    };
    let request = schema("WorkflowSearchRequest")["properties"].clone();
    let top_k = &request["top_k"];
    assert_eq!(top_k["maximum"], limit::SEARCH_RESULTS_MAX);
    assert_eq!(top_k["default"], limit::SEARCH_RESULTS_DEFAULT);
    let filters = schema("WorkflowSearchFilters")["properties"].clone();
    assert_eq!(filters["component"]["maxLength"], limit::LABEL_CHARS_MAX);
    let priorities = Priority::ALL.iter().map(|word| word.as_str());
    let priorities = priorities.filter(|word| *word != "*");
    check(&filters["priority"]["enum"], priorities.collect());
    let severities = Severity::ALL.iter().map(|word| word.as_str());
    check(&schema("WorkflowSeverity")["enum"], severities.collect());
    let statuses = WorkflowStatus::ALL.iter().map(|word| word.as_str());
    check(&schema("WorkflowStatus")["enum"], statuses.collect());
    let detected = schema("DetectedLabels")["properties"].clone();
    let tools = GitOpsTool::ALL.iter().map(|word| word.as_str());
    check(&detected["gitOpsTool"]["enum"], tools.collect());
    let meshes = ServiceMesh::ALL.iter().map(|word| word.as_str());
    check(&detected["serviceMesh"]["enum"], meshes.collect());
    let failed = &detected["failed_detections"];
    assert_eq!(failed["maxItems"], DetectedLabel::FALLIBLE.len());
    let fallible = DetectedLabel::FALLIBLE.iter().map(|label| label.as_str());
    check(&failed["items"]["enum"], fallible.collect());
    let labels = DetectedLabel::ALL.iter().map(|label| label.as_str());
    let known: BTreeSet<&str> = labels.chain(["failed_detections"]).collect();
    let documented = detected.as_object().unwrap().keys().map(String::as_str);
    assert_eq!(documented.collect::<BTreeSet<_>>(), known);
    let custom = schema("CustomLabels");
    assert_eq!(custom["maxProperties"], limit::CUSTOM_LABELS_MAX);
    let values = &custom["additionalProperties"];
    assert_eq!(values["maxItems"], limit::CUSTOM_LABEL_VALUES_MAX);
    let chars_max = &values["items"]["maxLength"];
    assert_eq!(chars_max, limit::CUSTOM_LABEL_VALUE_CHARS_MAX);
    let fits = Fit::ALL.iter().map(|fit| fit.as_str());
    let contribution = schema("ScoreContribution");
    check(&contribution["properties"]["fit"]["enum"], fits.collect());
}
