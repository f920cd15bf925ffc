//! Success rates and incidents through the real binary, and what is told of them without PostgreSQL.

use std::time::{Duration, Instant};

use ds_testkit::{Durability, PostgresServer};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    actions::{store, with},
    program::eventually,
    service::{Reply, Service},
    stage::Stage,
};

const RATES: &str = "/api/v1/success-rate";
const INCIDENTS: &str = "/api/v1/incidents";

async fn get(service: &Service, path: &str) -> Reply {
    service.send(Method::GET, path, "").await
}

async fn tell(service: &Service, path: &str) -> Value {
    let reply = get(service, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {reply:?}");
    reply.json()
}

/// Stores actions with these members: so many that succeeded, failed and have not ended.
async fn seed(service: &Service, name: &str, members: &Value, counts: [usize; 3]) {
    let statuses = ["completed", "failed", "pending"].into_iter().zip(counts);
    let each = statuses.flat_map(|(status, count)| std::iter::repeat_n(status, count));
    let batch = each.enumerate().map(|(n, status)| {
        let mut action = with(&format!("{name}-{n}"), members);
        action["execution_status"] = json!(status);
        action
    });
    store(service, &batch.collect()).await;
}

/// What the tests of the first service expect: counts of actions, the rate in percent rounded to two
/// digits, and the confidence.
const REFERENCE: &[([usize; 3], f64, &str)] = &[
    ([8, 2, 0], 80.0, "low"),
    ([15, 5, 0], 75.0, "medium"),
    ([40, 10, 0], 80.0, "medium"),
    ([120, 30, 0], 80.0, "high"),
    ([2, 1, 0], 66.67, "insufficient_data"),
    ([13, 4, 0], 76.47, "low"),
    ([10, 0, 2], 83.33, "low"),
    ([4, 0, 0], 100.0, "insufficient_data"),
    ([5, 0, 0], 100.0, "low"),
    ([0, 19, 0], 0.0, "low"),
    ([0, 20, 0], 0.0, "medium"),
    ([99, 0, 0], 100.0, "medium"),
    ([100, 0, 0], 100.0, "high"),
];

#[tokio::test]
async fn rates_are_those_of_the_reference() {
    let service = Service::start().await;
    for (n, (counts, percent, confidence)) in REFERENCE.iter().enumerate() {
        let (incident, workflow) = (format!("i{n}"), format!("w{n}"));
        let members = json!({ "incident_type": incident, "workflow_id": workflow });
        seed(&service, &workflow, &members, *counts).await;
        for path in [
            format!("incident-type?incident_type={incident}"),
            format!("workflow?workflow_id={workflow}"),
            format!("multi-dimensional?incident_type={incident}&workflow_id={workflow}"),
        ] {
            let rate = tell(&service, &format!("{RATES}/{path}&min_samples=20")).await;
            let total = counts.iter().sum::<usize>();
            assert_eq!(rate["total_executions"], total, "{path}");
            assert_eq!(rate["successful_executions"], counts[0], "{path}");
            assert_eq!(rate["failed_executions"], counts[1], "{path}");
            let told = rate["success_rate"].as_f64().unwrap();
            assert!((told - percent).abs() < 0.005, "{path}: {told}");
            assert_eq!(rate["confidence"], *confidence, "{path}");
            assert_eq!(rate["min_samples_met"], total >= 20, "{path}");
        }
    }
}

#[tokio::test]
async fn breakdowns_and_modes_are_told_in_a_fixed_order() {
    let service = Service::start().await;
    let of = |workflow: &str| json!({ "incident_type": "oom", "workflow_id": workflow, "workflow_version": "v1" });
    seed(&service, "a", &of("scale"), [6, 4, 0]).await;
    seed(&service, "b", &of("restart"), [9, 1, 0]).await;
    seed(&service, "c", &json!({ "incident_type": "oom" }), [1, 0, 0]).await;
    let rate = tell(
        &service,
        &format!("{RATES}/incident-type?incident_type=oom"),
    )
    .await;
    let breakdown = json!([
        { "workflow_id": "restart", "workflow_version": "v1", "executions": 10, "success_rate": 0.9 },
        { "workflow_id": "scale", "workflow_version": "v1", "executions": 10, "success_rate": 0.6 },
    ]);
    assert_eq!(rate["breakdown_by_workflow"], breakdown);
    assert_eq!(
        (&rate["total_executions"], &rate["time_range"]),
        (&json!(21), &json!("7d"))
    );
    let multi = format!("{RATES}/multi-dimensional?incident_type=oom&time_range=14d");
    let rate = tell(&service, &multi).await;
    assert_eq!(rate["breakdown_by_workflow"], breakdown);
    assert_eq!(rate["breakdown_by_incident_type"][0]["executions"], 21);
    assert_eq!(rate["time_range"], "14d");
    let dimensions = json!({ "incident_type": "oom", "workflow_id": "", "workflow_version": "", "action_type": "" });
    assert_eq!(rate["dimensions"], dimensions);
    for _ in 0..4 {
        assert_eq!(
            tell(&service, &multi).await,
            rate,
            "ties do not change places"
        );
    }
    let all = tell(&service, &format!("{RATES}/workflow?workflow_id=scale")).await;
    let other = tell(
        &service,
        &format!("{RATES}/workflow?workflow_id=scale&workflow_version=v2"),
    )
    .await;
    assert_eq!(
        (&all["total_executions"], &other["total_executions"]),
        (&json!(10), &json!(0))
    );
}

#[tokio::test]
async fn modes_are_counted_and_what_is_absent_is_left_out() {
    let service = Service::start().await;
    // One that was chosen, nine chained ones which were chosen as well, and people.
    let mode = |modes: Value| {
        let mut members = modes;
        members["incident_type"] = json!("modes");
        members
    };
    seed(
        &service,
        "d",
        &mode(json!({ "ai_selected_workflow": true })),
        [90, 0, 0],
    )
    .await;
    seed(
        &service,
        "e",
        &mode(json!({ "ai_chained_workflows": true })),
        [9, 0, 0],
    )
    .await;
    seed(
        &service,
        "f",
        &mode(json!({ "ai_manual_escalation": true })),
        [1, 0, 0],
    )
    .await;
    let rate = tell(
        &service,
        &format!("{RATES}/incident-type?incident_type=modes"),
    )
    .await;
    let modes = json!({ "catalog_selected": 90, "chained": 9, "manual_escalation": 1 });
    assert_eq!(rate["ai_execution_mode"], modes);
    assert_eq!(rate.get("breakdown_by_workflow"), None);
    let nothing = tell(
        &service,
        &format!("{RATES}/workflow?workflow_id=none&time_range=36h"),
    )
    .await;
    let expected = json!({
        "workflow_id": "none", "workflow_version": "", "time_range": "1d", "total_executions": 0,
        "successful_executions": 0, "failed_executions": 0, "success_rate": 0.0,
        "confidence": "insufficient_data", "min_samples_met": false,
    });
    assert_eq!(nothing, expected);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_in_the_words_of_the_contract() {
    let service = Service::start().await;
    for (path, title, detail) in [
        (
            "success-rate/incident-type",
            "Validation Error",
            "incident_type query parameter is required",
        ),
        (
            "success-rate/workflow?time_range=1w",
            "Validation Error",
            "workflow_id query parameter is required",
        ),
        (
            "success-rate/workflow?workflow_id=w&time_range=1w",
            "Validation Error",
            "invalid time_range format: 1w (expected format: 1h, 24h, 7d, 30d)",
        ),
        (
            "success-rate/multi-dimensional?workflow_version=1&action_type=a",
            "Invalid Query Parameter",
            "workflow_version requires workflow_id to be specified",
        ),
        (
            "incidents?severity=bad",
            "Invalid Severity",
            "severity must be one of: info, warning, critical, high, medium, low, got: bad",
        ),
        (
            "incidents?limit=0",
            "Invalid Limit",
            "limit must be between 1 and 1000, got 0",
        ),
        (
            "incidents/x",
            "Invalid ID",
            "incident ID must be a number, got: x",
        ),
        (
            "incidents/aggregate/success-rate",
            "Missing Parameter",
            "workflow_id parameter is required",
        ),
        (
            "incidents/aggregate/trend?period=1y",
            "Invalid Parameter",
            "period must be one of: 7d, 30d, 90d",
        ),
    ] {
        let reply = get(&service, &format!("/api/v1/{path}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        let problem = reply.json();
        assert_eq!(
            (&problem["title"], &problem["detail"]),
            (&json!(title), &json!(detail))
        );
    }
    let missing = get(&service, "/api/v1/incidents/7").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json()["title"], "Incident Not Found");
}

#[tokio::test]
async fn incidents_are_listed_counted_and_given_back() {
    let service = Service::start().await;
    let prod = json!({ "namespace": "prod", "cluster_name": "east", "environment": "production", "workflow_id": "w" });
    seed(&service, "a", &prod, [3, 1, 0]).await;
    let dev = json!({ "namespace": "dev", "signal_severity": "low", "action_type": "restart" });
    seed(&service, "b", &dev, [0, 0, 2]).await;
    let list = tell(&service, INCIDENTS).await;
    assert_eq!(
        list["pagination"],
        json!({ "limit": 100, "offset": 0, "total": 6 })
    );
    let newest = list["data"][0].clone();
    assert_eq!(newest["action_id"], "b-1");
    assert_eq!(
        tell(&service, &format!("{INCIDENTS}/{}", newest["id"])).await,
        newest
    );
    for (query, total) in [
        ("namespace=prod", 4),
        ("cluster=east&environment=production&severity=critical", 4),
        ("severity=low", 2),
        ("action_type=restart&namespace=prod", 0),
        ("signal_name=PodOOMKilled&limit=1&offset=5", 6),
        ("namespace=%27%20OR%20true%20--", 0),
    ] {
        let list = tell(&service, &format!("{INCIDENTS}?{query}")).await;
        assert_eq!(list["pagination"]["total"], total, "{query}");
    }
    let aggregate =
        async |path: &str| tell(&service, &format!("{INCIDENTS}/aggregate/{path}")).await;
    let rate = json!({ "workflow_id": "w", "total_count": 4, "success_count": 3, "failure_count": 1, "success_rate": 0.75 });
    assert_eq!(aggregate("success-rate?workflow_id=w").await, rate);
    let namespaces =
        json!([{ "namespace": "prod", "count": 4 }, { "namespace": "dev", "count": 2 }]);
    assert_eq!(aggregate("by-namespace").await["aggregations"], namespaces);
    let severities =
        json!([{ "severity": "critical", "count": 4 }, { "severity": "low", "count": 2 }]);
    assert_eq!(aggregate("by-severity").await["aggregations"], severities);
    for (query, days) in [("", 7), ("?period=30d", 30), ("?period=90d", 90)] {
        let trend = aggregate(&format!("trend{query}")).await;
        let points = trend["data_points"].as_array().unwrap();
        assert_eq!(points.len(), days);
        let total: u64 = points
            .iter()
            .map(|point| point["count"].as_u64().unwrap())
            .sum();
        assert_eq!(total, 6);
    }
}

/// Every question there is.
const QUESTIONS: &[&str] = &[
    "/api/v1/success-rate/incident-type?incident_type=oom",
    "/api/v1/success-rate/workflow?workflow_id=w",
    "/api/v1/success-rate/multi-dimensional?action_type=a",
    "/api/v1/incidents",
    "/api/v1/incidents/1",
    "/api/v1/incidents/aggregate/success-rate?workflow_id=w",
    "/api/v1/incidents/aggregate/by-namespace",
    "/api/v1/incidents/aggregate/by-severity",
    "/api/v1/incidents/aggregate/trend",
    "/api/v1/actions/a-0",
];

/// Asks everything of a service whose PostgreSQL is away; nobody may be told a zero, nor wait.
async fn check_away(service: &Service, within: Duration) {
    let asking = QUESTIONS.iter().map(async |path| {
        let asked = Instant::now();
        let reply = get(service, path).await;
        assert_eq!(
            reply.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{path}: {reply:?}"
        );
        assert!(asked.elapsed() < within, "{path}: {:?}", asked.elapsed());
        let problem = reply.json();
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .ends_with("/service-unavailable")
        );
        assert!(reply.headers.contains_key("retry-after"));
    });
    futures_util::future::join_all(asking).await;
}

#[tokio::test]
async fn without_postgresql_nobody_is_told_a_zero() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let program = stage.program().with("DS_DATABASE__QUERY_TIMEOUT", "1s");
    let service = Service::of(program, &stage.database).await;
    seed(&service, "a", &json!({ "incident_type": "oom" }), [3, 1, 0]).await;
    for path in QUESTIONS {
        assert_eq!(get(&service, path).await.status, StatusCode::OK, "{path}");
    }
    postgres.pause().await;
    check_away(&service, Duration::from_secs(4)).await;
    postgres.resume().await;
    postgres.stop().await;
    check_away(&service, Duration::from_secs(4)).await;
    postgres.restart().await;
    eventually("rates are told again", async || {
        let reply = get(&service, QUESTIONS[0]).await;
        (reply.status == StatusCode::OK).then(|| reply.json())
    })
    .await;
    let rate = tell(&service, QUESTIONS[0]).await;
    assert_eq!(
        (&rate["total_executions"], &rate["success_rate"]),
        (&json!(4), &json!(75.0))
    );
}
