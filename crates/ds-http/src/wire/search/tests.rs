//! What a search is answered with, member by member.

use ds_domain::score::Score;
use ds_validation::{Limits, parse_search};
use serde_json::{Value, json};

use super::*;

const BODY: &str = r#"{"explain":true,"filters":{"signal_type":"OOMKilled","severity":"high",
    "component":"pod","environment":"production","priority":"P1","status":["active"],
    "detected_labels":{"stateful":true,"gitOpsTool":"argocd","failedDetections":["serviceMesh"]},
    "custom_labels":{"team":["a"]}}}"#;

fn search() -> WorkflowSearch {
    parse_search(BODY.as_bytes(), &Limits::default()).unwrap()
}

/// A workflow that was found.
pub(crate) fn found() -> FoundWorkflow {
    let search = search();
    FoundWorkflow {
        workflow_id: Uuid::from_u128(1),
        title: "Raise limit".to_owned(),
        description: "Raises a limit".to_owned(),
        signal_type: "OOMKilled".to_owned(),
        container_image: Some("registry.example.org/raise:1".to_owned()),
        container_digest: None,
        custom_labels: JsonObject::from_checked_text(r#"{"team":["a"]}"#),
        detected_labels: JsonObject::from_checked_text("{}"),
        custom: search.filters.custom,
        detected: DetectedLabels::default(),
        score: Score {
            boost: Points(25),
            penalty: Points(100),
        },
    }
}

/// An answer, by the name of its schema.
pub(in crate::wire) fn sample() -> (&'static str, Value) {
    let found = SearchResults {
        workflows: vec![found()],
        matching: 7,
    };
    let search = search();
    let answer = SearchAnswer::new(&search, &found).unwrap();
    (
        "WorkflowSearchResults",
        serde_json::to_value(answer).unwrap(),
    )
}

#[test]
fn an_answer_says_what_was_found_and_what_was_looked_for() {
    let (_, answer) = sample();
    let expected = json!({
        "workflows": [{
            "workflow_id": Uuid::from_u128(1), "title": "Raise limit",
            "description": "Raises a limit", "signal_type": "OOMKilled",
            "container_image": "registry.example.org/raise:1", "confidence": 0.4925,
            "label_boost": 0.025, "label_penalty": 0.1, "final_score": 0.4925, "rank": 1,
            "custom_labels": { "team": ["a"] }, "detected_labels": {},
            "contributions": [
                { "origin": "detected", "label": "gitOpsTool", "wanted": "argocd", "fit": "absent",
                  "boost": 0.0, "penalty": 0.1 },
                { "origin": "detected", "label": "stateful", "wanted": "true", "fit": "absent",
                  "boost": 0.0, "penalty": 0.0 },
                { "origin": "custom", "label": "team", "wanted": "a", "fit": "exact",
                  "boost": 0.05, "penalty": 0.0 },
            ],
        }],
        "total_results": 1,
        "filters": {
            "signal_type": "OOMKilled", "severity": "high", "component": "pod",
            "environment": "production", "priority": "P1",
            "custom_labels": { "team": ["a"] },
            "detected_labels": {
                "failed_detections": ["serviceMesh"], "gitOpsTool": "argocd", "stateful": true,
            },
            "status": ["active"],
        },
    });
    assert_eq!(answer, expected);
}

#[test]
fn scores_are_written_with_the_digits_they_have() {
    for thousandths in 0..=10_000_u16 {
        let text = serde_json::to_string(&total(Total(thousandths))).unwrap();
        let digits = format!("{}.{:04}", thousandths / 10_000, thousandths % 10_000);
        let digits = digits.trim_end_matches('0');
        let digits = if digits.ends_with('.') {
            format!("{digits}0")
        } else {
            digits.to_owned()
        };
        assert_eq!(text, digits);
    }
}
