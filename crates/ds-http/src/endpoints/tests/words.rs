//! Closed sets have the words of the code.

use std::collections::BTreeSet;

use ds_domain::{
    action::ActionStatus,
    event::{EventCategory, EventOutcome},
    label, limit,
    notification::{Channel, NotificationStatus},
    workflow::WorkflowStatus,
};
use ds_validation::Rule;
use serde_json::Value;

use super::{schema, words};

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
        "page_too_large",
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
            super::words(words.as_array().unwrap().iter()),
            known,
            "{name}"
        );
    }
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
    let both = ["failed_detections", "failedDetections"];
    for failed in both.map(|spelled| &detected[spelled]) {
        assert_eq!(failed["maxItems"], DetectedLabel::FALLIBLE.len());
        let fallible = DetectedLabel::FALLIBLE.iter().map(|label| label.as_str());
        check(&failed["items"]["enum"], fallible.collect());
    }
    let labels = DetectedLabel::ALL.iter().map(|label| label.as_str());
    let known: BTreeSet<&str> = labels.chain(both).collect();
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
