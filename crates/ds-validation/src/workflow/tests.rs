//! What is said about workflows.

use serde_json::{Value, json};

use super::*;
use crate::SecretMode;

fn good() -> Value {
    json!({
        "workflow_name": "restart-pod",
        "version": "v1.0",
        "name": "Restart a pod",
        "description": "Restarts it.",
        "content": "abc",
        "content_hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "execution_engine": "tekton",
        "status": "active",
        "labels": {
            "signal_type": "OOMKilled", "severity": "high", "component": "*",
            "environment": "production", "priority": "P1", "risk_tolerance": "low",
        },
    })
}

fn parse(body: &Value) -> Result<ValidWorkflow, Rejection> {
    parse_workflow(body.to_string().as_bytes(), &Limits::default())
}

/// What is wrong with a good workflow whose `member` is `value`; `null` takes it out.
fn faults(member: &str, value: Value) -> Vec<String> {
    let mut body = good();
    let members = body.as_object_mut().unwrap();
    match value.is_null() {
        true => members.remove(member),
        false => members.insert(member.to_owned(), value),
    };
    match parse(&body) {
        Ok(_) => Vec::new(),
        Err(Rejection::Invalid(found)) => found
            .iter()
            .map(|it| format!("{} {}: {}", it.rule.as_str(), it.pointer, it.message))
            .collect(),
        Err(Rejection::Malformed(error)) => panic!("{error}"),
    }
}

#[track_caller]
fn check(member: &str, value: Value, expected: &str) {
    assert_eq!(faults(member, value), [expected], "{member}");
}

#[track_caller]
fn accepts(member: &str, value: Value) {
    assert_eq!(faults(member, value), [""; 0], "{member}");
}

#[test]
fn a_workflow_is_kept_as_it_was_written() {
    let mut body = good();
    let more = json!({
        "owner": "sre", "maintainer": "", "parameters": {"n": 1},
        "container_image": "quay.io/x:v1@sha256:abc123def456",
        "container_digest": format!("sha256:{}", "a".repeat(64)),
        "custom_labels": {"team": ["a", "b"]},
        "detected_labels": {"stateful": true, "pdbProtected": false, "podSecurityLevel": "x"},
        "approved_at": "2026-11-21T10:00:00.1234567+01:00",
        "expected_success_rate": 0.91666, "expected_duration_seconds": 90.0,
        "workflow_id": 7, "created_at": "0001-01-01T00:00:00Z", "total_executions": -3,
    });
    let members = body.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let valid = parse(&body).unwrap();
    let workflow = valid.workflow();
    assert_eq!(workflow.content, "abc");
    assert_eq!(workflow.owner.as_deref(), Some("sre"));
    assert_eq!(workflow.maintainer, None, "an empty text says nothing");
    assert_eq!(workflow.parameters.as_ref().unwrap().as_str(), r#"{"n":1}"#);
    assert_eq!(workflow.custom_labels.values("team"), ["a", "b"]);
    assert_eq!(workflow.detected_labels.flags.iter().count(), 1);
    let rate = workflow.expected_success_rate.unwrap();
    assert_eq!(rate.thousandths(), 917);
    assert_eq!(workflow.expected_duration_seconds, Some(90));
    let approved_at = workflow.approved_at.unwrap().to_string();
    assert_eq!(approved_at, "2026-11-21T09:00:00.123456Z");
    assert_eq!(valid.warnings(), []);
}

#[test]
fn what_must_be_there_is_missed_in_the_order_of_the_contract() {
    let Err(Rejection::Invalid(found)) = parse(&json!({})) else {
        panic!("is refused");
    };
    let fields: Vec<&str> = found.iter().map(|violation| violation.field).collect();
    assert_eq!(fields, REQUIRED);
    for field in REQUIRED {
        let missing = format!("required /{field}: property \"{field}\" is missing");
        check(field, Value::Null, &missing);
    }
    let Err(Rejection::Invalid(found)) = parse(&json!([])) else {
        panic!("is refused");
    };
    assert_eq!(found.len(), 1, "{found}");
}

#[test]
fn every_text_has_its_bounds() {
    for field in WORKFLOW_TEXT_FIELDS {
        let (name, max) = (field.name, field.chars_max.unwrap());
        let empty = format!("empty /{name}: {name} is required");
        match name {
            // Closed sets and forms have rules of their own.
            "status" | "container_digest" => continue,
            "execution_engine" => accepts(name, json!("")),
            _ if field.required => check(name, json!(""), &empty),
            _ => accepts(name, json!("")),
        }
        accepts(name, json!("ü".repeat(max)));
        let long = format!("exceeds_max_length /{name}: maximum string length is {max}");
        check(name, json!("ü".repeat(max + 1)), &long);
        let kind = format!("invalid_type /{name}: value must be a string");
        check(name, json!(7), &kind);
    }
    check(
        "content_hash",
        json!("a".repeat(63)),
        "invalid_format /content_hash: minimum string length is 64",
    );
}

#[test]
fn words_forms_and_numbers_have_their_bounds() {
    check(
        "status",
        json!("on"),
        "invalid_enum /status: value is not one of the allowed values \
         [\"active\",\"disabled\",\"deprecated\",\"archived\"]",
    );
    let digest = "invalid_format /container_digest: container_digest must be \"sha256:\" and 64 \
                  lower-case hexadecimal digits";
    for wrong in [
        "sha256:abc",
        &"a".repeat(71),
        &format!("sha256:{}", "A".repeat(64)),
    ] {
        check("container_digest", json!(wrong), digest);
    }
    accepts("container_digest", json!(""));
    check(
        "parameters",
        json!([]),
        "invalid_type /parameters: value must be an object",
    );
    for (rate, expected) in [
        (json!(1.001), "at most 1"),
        (json!(-0.1), "at least 0"),
        (json!(1e9), "at most 1"),
    ] {
        let expected = format!("out_of_range /expected_success_rate: number must be {expected}");
        check("expected_success_rate", rate, &expected);
    }
    for rate in [json!(0), json!(1), json!(1.0), json!(5e-1), json!(0.0004)] {
        accepts("expected_success_rate", rate);
    }
    check(
        "expected_duration_seconds",
        json!(-1),
        "out_of_range /expected_duration_seconds: number must be at least 0",
    );
    check(
        "expected_duration_seconds",
        json!(2_147_483_648_u64),
        "out_of_range /expected_duration_seconds: number must be at most 2147483647",
    );
    check(
        "approved_at",
        json!("soon"),
        "invalid_format /approved_at: string doesn't match the format \"date-time\"",
    );
    check(
        "approved_at",
        json!("9999-12-31T23:59:59Z"),
        "invalid_time /approved_at: invalid time: behind the last moment that can be stored",
    );
}

#[test]
fn labels_are_checked_with_the_rest() {
    let mut body = good();
    body["labels"] =
        json!({"signal_type": "", "severity": "*", "component": "pod", "priority": "p1"});
    body["custom_labels"] = json!({"kubernaut.ai/x": ["v"]});
    body["detected_labels"] = json!({"gitOpsTool": "helm"});
    body["version"] = json!("");
    let Err(Rejection::Invalid(found)) = parse(&body) else {
        panic!("is refused");
    };
    let pointers: Vec<&str> = found.iter().map(|it| it.pointer.as_str()).collect();
    let expected = [
        "/custom_labels/kubernaut.ai~1x",
        "/detected_labels/gitOpsTool",
        "/labels/priority",
        "/labels/severity",
        "/labels/signal_type",
        "/version",
        "/labels/environment",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn a_hash_that_is_not_that_of_the_content_is_judged_by_the_mode() {
    let mut body = good();
    body["content"] = json!("abcd");
    let body = body.to_string();
    let parse = |mode| {
        let limits = Limits {
            content_hash: mode,
            ..Limits::default()
        };
        parse_workflow(body.as_bytes(), &limits)
    };
    let warnings = |mode| parse(mode).unwrap().warnings().len();
    assert_eq!((warnings(HashMode::Off), warnings(HashMode::Warn)), (0, 1));
    let Err(Rejection::Invalid(found)) = parse(HashMode::Enforce) else {
        panic!("is refused");
    };
    let found: Vec<_> = found.iter().map(|it| (it.rule, it.field)).collect();
    assert_eq!(found, [(Rule::ContentHash, "content_hash")]);
}

#[test]
fn secrets_are_warned_of_and_stay_where_they_are() {
    // Two of them: one warning tells its author where to look.
    let content = "password: hunter2hunter2\ndial postgres://app:hunter2@db:5432/shop\n\
                   <script>alert(1)</script>";
    let mut body = good();
    body["content"] = json!(content);
    let body = body.to_string();
    for (mode, expected) in [
        (SecretMode::Redact, 1),
        (SecretMode::Reject, 1),
        (SecretMode::Off, 0),
    ] {
        let mut limits = Limits::default();
        (limits.secrets, limits.content_hash) = (mode, HashMode::Off);
        let valid = parse_workflow(body.as_bytes(), &limits).unwrap();
        assert_eq!(valid.workflow().content, content, "{mode:?}");
        let secrets = valid.warnings().iter();
        let secrets = secrets.filter(|it| it.rule == Rule::ContainsSecret && it.field == "content");
        assert_eq!(secrets.count(), expected, "{mode:?}");
        assert!(!valid.screening().flags.is_empty());
    }
}

#[test]
fn of_a_batch_each_item_is_judged_by_itself() {
    let mut bad = good();
    bad["name"] = json!("");
    let body = json!([good(), bad, 7, good()]).to_string();
    let each = parse_workflow_batch(body.as_bytes(), &Limits::default()).unwrap();
    let is_valid: Vec<bool> = each.iter().map(Result::is_ok).collect();
    assert_eq!(is_valid, [true, false, false, true]);
    let pointer = |at: usize| {
        each[at]
            .as_ref()
            .unwrap_err()
            .iter()
            .next()
            .unwrap()
            .pointer
            .clone()
    };
    assert_eq!([pointer(1), pointer(2)], ["/name", ""]);
    let refused = |body: &str| match parse_workflow_batch(body.as_bytes(), &Limits::default()) {
        Ok(_) => "accepted",
        Err(Rejection::Malformed(_)) => "malformed",
        Err(Rejection::Invalid(found)) => found.iter().next().unwrap().rule.as_str(),
    };
    assert_eq!(refused("[]"), "empty_batch");
    assert_eq!(refused("{}"), "invalid_type");
    assert_eq!(refused("[7,]"), "malformed");
    assert_eq!(refused("[7"), "malformed");
    let many = |items: usize| json!(vec![7; items]).to_string();
    assert_eq!(refused(&many(500)), "accepted");
    assert_eq!(refused(&many(501)), "batch_too_large");
}

#[test]
fn a_change_names_what_cannot_change() {
    let parse = |body: &str| parse_workflow_change(body.as_bytes(), &Limits::default());
    let change = parse(r#"{"status":"disabled","disabled_by":"ann","updated_by":""}"#).unwrap();
    assert_eq!(change.status, Some(WorkflowStatus::Disabled));
    assert_eq!(change.disabled_by.as_deref(), Some("ann"));
    assert_eq!(change.updated_by, None);
    let nothing = parse(r#"{"content":null,"workflow_id":null,"unknown":7}"#).unwrap();
    assert_eq!(nothing, Default::default());
    for (body, expected) in [
        (
            r#"{"content":"x","labels":{},"status":"active"}"#,
            "immutable /content, immutable /labels",
        ),
        (
            r#"{"version_notes":"x","total_executions":7}"#,
            "immutable /total_executions, immutable /version_notes",
        ),
        (r#"{"status":"on"}"#, "invalid_enum /status"),
        (r#"{"status":7}"#, "invalid_type /status"),
        ("[]", "invalid_type "),
    ] {
        let Err(Rejection::Invalid(found)) = parse(body) else {
            panic!("{body} is refused");
        };
        let found = found
            .iter()
            .map(|it| format!("{} {}", it.rule.as_str(), it.pointer));
        assert_eq!(found.collect::<Vec<_>>().join(", "), expected);
    }
    let long = format!(r#"{{"disabled_by":"{}"}}"#, "x".repeat(256));
    assert!(parse(&long).is_err());
}

#[test]
fn a_switch_may_say_why_or_nothing_at_all() {
    let limits = Limits::default();
    for body in ["", " \n", "{}", r#"{"reason":null}"#] {
        let change = parse_workflow_disabling(body.as_bytes(), &limits).unwrap();
        assert_eq!(change.status, Some(WorkflowStatus::Disabled));
        assert_eq!(change.disabled_reason, None);
    }
    let body = br#"{"reason":"it loops","updated_by":"ann"}"#;
    let change = parse_workflow_disabling(body, &limits).unwrap();
    assert_eq!(change.disabled_reason.as_deref(), Some("it loops"));
    assert_eq!(change.disabled_by.as_deref(), Some("ann"));
    let change = parse_workflow_enabling(body, &limits).unwrap();
    assert_eq!(
        (change.status, change.disabled_by),
        (Some(WorkflowStatus::Active), None)
    );
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(10_001));
    let Err(Rejection::Invalid(found)) = parse_workflow_enabling(long.as_bytes(), &limits) else {
        panic!("is refused");
    };
    assert!(found.has("/reason"));
}

#[test]
fn a_report_says_how_often_and_how_it_ended() {
    let parse = |body: &str| parse_executions(body.as_bytes(), &Limits::default());
    let report = parse(r#"{"succeeded":true,"count":3,"execution_id":"a"}"#).unwrap();
    assert_eq!((report.count, report.successful), (3, 3));
    assert_eq!(report.execution_id.as_deref(), Some("a"));
    let report = parse(r#"{"succeeded":false,"count":null}"#).unwrap();
    assert_eq!((report.count, report.successful), (1, 0));
    for (body, expected) in [
        ("{}", "required /succeeded"),
        (r#"{"succeeded":"yes"}"#, "invalid_type /succeeded"),
        (r#"{"succeeded":true,"count":0}"#, "out_of_range /count"),
        (
            r#"{"succeeded":true,"count":1000001}"#,
            "out_of_range /count",
        ),
        (
            r#"{"succeeded":true,"execution_id":""}"#,
            "empty /execution_id",
        ),
    ] {
        let Err(Rejection::Invalid(found)) = parse(body) else {
            panic!("{body} is refused");
        };
        let found = found
            .iter()
            .map(|it| format!("{} {}", it.rule.as_str(), it.pointer));
        assert_eq!(found.collect::<Vec<_>>().join(", "), expected);
    }
}
