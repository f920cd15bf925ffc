//! The examples of the document: a client that copies one is understood, and gets such an answer.

use ds_validation::{
    Limits, parse_action_update, parse_actions, parse_executions, parse_search, parse_workflow,
    parse_workflow_batch, parse_workflow_change, parse_workflow_disabling, parse_workflow_enabling,
};
use jsonschema::Draft;
use serde_json::json;

use super::*;

/// The tags whose operations have examples.
const TAGS: [&str; 4] = ["workflows", "actions", "success-rate", "incidents"];

/// The operations of these tags.
fn operations(document: &Value) -> Vec<&Value> {
    let paths = document["paths"].as_object().unwrap().values();
    let all = paths.flat_map(|methods| methods.as_object().unwrap().values());
    let of_tags = all.filter(|operation| {
        let tags = operation["tags"].as_array().unwrap();
        TAGS.iter().any(|tag| tags[0] == *tag)
    });
    of_tags.collect()
}

/// The examples of a body that is documented as `content`; at least one.
fn examples<'d>(document: &'d Value, content: &Value) -> Vec<&'d Value> {
    let examples = content["examples"].as_object();
    let examples = examples.unwrap_or_else(|| panic!("no example: {content}"));
    let value = |example: &Value| {
        let pointer = example["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
        &document.pointer(pointer).unwrap()["value"]
    };
    examples.values().map(value).collect()
}

/// The body of a request or an answer.
fn content(message: &Value) -> &Value {
    &message["content"]["application/json"]
}

/// Checks an example against the schema that stands beside it.
fn check_schema(document: &Value, content: &Value, example: &Value) {
    let schema = json!({ "components": document["components"], "allOf": [content["schema"]] });
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let validator = options.build(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(example)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{example}");
}

/// Has the operation read a body.
fn read(operation: &str, body: &[u8]) -> Result<(), String> {
    let limits = Limits::default();
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let refused = |error: ds_validation::Rejection| format!("{operation}: {error:?}");
    match operation {
        "createActions" => parse_actions(body, now, &limits).map(drop),
        "updateAction" => parse_action_update(body, &limits).map(drop),
        "searchWorkflows" => parse_search(body, &limits).map(drop),
        "createWorkflow" => parse_workflow(body, &limits).map(|workflow| {
            assert_eq!(workflow.warnings(), [], "nothing is wrong with it");
        }),
        "createWorkflowsBatch" => parse_workflow_batch(body, &limits).map(|items| {
            let good = items.iter().filter(|item| item.is_ok()).count();
            assert_eq!((good, items.len()), (1, 2), "one of two is a workflow");
        }),
        "updateWorkflow" => parse_workflow_change(body, &limits).map(drop),
        "disableWorkflow" => parse_workflow_disabling(body, &limits).map(drop),
        "enableWorkflow" => parse_workflow_enabling(body, &limits).map(drop),
        "countWorkflowExecutions" => parse_executions(body, &limits).map(drop),
        other => return Err(format!("{other} has no parser here")),
    }
    .map_err(refused)
}

#[test]
fn every_example_of_a_request_is_read_by_its_operation() {
    let document = document();
    let mut read_examples = 0;
    for operation in operations(&document) {
        let body = &operation["requestBody"];
        if body.is_null() {
            continue;
        }
        for example in examples(&document, content(body)) {
            check_schema(&document, content(body), example);
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(read(id, example.to_string().as_bytes()), Ok(()));
            read_examples += 1;
        }
    }
    assert_eq!(read_examples, 10);
}

#[test]
fn every_operation_has_an_example_of_its_answer_that_fits_its_schema() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() >= 19, "{}", operations.len());
    for operation in operations {
        let responses = operation["responses"].as_object().unwrap();
        let (_, answer) = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .unwrap();
        for example in examples(&document, content(answer)) {
            check_schema(&document, content(answer), example);
        }
    }
}
