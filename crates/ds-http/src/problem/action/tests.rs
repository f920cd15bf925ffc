//! Problems with actions, success rates and incidents, as clients see them.

use ds_validation::{
    Limits, incident::parse_incident_query, parse_actions, rate::parse_rate_query,
};
use serde_json::json;

use super::*;
use crate::problem::tests::{cause, render};

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Problem> {
    vec![
        action(b"[{}]"),
        Problem::of_action(ActionError::Backward),
        Problem::of_action(action_taken(true)),
        rate_error("time_range=x"),
        incident_error("limit=x"),
        Problem::no_incident(7),
    ]
}

/// The problem with the actions in `body`.
fn action(body: &[u8]) -> Problem {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let rejection = parse_actions(body, now, &Limits::default()).unwrap_err();
    Problem::of_action(ActionError::Rejected(rejection))
}

#[test]
fn what_is_wrong_with_actions_as_a_whole_has_no_pointer_in_the_detail() {
    let detail = |body: &[u8]| render(&action(body)).2["detail"].clone();
    let schema = "request body has an error: doesn't match schema: ";
    assert_eq!(detail(b"7"), format!("{schema}value must be an object"));
    assert_eq!(detail(b"[]"), format!("{schema}batch cannot be empty"));
    let at_item = format!("{schema}Error at \"/0\": value must be an object");
    assert_eq!(detail(b"[7]"), at_item);
}

#[test]
fn an_action_with_too_many_members_is_not_called_an_event() {
    let many: Vec<String> = (0..10_001).map(|n| format!("\"k{n}\":0")).collect();
    let body = format!(r#"{{"signal_labels":{{{}}}}}"#, many.join(","));
    let detail = &render(&action(body.as_bytes())).2["detail"];
    let expected = "Error at \"/signal_labels\": more than 10000 object members";
    assert!(detail.as_str().unwrap().ends_with(expected), "{detail}");
}

fn action_taken(is_batch: bool) -> ActionError {
    let taken = vec![(3, "act-1".to_owned())];
    ActionError::Taken { taken, is_batch }
}

fn rate_error(query: &'static str) -> Problem {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let errors = parse_rate_query(RateSubject::MultiDimensional, pairs).unwrap_err();
    Problem::of_rate_parameters(&errors, RateSubject::MultiDimensional)
}

fn incident_error(query: &'static str) -> Problem {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let errors = parse_incident_query(pairs).unwrap_err();
    Problem::of_incident_parameters(&errors)
}

#[test]
fn problems_with_actions_name_what_is_wrong() {
    let (status, _, problem) = render(&action(b"[{}]"));
    assert_eq!(status, 400);
    let detail = problem["detail"].as_str().unwrap();
    let expected = "request body has an error: doesn't match schema: Error at \"/0/action_id\": \
                    property \"action_id\" is missing | ";
    assert!(detail.starts_with(expected), "{detail}");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 7);
    let (status, _, problem) = render(&Problem::of_action(action_taken(true)));
    assert_eq!(status, 409);
    assert_eq!(problem["errors"][0]["pointer"], "/3/action_id");
    let (_, _, problem) = render(&Problem::of_action(action_taken(false)));
    assert_eq!(problem["errors"][0]["pointer"], "/action_id");
    let (status, _, problem) = render(&Problem::of_action(ActionError::Backward));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (409, &json!("Resource Conflict"))
    );
    let away = Problem::of_action(ActionError::Unavailable(cause()));
    let (status, headers, problem) = render(&away);
    assert_eq!(status, 503);
    assert_eq!(headers["retry-after"], "5");
    assert!(!problem.to_string().contains("secret_statement"));
    let (status, _, problem) = render(&Problem::of_action(ActionError::Internal(cause())));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (500, &json!("Database Error"))
    );
}

#[test]
fn problems_with_rates_and_incidents_have_the_names_of_the_contract() {
    let (status, _, problem) = render(&rate_error("time_range=x&min_samples=0"));
    assert_eq!(status, 400);
    assert_eq!(problem["title"], "Invalid Query Parameter");
    let first = "at least one dimension filter (incident_type, workflow_id, or action_type) must be \
                 specified";
    assert_eq!(problem["detail"], first);
    let errors = problem["errors"].as_array().unwrap();
    let rules: Vec<_> = errors.iter().map(|error| &error["rule"]).collect();
    assert_eq!(rules, ["required", "invalid_format", "out_of_range"]);
    let (_, _, problem) = render(&incident_error("offset=x"));
    assert_eq!(problem["errors"][0]["rule"], "invalid_type");
    assert_eq!(
        problem["type"],
        "https://kubernaut.ai/problems/invalid-offset"
    );
    assert_eq!(
        (&problem["title"], &problem["detail"]),
        (&json!("Invalid Offset"), &json!("offset must be a number"))
    );
    let (status, _, problem) = render(&Problem::no_incident(7));
    assert_eq!(
        (status.as_u16(), &problem["title"]),
        (404, &json!("Incident Not Found"))
    );
    assert_eq!(problem["detail"], "incident with ID 7 not found");
    let internal = |error: fn(StoreError) -> Problem| {
        let (status, _, problem) = render(&error(StoreError::Internal(cause())));
        assert_eq!(status, 500);
        assert!(!problem.to_string().contains("secret_statement"));
        problem["type"].as_str().unwrap().to_owned()
    };
    assert!(internal(Problem::of_rate).ends_with("/internal-error"));
    assert!(internal(Problem::of_incidents).ends_with("/database-error"));
}
