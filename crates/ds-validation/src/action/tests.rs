//! What is accepted of an action, and what is told about the rest.

use ds_domain::limit::{self, TypedField};
use serde_json::{Value, json};

use super::*;
use crate::{Rule, SecretMode};

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn sparse() -> Value {
    json!({
        "action_id": "act-1",
        "action_timestamp": "2026-11-21T09:59:59.1234567Z",
        "signal_name": "PodOOMKilled",
        "signal_severity": "critical",
        "model_used": "granite",
        "model_confidence": 0.8506,
        "action_type": "increase_resources",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = sparse();
    body[name] = value;
    body
}

fn parse(body: &Value) -> Result<ValidAction, Rejection> {
    parse_action(body.to_string().as_bytes(), now(), &Limits::default())
}

fn violations(rejection: Rejection) -> Violations {
    match rejection {
        Rejection::Invalid(violations) => violations,
        Rejection::Malformed(error) => panic!("{error}"),
    }
}

/// Pointers and rules of what is wrong.
fn wrong(rejection: Rejection) -> Vec<(String, Rule)> {
    let violations = violations(rejection);
    let each = violations.iter();
    each.map(|one| (one.pointer.clone(), one.rule)).collect()
}

#[track_caller]
fn check(name: &str, value: Value, expected: Option<Rule>) {
    let found = match parse(&with(name, value.clone())) {
        Ok(_) => None,
        Err(rejection) => {
            let wrong = wrong(rejection);
            assert_eq!(wrong.len(), 1, "{name} = {value}: {wrong:?}");
            assert_eq!(wrong[0].0, format!("/{name}"));
            Some(wrong[0].1)
        }
    };
    assert_eq!(found, expected, "{name} = {value}");
}

#[test]
fn defaults_are_applied_and_times_are_cut() {
    let valid = parse(&sparse()).unwrap();
    let action = valid.action();
    assert_eq!(action.execution_status, ActionStatus::Pending);
    assert_eq!(action.model_confidence.thousandths(), 851);
    let at: Timestamp = "2026-11-21T09:59:59.123456Z".parse().unwrap();
    assert_eq!(action.action_timestamp, at);
    assert!(!action.ai_selected_workflow && !action.ai_chained_workflows);
    assert_eq!(action.progress, Progress::default());
}

#[test]
fn everything_that_is_missing_is_named() {
    let missing = [
        "action_id",
        "action_timestamp",
        "action_type",
        "model_confidence",
        "model_used",
        "signal_name",
        "signal_severity",
    ];
    let found = wrong(parse(&json!({})).unwrap_err());
    let expected: Vec<_> = missing
        .iter()
        .map(|name| (format!("/{name}"), Rule::Required))
        .collect();
    assert_eq!(found, expected);
    let text_fields = limit::ACTION_TEXT_FIELDS.iter();
    let texts = text_fields
        .filter(|field| field.required)
        .map(|field| field.name);
    let typed = limit::ACTION_TYPED_FIELDS.iter();
    let typed = typed.filter(|field| field.required).map(|field| field.name);
    let mut required: Vec<&str> = texts.chain(typed).collect();
    required.sort_unstable();
    assert_eq!(required, missing);
}

#[test]
fn texts_have_the_bounds_of_their_columns() {
    for field in limit::ACTION_TEXT_FIELDS {
        if field.name == "execution_status" {
            continue;
        }
        let max = field.chars_max.unwrap();
        check(field.name, json!("ü".repeat(max)), None);
        check(field.name, json!("ü".repeat(max + 1)), Some(Rule::TooLong));
        let empty = field.required.then_some(Rule::Empty);
        check(field.name, json!(""), empty);
        let null = (!field.nullable).then_some(Rule::Null);
        check(field.name, json!(null), null);
        check(field.name, json!(7), Some(Rule::Type));
        check(field.name, json!("a\0"), Some(Rule::Nul));
    }
}

#[test]
fn other_members_have_the_types_of_the_table() {
    for TypedField {
        name,
        json_type,
        nullable,
        range,
        format,
        ..
    } in limit::ACTION_TYPED_FIELDS
    {
        let good = match (*json_type, *format) {
            ("object", _) => json!({"a": [1, {"b": 9_007_199_254_740_993_i64}]}),
            ("array", _) => json!([{"a": 1}, "b", null]),
            ("boolean", _) => json!(true),
            ("integer", _) => json!(0),
            ("number", _) => json!(1),
            ("string", Some("date-time")) => json!("2026-11-21T09:00:00+01:00"),
            other => panic!("{other:?}"),
        };
        check(name, good, None);
        check(
            name,
            json!("x"),
            Some(match format {
                Some("date-time") => Rule::Format,
                _ => Rule::Type,
            }),
        );
        check(name, json!(null), (!nullable).then_some(Rule::Null));
        if let Some((min, max)) = range {
            let outside = Some(Rule::Range);
            check(name, json!(i64::from(*min) - 1), outside);
            check(name, json!(i64::from(*max) + 1), outside);
            check(name, json!(max), None);
        }
    }
}

#[test]
fn statuses_are_those_there_are() {
    for status in ActionStatus::ALL {
        check("execution_status", json!(status.as_str()), None);
    }
    for junk in ["done", "Completed", "", "rolled_back"] {
        check("execution_status", json!(junk), Some(Rule::Enum));
    }
    check("execution_status", json!(null), None);
    check("model_confidence", json!(9.5), Some(Rule::Range));
    check("model_confidence", json!(-0.001), Some(Rule::Range));
}

#[test]
fn an_action_happened_lately() {
    let at = |text: &str, rule| check("action_timestamp", json!(text), rule);
    at("2026-11-21T10:05:00Z", None);
    at("2026-11-21T10:05:00.000001Z", Some(Rule::Future));
    at("2026-11-14T10:00:00Z", None);
    at("2026-11-14T09:59:59.999999Z", Some(Rule::TooOld));
    // Other times are what they are.
    check("signal_firing_time", json!("1999-01-01T00:00:00Z"), None);
    check(
        "effectiveness_assessment_due",
        json!("2030-01-01T00:00:00Z"),
        None,
    );
    at("9999-12-31T23:59:59Z", Some(Rule::Future));
}

#[test]
fn a_time_that_cannot_be_kept_is_refused_where_it_stands() {
    let is_time = |field: &&TypedField| field.format == Some("date-time");
    let fields = limit::ACTION_UPDATE_TYPED_FIELDS.iter().filter(is_time);
    let names: Vec<&str> = fields.map(|field| field.name).collect();
    assert_eq!(names.len(), 4);
    for outside in ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00+01:00"] {
        check("signal_firing_time", json!(outside), Some(Rule::Time));
        for name in &names {
            check(name, json!(outside), Some(Rule::Time));
            let change = json!({ *name: outside }).to_string();
            let refused = parse_action_update(change.as_bytes(), &Limits::default());
            let expected = vec![(format!("/{name}"), Rule::Time)];
            assert_eq!(wrong(refused.unwrap_err()), expected);
        }
    }
}

#[test]
fn a_batch_is_judged_together() {
    let limits = Limits::default();
    let parse = |body: Value| parse_actions(body.to_string().as_bytes(), now(), &limits);
    let Ok(Actions::Batch(batch)) = parse(json!([sparse(), with("action_id", json!("act-2"))]))
    else {
        panic!("is a batch");
    };
    assert_eq!(batch.len(), 2);
    assert!(matches!(parse(sparse()), Ok(Actions::One(_))));
    let bad = json!([
        with("action_id", json!("a")),
        with("signal_name", json!("")),
        with("action_id", json!("a")),
        with("action_type", json!(null)),
        7,
    ]);
    let mut found = wrong(parse(bad).unwrap_err());
    found.sort();
    let expected = [
        ("/1/signal_name".to_owned(), Rule::Empty),
        ("/2/action_id".to_owned(), Rule::DuplicateId),
        ("/3/action_type".to_owned(), Rule::Null),
        ("/4".to_owned(), Rule::Type),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        wrong(parse(json!([])).unwrap_err()),
        [(String::new(), Rule::EmptyBatch)]
    );
    let each = |n: usize| with("action_id", json!(n.to_string()));
    let many = |count| (0..count).map(each).collect::<Value>();
    assert!(parse(many(limit::BATCH_ACTIONS_MAX)).is_ok());
    let found = wrong(parse(many(limit::BATCH_ACTIONS_MAX + 1)).unwrap_err());
    assert_eq!(found, [(String::new(), Rule::BatchTooLarge)]);
    for text in ["", "{", "[", "[{}", "[{},]", "x", "[1] 2"] {
        let found = parse_actions(text.as_bytes(), now(), &limits);
        assert!(matches!(found, Err(Rejection::Malformed(_))), "{text}");
    }
}

#[test]
fn secrets_are_taken_out_and_the_id_is_left_alone() {
    let secret = "password=hunter2hunter2";
    let mut body = with("execution_error", json!(format!("login failed: {secret}")));
    body["action_parameters"] = json!({"env": secret, "n": 1});
    body["action_id"] = json!(secret);
    let valid = parse(&body).unwrap();
    let action = valid.action();
    let error = action.progress.execution_error.as_deref().unwrap();
    assert!(
        !error.contains("hunter2") && error.starts_with("login failed"),
        "{error}"
    );
    let parameters = action.action_parameters.as_ref().unwrap();
    assert!(!parameters.as_str().contains("hunter2"));
    assert_eq!(action.action_id, secret);
    assert_eq!(valid.screening().redactions.iter().count(), 2);
    let limits = Limits {
        secrets: SecretMode::Reject,
        ..Limits::default()
    };
    let refused = parse_action(body.to_string().as_bytes(), now(), &limits).unwrap_err();
    let rules = wrong(refused).into_iter().map(|(_, rule)| rule);
    assert!(rules.eq([Rule::ContainsSecret; 2]));
}

#[test]
fn a_change_holds_what_can_change() {
    let parse = |body: Value| parse_action_update(body.to_string().as_bytes(), &Limits::default());
    let valid = parse(json!({
        "execution_status": "completed", "execution_duration_ms": 1200,
        "effectiveness_score": 0.95, "execution_error": null, "workflow_id": 7,
    }));
    let update = valid.unwrap().update().clone();
    assert_eq!(update.execution_status, Some(ActionStatus::Completed));
    assert_eq!(update.progress.execution_duration_ms, Some(1_200));
    assert_eq!(update.progress.execution_error, None);
    assert_eq!(parse(json!({})).unwrap().update(), &ActionUpdate::default());
    let bad =
        json!({ "execution_status": "lost", "effectiveness_score": 2, "execution_end_time": 1 });
    let found = wrong(parse(bad).unwrap_err());
    let expected = [
        ("/effectiveness_score".to_owned(), Rule::Range),
        ("/execution_end_time".to_owned(), Rule::Type),
        ("/execution_status".to_owned(), Rule::Enum),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        wrong(parse(json!([])).unwrap_err()),
        [(String::new(), Rule::Type)]
    );
}
