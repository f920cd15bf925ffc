//! Searches that are accepted, and what is said about others.

use ds_domain::label::{DetectedLabel, GitOpsTool, Priority, ServiceMesh, Severity};

use super::*;

const LABELS: &str = r#""signal_type":"OOMKilled","severity":"high","component":"pod","environment":"production","priority":"P1""#;

fn parse(body: &str) -> Result<WorkflowSearch, Rejection> {
    parse_search(body.as_bytes(), &Limits::default())
}

/// A search with these members beside the mandatory labels, and these beside the filters.
fn search(filters: &str, members: &str) -> Result<WorkflowSearch, Rejection> {
    parse(&format!(r#"{{"filters":{{{LABELS}{filters}}}{members}}}"#))
}

/// What is wrong, one line each: rule, pointer, message.
#[track_caller]
fn refuses(result: Result<WorkflowSearch, Rejection>, expected: &[&str]) {
    let Err(Rejection::Invalid(found)) = result else {
        panic!("{result:?}");
    };
    let found: Vec<_> = found
        .iter()
        .map(|it| format!("{} {} {}", it.rule.as_str(), it.pointer, it.message))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn defaults_are_those_of_the_contract() {
    let search = search("", "").unwrap();
    assert_eq!((search.top_k, search.min_score), (10, Total(0)));
    assert!(!search.include_disabled && !search.explain);
    assert_eq!(search.statuses(), [WorkflowStatus::Active]);
    let labels = &search.filters.labels;
    assert_eq!(labels.signal_type, "OOMKilled");
    assert_eq!(
        (labels.severity, labels.priority),
        (Severity::High, Priority::P1)
    );
    assert!(search.filters.detected.is_empty() && search.filters.custom.is_empty());
}

#[test]
fn everything_that_can_be_said_is_read() {
    let filters = r#","detected_labels":{"gitOpsManaged":true,"stateful":false,"gitOpsTool":"argocd",
        "serviceMesh":"*","podSecurityLevel":"x","hpaEnabled":null,
        "failed_detections":["pdbProtected"],"failedDetections":["serviceMesh"]},
        "custom_labels":{"team.x_y-Z":["payments","a \" \\ ü"],"none":[]},"status":["active","archived","active"]"#;
    let members = r#","remediation_id":"rr-1","top_k":100.0,"min_score":5025e-4,"include_disabled":true,"explain":true,"later":1"#;
    let search = search(filters, members).unwrap();
    let detected = &search.filters.detected;
    assert!(detected.flags.contains(DetectedLabel::GitOpsManaged));
    assert!(!detected.flags.contains(DetectedLabel::Stateful));
    assert_eq!(detected.git_ops_tool, Some(GitOpsTool::ArgoCd));
    assert_eq!(detected.service_mesh, Some(ServiceMesh::Any));
    let failed: Vec<_> = detected.failed.iter().collect();
    let both = [DetectedLabel::PdbProtected, DetectedLabel::ServiceMesh];
    assert_eq!(failed, both);
    let custom = &search.filters.custom;
    assert_eq!(custom.values("team.x_y-Z"), ["payments", "a \" \\ ü"]);
    assert!(custom.values("none").is_empty());
    let statuses = [WorkflowStatus::Active, WorkflowStatus::Archived];
    assert_eq!(search.statuses(), statuses);
    assert_eq!(search.remediation_id.as_deref(), Some("rr-1"));
    assert_eq!((search.top_k, search.min_score), (100, Total(5_025)));
    assert!(search.include_disabled && search.explain);
}

#[test]
fn who_names_no_status_gets_what_is_active_or_everything() {
    let all = search("", r#","include_disabled":true"#).unwrap();
    assert_eq!(all.statuses(), WorkflowStatus::ALL);
    let named = search(r#","status":["disabled"]"#, "").unwrap();
    assert_eq!(named.statuses(), [WorkflowStatus::Disabled]);
    let none = search(r#","status":[]"#, "").unwrap();
    assert_eq!(none.statuses(), [WorkflowStatus::Active]);
}

#[test]
fn every_mandatory_label_is_needed() {
    refuses(parse("{}"), &["required /filters filters is required"]);
    refuses(
        parse(r#"{"filters":{"severity":"","component":null,"environment":7}}"#),
        &[
            "not_nullable /filters/component Value is not nullable",
            "invalid_type /filters/environment value must be a string",
            "empty /filters/severity filters.severity is required",
            "required /filters/signal_type filters.signal_type is required",
            "required /filters/priority filters.priority is required",
        ],
    );
    for filters in ["null", "[]", "7"] {
        let result = parse(&format!(r#"{{"filters":{filters}}}"#));
        assert!(matches!(result, Err(Rejection::Invalid(found)) if found.len() == 1));
    }
    refuses(parse("[]"), &["invalid_type  value must be an object"]);
}

#[test]
fn words_are_those_of_signals() {
    let body = r#"{"filters":{"signal_type":"s","severity":"High","component":"*","environment":"*","priority":"*"}}"#;
    refuses(
        parse(body),
        &[
            r#"invalid_enum /filters/priority value is not one of the allowed values ["P0","P1","P2","P3"]"#,
            r#"invalid_enum /filters/severity value is not one of the allowed values ["critical","high","medium","low"]"#,
        ],
    );
    let body = r#"{"filters":{"signal_type":"s","severity":"low","component":"*","environment":"*","priority":"p1"}}"#;
    refuses(
        parse(body),
        &[
            r#"invalid_enum /filters/priority value is not one of the allowed values ["P0","P1","P2","P3"]"#,
        ],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let filters = r#","detected_labels":{"gitOpsManaged":"yes","gitOpsTool":"jenkins","serviceMesh":1,
        "failed_detections":["gitOpsTool",7]},"custom_labels":[],"status":["active","gone"]"#;
    let members = r#","top_k":0,"min_score":1.5,"include_disabled":"no","remediation_id":7"#;
    refuses(
        search(filters, members),
        &[
            "invalid_type /filters/custom_labels value must be an object",
            r#"invalid_enum /filters/detected_labels/failed_detections/0 value is not one of the allowed values ["gitOpsManaged","pdbProtected","hpaEnabled","stateful","helmManaged","networkIsolated","serviceMesh"]"#,
            "invalid_type /filters/detected_labels/failed_detections/1 value must be a string",
            "invalid_type /filters/detected_labels/gitOpsManaged value must be a boolean",
            r#"invalid_enum /filters/detected_labels/gitOpsTool value is not one of the allowed values ["argocd","flux","*"]"#,
            "invalid_type /filters/detected_labels/serviceMesh value must be a string",
            r#"invalid_enum /filters/status/1 value is not one of the allowed values ["active","disabled","deprecated","archived"]"#,
            "invalid_type /include_disabled value must be a boolean",
            "out_of_range /min_score number must be at most 1",
            "invalid_type /remediation_id value must be a string",
            "out_of_range /top_k number must be at least 1",
        ],
    );
}

#[test]
fn results_are_one_to_a_hundred() {
    for (top_k, message) in [
        ("101", "number must be at most 100"),
        ("300", "number must be at most 100"),
        ("-1", "number must be at least 1"),
        ("99999999999999999999", "number is out of range"),
    ] {
        let line = format!("out_of_range /top_k {message}");
        refuses(search("", &format!(r#","top_k":{top_k}"#)), &[&line]);
    }
    assert_eq!(search("", r#","top_k":1"#).unwrap().top_k, 1);
    assert_eq!(search("", r#","top_k":null"#).unwrap().top_k, 10);
}

#[test]
fn the_least_score_is_exact_to_the_last_digit() {
    #[track_caller]
    fn check(text: &str, total: Option<u16>) {
        assert_eq!(least_total(text), total.map(Total), "{text}");
    }
    for (text, total) in [
        ("0", 0),
        ("-0.0", 0),
        ("0e9", 0),
        ("1", 10_000),
        ("1.000", 10_000),
        ("0.5", 5_000),
        ("0.50", 5_000),
        ("5e-1", 5_000),
        ("5025E-4", 5_025),
        ("0.0005025e+3", 5_025),
        ("0.5025", 5_025),
        ("0.50250", 5_025),
        ("0.502500001", 5_026),
        ("0.00001", 1),
        ("1e-300", 1),
        ("1e-4", 1),
        ("0.99999", 10_000),
    ] {
        check(text, Some(total));
    }
    for text in [
        "1.0001",
        "1.00000001",
        "-0.1",
        "2",
        "10",
        "1e1",
        "1e4",
        "1e300",
        "-1e-9",
    ] {
        check(text, None);
    }
}

#[test]
fn members_that_are_named_twice_are_refused_wherever_they_are() {
    refuses(
        search(r#","custom_labels":{"a":[],"a":[]},"severity":"low""#, ""),
        &[
            "duplicate_key /filters/custom_labels/a object names this member twice",
            "duplicate_key /filters/severity object names this member twice",
        ],
    );
}
