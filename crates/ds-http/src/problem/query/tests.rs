//! Problems with what is asked for, as clients see them.

use serde_json::json;

use super::*;
use crate::problem::tests::{check_invalid, render};

/// One problem of every kind.
pub(crate) fn samples() -> Vec<Problem> {
    vec![
        Problem::of_parameters(time_error()),
        Problem::of_parameters(limit_error()),
        Problem::of_cursor(),
        Problem::no_stream_from("offset"),
        Problem::not_a_uuid(),
    ]
}

fn time_error() -> ParameterError {
    let message = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    ParameterError::in_query("since", Rule::Time, message)
}

fn limit_error() -> ParameterError {
    let message = "number must be at most 1000";
    ParameterError::in_query("limit", Rule::Range, message).measured(1_000, 1_001)
}

#[test]
fn a_parameter_out_of_bounds_is_named() {
    let text = r#"parameter "limit" in query has an error: number must be at most 1000"#;
    let problem = Problem::of_parameters(limit_error());
    check_invalid(&problem, text);
    let error = json!({
        "parameter": "limit", "rule": "out_of_range", "message": "number must be at most 1000",
        "bound": 1_000, "actual": 1_001,
    });
    assert_eq!(render(&problem).2["errors"], json!([error]));
    assert_eq!(problem.0.failures, [(("limit", "out_of_range"), 1)]);
    let mut several = ParameterErrors::from(time_error());
    several.add(limit_error());
    several.add(ParameterError::in_query("limit", Rule::Type, "no"));
    check_invalid(
        &Problem::of_parameters(several),
        &format!("{text} (and 2 more errors)"),
    );
}

#[test]
fn every_way_to_ask_wrongly_has_its_rule() {
    let check = |problem: &Problem, parameter: &str, rule: &str| {
        let document = render(problem).2;
        let error = &document["errors"][0];
        assert_eq!(document["errors"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&error["parameter"], &error["rule"]),
            (&json!(parameter), &json!(rule))
        );
    };
    check(&Problem::of_cursor(), "cursor", "invalid_cursor");
    check(
        &Problem::no_stream_from("offset"),
        "offset",
        "mutually_exclusive",
    );
    check(&Problem::not_a_uuid(), "event_id", "invalid_format");
    check(
        &Problem::of_parameters(time_error()),
        "since",
        "invalid_time",
    );
}

#[test]
fn a_time_that_cannot_be_read_is_reported_as_the_first_contract_does() {
    let problem = Problem::of_parameters(time_error());
    let text = "invalid time format: soon (expected: 24h, 7d, or RFC3339 timestamp)";
    check_invalid(
        &problem,
        &format!("Validation failed for query parameters: query - {text}"),
    );
    let document = render(&problem).2;
    assert_eq!(document["instance"], "/audit/query parameters");
    assert_eq!(document["resource"], "query parameters");
    assert_eq!(document["field_errors"], json!({"query": text}));
}
