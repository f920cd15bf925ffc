//! The table and the contract are the same.

mod examples;
mod fields;
mod parameters;
mod shapes;
mod words;

use std::collections::BTreeSet;

use ds_ingest::testing::Memory;
use serde_json::Value;

use super::*;
use crate::route::{Found, Routes};

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
