//! The wire forms of actions, success rates and incidents.

use ds_domain::{
    action::{Revision, StoredAction},
    incident::{DayCount, Group, TrendPeriod},
    rate::{AiModes, IncidentShare, SuccessRate, Tally, WorkflowShare},
};
use ds_ingest::ActionRecorded;
use ds_repository::IncidentPage;
use ds_validation::{
    Limits,
    incident::IncidentSlice,
    parse_action,
    rate::{RateSubject, parse_rate_query},
};
use jiff::{Timestamp, civil::date};
use serde_json::{Value, json};

use crate::wire::{
    ActionCreated, ActionDetail, ActionElement, ActionsCreated, IncidentList, NamespaceCounts,
    OutcomeCounts, SeverityCounts, SuccessRateReport, Trend,
};

fn at() -> Timestamp {
    "2026-11-21T10:00:00.123456Z".parse().unwrap()
}

/// What every action has.
fn sparse() -> Value {
    json!({
        "action_id": "act-1", "action_timestamp": at(), "signal_name": "PodOOMKilled",
        "signal_severity": "critical", "model_used": "granite", "model_confidence": 0.85,
        "action_type": "increase_resources",
    })
}

/// What some have besides.
fn optional() -> Value {
    json!({
        "action_history_id": 7, "correlation_id": "rr-1", "signal_labels": {"a": "b"},
        "signal_annotations": {}, "signal_firing_time": at(), "routing_tier": "small",
        "model_reasoning": "because", "alternative_actions": [{"n": 1}], "action_parameters": {},
        "resource_state_before": {}, "incident_type": "pod-oom", "alert_name": "Mem",
        "incident_severity": "high", "workflow_id": "recovery", "workflow_version": "v1",
        "workflow_step_number": 1, "workflow_execution_id": "we-1",
        "ai_workflow_customization": {}, "namespace": "prod", "cluster_name": "east",
        "environment": "production", "execution_start_time": at(), "execution_end_time": at(),
        "execution_duration_ms": 0, "execution_error": "e", "kubernetes_operations": [],
        "resource_state_after": {}, "effectiveness_score": 0.001, "effectiveness_criteria": {},
        "effectiveness_assessed_at": at(), "effectiveness_assessment_method": "auto",
        "effectiveness_notes": "n", "effectiveness_assessment_due": at(),
        "follow_up_actions": [[]],
    })
}

fn full() -> Value {
    let mut body = sparse();
    let Value::Object(optional) = optional() else {
        panic!("is an object")
    };
    body.as_object_mut().unwrap().extend(optional);
    body
}

fn stored(body: &Value) -> StoredAction {
    let valid = parse_action(body.to_string().as_bytes(), at(), &Limits::default()).unwrap();
    StoredAction {
        id: 7,
        action: valid.action().clone(),
        revision: 2,
        created_at: at(),
        updated_at: at(),
    }
}

fn rate() -> SuccessRate {
    let tally = Tally {
        total: 20,
        completed: 15,
        failed: 5,
    };
    SuccessRate {
        tally,
        modes: AiModes {
            catalog_selected: 15,
            chained: 5,
            manual_escalation: 0,
        },
        by_workflow: vec![WorkflowShare {
            workflow_id: "recovery".to_owned(),
            workflow_version: None,
            tally,
        }],
        by_incident_type: vec![IncidentShare {
            incident_type: "pod-oom".to_owned(),
            tally,
        }],
    }
}

fn report(subject: RateSubject, query: &'static str, found: &SuccessRate) -> Value {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let query = parse_rate_query(subject, pairs).unwrap();
    serde_json::to_value(SuccessRateReport::new(subject, &query, found)).unwrap()
}

pub(super) fn samples() -> Vec<(&'static str, Value)> {
    [action_samples(), incident_samples(), rate_samples()].concat()
}

fn action_samples() -> Vec<(&'static str, Value)> {
    let (full, sparse) = (stored(&full()), stored(&sparse()));
    let revision = |revision, of: &StoredAction| Revision {
        revision,
        execution_status: of.action.execution_status,
        progress: of.action.progress.clone(),
        superseded_at: at(),
    };
    let revisions = [revision(0, &sparse), revision(1, &full)];
    let recorded = ActionRecorded {
        id: 7,
        action_id: "act-1".to_owned(),
        action_timestamp: at(),
        created_at: at(),
    };
    let several = std::slice::from_ref(&recorded);
    let value = |value: &dyn super::erased::Json| value.json();
    vec![
        ("Action", value(&ActionElement::new(&full).unwrap())),
        ("Action", value(&ActionElement::new(&sparse).unwrap())),
        (
            "ActionDetail",
            value(&ActionDetail::new(&full, &revisions).unwrap()),
        ),
        ("ActionCreated", value(&ActionCreated::new(&recorded))),
        ("ActionsCreated", value(&ActionsCreated::new(several))),
    ]
}

fn incident_samples() -> Vec<(&'static str, Value)> {
    let page = IncidentPage {
        incidents: vec![stored(&full()), stored(&sparse())],
        total: 7,
    };
    let slice = IncidentSlice {
        limit: 2,
        offset: 0,
    };
    let groups = [Group {
        name: "prod".to_owned(),
        count: 7,
    }];
    let days = [DayCount {
        date: date(2026, 11, 21),
        count: 0,
    }];
    let value = |value: &dyn super::erased::Json| value.json();
    let outcomes = value(&OutcomeCounts::new("w", rate().tally));
    let trend = value(&Trend::new(TrendPeriod::Days7, &days));
    let list = value(&IncidentList::new(&page, slice).unwrap());
    vec![
        ("IncidentList", list),
        ("IncidentSuccessRate", outcomes),
        ("NamespaceCounts", value(&NamespaceCounts::new(&groups))),
        ("SeverityCounts", value(&SeverityCounts::new(&groups))),
        ("IncidentTrend", trend),
    ]
}

fn rate_samples() -> Vec<(&'static str, Value)> {
    use RateSubject::{IncidentType, MultiDimensional, Workflow};
    let (rate, nothing) = (rate(), SuccessRate::default());
    vec![
        (
            "IncidentTypeSuccessRate",
            report(IncidentType, "incident_type=i", &rate),
        ),
        (
            "WorkflowSuccessRate",
            report(Workflow, "workflow_id=w", &rate),
        ),
        (
            "SuccessRate",
            report(MultiDimensional, "action_type=a", &rate),
        ),
        (
            "SuccessRate",
            report(MultiDimensional, "action_type=a", &nothing),
        ),
    ]
}

#[test]
fn an_action_has_what_was_sent_and_nothing_that_was_not() {
    let (full, sparse) = (full(), sparse());
    for body in [full, sparse] {
        let stored = stored(&body);
        let element = serde_json::to_value(ActionElement::new(&stored).unwrap()).unwrap();
        let mut expected = body;
        for (name, value) in [
            ("id", json!(7)),
            ("ai_selected_workflow", json!(false)),
            ("ai_chained_workflows", json!(false)),
            ("ai_manual_escalation", json!(false)),
            ("execution_status", json!("pending")),
            ("revision", json!(2)),
            ("created_at", json!(at())),
            ("updated_at", json!(at())),
        ] {
            expected[name] = value;
        }
        assert_eq!(element, expected);
    }
}

#[test]
fn a_rate_is_a_percentage_on_top_and_a_fraction_below() {
    let query = "workflow_id=w&time_range=36h&min_samples=21";
    let expected = json!({
        "workflow_id": "w", "workflow_version": "", "time_range": "1d", "total_executions": 20,
        "successful_executions": 15, "failed_executions": 5, "success_rate": 75.0,
        "confidence": "medium", "min_samples_met": false,
        "breakdown_by_incident_type": [
            { "incident_type": "pod-oom", "executions": 20, "success_rate": 0.75 },
        ],
        "ai_execution_mode": { "catalog_selected": 15, "chained": 5, "manual_escalation": 0 },
    });
    assert_eq!(report(RateSubject::Workflow, query, &rate()), expected);

    let query = "incident_type=i&time_range=36h&min_samples=20";
    let nothing = report(RateSubject::IncidentType, query, &SuccessRate::default());
    let expected = json!({
        "incident_type": "i", "time_range": "1d", "total_executions": 0,
        "successful_executions": 0, "failed_executions": 0, "success_rate": 0.0,
        "confidence": "insufficient_data", "min_samples_met": false,
    });
    assert_eq!(nothing, expected);

    let query = "workflow_id=w&workflow_version=v1&time_range=036h&min_samples=20";
    let multi = report(RateSubject::MultiDimensional, query, &rate());
    let expected = json!({
        "dimensions": {
            "incident_type": "", "workflow_id": "w", "workflow_version": "v1", "action_type": "",
        },
        "time_range": "036h", "total_executions": 20, "successful_executions": 15,
        "failed_executions": 5, "success_rate": 75.0, "confidence": "medium",
        "min_samples_met": true,
        "breakdown_by_workflow": [
            { "workflow_id": "recovery", "workflow_version": "", "executions": 20, "success_rate": 0.75 },
        ],
        "breakdown_by_incident_type": [
            { "incident_type": "pod-oom", "executions": 20, "success_rate": 0.75 },
        ],
        "ai_execution_mode": { "catalog_selected": 15, "chained": 5, "manual_escalation": 0 },
    });
    assert_eq!(multi, expected);
}
