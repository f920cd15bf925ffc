//! Problems with workflows, as clients see them.

use ds_domain::workflow::{ForbiddenChange, WorkflowStatus};
use ds_validation::{Limits, parse_workflow, parse_workflow_change};
use serde_json::{Value, json};

use super::*;
use crate::problem::tests::{cause, render};

/// What is said when a version is there already.
pub(crate) fn taken() -> Problem {
    let error = WorkflowError::Taken {
        workflow_name: "restart".to_owned(),
        version: "v1.0".to_owned(),
        workflow_id: Uuid::nil(),
        is_identical: true,
    };
    Problem::of_workflow(error, Attempt::Create, None)
}

/// The problem with the workflow in `body`.
fn workflow(body: &str) -> Problem {
    let rejection = parse_workflow(body.as_bytes(), &Limits::default()).unwrap_err();
    Problem::of_workflow(WorkflowError::Rejected(rejection), Attempt::Create, None)
}

#[test]
fn a_bad_workflow_is_reported_in_the_words_of_the_first_contract() {
    let good = format!(
        r#"{{"workflow_name":"w","version":"1","name":"n","description":"d","content":"c",
            "content_hash":"{}","execution_engine":"tekton","status":"active","labels":{{
            "signal_type":"s","severity":"low","component":"c","environment":"e","priority":"P0"}}}}"#,
        "0".repeat(64)
    );
    let schema = "request body has an error: doesn't match schema \
                  #/components/schemas/WorkflowRequest: ";
    for (from, to, slug, title, detail) in [
        (
            r#""name":"n""#,
            r#""name":"""#,
            "bad-request",
            "Bad Request",
            "name is required".to_owned(),
        ),
        (
            r#""signal_type":"s""#,
            r#""signal_type":"""#,
            "bad-request",
            "Bad Request",
            "labels are required (signal_type, severity, component, environment, priority): \
             labels.signal_type is required"
                .to_owned(),
        ),
        (
            r#""version":"1","#,
            "",
            "validation-error",
            "Validation Error",
            format!("{schema}Error at \"/version\": property \"version\" is missing"),
        ),
        (
            r#""status":"active""#,
            r#""status":"on""#,
            "validation-error",
            "Validation Error",
            format!(
                "{schema}Error at \"/status\": value is not one of the allowed values \
                 [\"active\",\"disabled\",\"deprecated\",\"archived\"]"
            ),
        ),
    ] {
        assert!(good.contains(from));
        let (status, _, document) = render(&workflow(&good.replace(from, to)));
        assert_eq!(status, 400);
        assert_eq!(
            document["type"],
            format!("https://kubernaut.ai/problems/{slug}")
        );
        assert_eq!(document["title"], title);
        assert_eq!(document["detail"], detail);
        assert_eq!(document["errors"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_cannot_be_changed_about_a_workflow_is_named() {
    let body = br#"{"labels":{},"content":"c","status":"on"}"#;
    let rejection = parse_workflow_change(body, &Limits::default()).unwrap_err();
    let error = WorkflowError::Rejected(rejection);
    let problem = Problem::of_workflow(error, Attempt::Update, Some(Uuid::nil()));
    let (status, _, document) = render(&problem);
    let expected = "Cannot update immutable fields (description, content, labels). Create a new \
                    version instead. See DD-WORKFLOW-012.";
    assert_eq!(
        (status.as_u16(), &document["detail"]),
        (400, &json!(expected))
    );
    let slug = "https://kubernaut.ai/problems/immutable-field-violation";
    assert_eq!(document["type"], slug);
    let errors = document["errors"].as_array().unwrap().iter();
    let pointers: Vec<&Value> = errors.map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/content", "/labels", "/status"]);
}

#[test]
fn what_is_in_the_way_of_a_workflow_is_said() {
    let (status, _, document) = render(&taken());
    assert_eq!(
        (status.as_u16(), &document["identical"]),
        (409, &json!(true))
    );
    assert_eq!(document["title"], "Workflow Already Exists");
    assert_eq!(
        document["detail"],
        "Workflow 'restart' version 'v1.0' already exists"
    );
    assert_eq!(document["workflow_id"], Uuid::nil().to_string());
}

#[test]
fn every_way_to_fail_has_its_document() {
    for (error, status, slug, detail) in [
        (
            WorkflowError::Unknown,
            404,
            "not-found",
            "Workflow not found: 00000000-0000-0000-0000-000000000000",
        ),
        (
            WorkflowError::Forbidden(ForbiddenChange {
                from: WorkflowStatus::Archived,
                to: WorkflowStatus::Active,
            }),
            409,
            "invalid-status-transition",
            "a workflow that is archived cannot become active",
        ),
        (
            WorkflowError::ReportTaken {
                execution_id: "run-1".to_owned(),
            },
            409,
            "conflict",
            "another report with execution_id 'run-1' was counted before",
        ),
        (
            WorkflowError::CountersFull,
            409,
            "conflict",
            "the counters of a workflow hold at most 2147483647 runs",
        ),
        (
            WorkflowError::Internal(cause()),
            500,
            "internal-error",
            "Failed to update workflow",
        ),
        (
            WorkflowError::Unavailable(cause()),
            503,
            "service-unavailable",
            "the workflow catalogue is temporarily unavailable, try again later",
        ),
        (
            WorkflowError::Refused {
                column: Some("description".to_owned()),
                cause: cause(),
            },
            400,
            "validation-error",
            "request body has an error: doesn't match schema #/components/schemas/WorkflowChange: \
             Error at \"/description\": value is refused by the store",
        ),
    ] {
        check(error, status, slug, detail);
    }
}

#[test]
fn a_page_that_is_too_large_says_how_many_fit() {
    let (status, _, document) = render(&Problem::of_workflow_page(NoPage::TooLarge { fitting: 7 }));
    assert_eq!(status, 400);
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.contains("from this offset on 7 fit"), "{detail}");
    let fault = &document["errors"][0];
    assert_eq!(
        (&fault["parameter"], &fault["rule"]),
        (&json!("limit"), &json!("page_too_large"))
    );
}

#[track_caller]
fn check(error: WorkflowError, status: u16, slug: &str, detail: &str) {
    let problem = Problem::of_workflow(error, Attempt::Update, Some(Uuid::nil()));
    let (given, _, document) = render(&problem);
    assert_eq!(given, status, "{detail}");
    let kind = format!("https://kubernaut.ai/problems/{slug}");
    assert_eq!(document["type"], kind);
    assert_eq!(document["detail"], detail);
}
