//! Searches of the workflow catalogue through the real binary: every score of the contract, every
//! label that once made trouble, and the same answer to the same question.

use std::time::{Duration, Instant};

use ds_testkit::{Durability, PostgresServer, TestDatabase};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::{
    program::Program,
    service::{Reply, Service},
};

const SEARCH: &str = "/api/v1/workflows/search";

/// A workflow in the catalogue; what is not said is the same for all.
#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    pub(crate) name: String,
    pub(crate) labels: Value,
    pub(crate) detected: Value,
    pub(crate) custom: Value,
    pub(crate) status: &'static str,
    pub(crate) created_at: &'static str,
}

impl Workflow {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            labels: labels(),
            detected: json!({}),
            custom: json!({}),
            status: "active",
            created_at: "2026-11-21T10:00:00Z",
        }
    }

    pub(crate) async fn insert(&self, client: &Client) {
        let sql = "INSERT INTO remediation_workflow_catalog (workflow_name, version, name,
                description, content, content_hash, labels, detected_labels, custom_labels, status,
                is_latest_version, is_search_version, created_at)
            VALUES ($1, '1.0.0', $1, 'describes', 'content', repeat('a', 64), $2::text::jsonb,
                $3::text::jsonb, $4::text::jsonb, $5::text, true, $5::text = 'active',
                $6::text::timestamptz)";
        let texts = [&self.labels, &self.detected, &self.custom].map(Value::to_string);
        client
            .execute(
                sql,
                &[
                    &self.name,
                    &texts[0],
                    &texts[1],
                    &texts[2],
                    &self.status,
                    &self.created_at,
                ],
            )
            .await
            .unwrap();
    }
}

fn labels() -> Value {
    json!({
        "signal_type": "OOMKilled", "severity": "high", "component": "pod",
        "environment": "production", "priority": "P1",
    })
}

/// A body that looks for these labels, with `changes` laid over the filters.
pub(crate) fn search(changes: Value) -> Value {
    let mut filters = labels();
    for (name, value) in changes.as_object().unwrap() {
        filters[name] = value.clone();
    }
    json!({ "filters": filters })
}

pub(crate) async fn ask(service: &Service, body: &Value) -> Reply {
    service.send(Method::POST, SEARCH, body.to_string()).await
}

async fn found(service: &Service, body: &Value) -> Vec<Value> {
    let reply = ask(service, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{body}: {:?}", reply.body);
    reply.json()["workflows"].as_array().unwrap().clone()
}

async fn titles(service: &Service, body: &Value) -> Vec<String> {
    let found = found(service, body).await;
    let titles = found
        .iter()
        .map(|it| it["title"].as_str().unwrap().to_owned());
    titles.collect()
}

/// Detected and custom labels, both sides; boost, penalty and score.
type Row = (Value, Value, f64, f64, f64);

fn rows() -> Vec<Row> {
    let argo = json!({ "gitOpsManaged": true, "gitOpsTool": "argocd" });
    let all = json!({
        "gitOpsManaged": true, "gitOpsTool": "argocd", "pdbProtected": true,
        "serviceMesh": "istio", "networkIsolated": true, "helmManaged": true, "stateful": true,
        "hpaEnabled": true,
    });
    let of = |detected: &Value| json!({ "detected_labels": detected });
    let team = |values: Value| json!({ "custom_labels": { "team": values } });
    let values = json!({ "a": ["1", "2", "3", "4", "5"], "b": ["1", "2", "3", "4", "5"] });
    let everything = json!({ "detected_labels": all, "custom_labels": values });
    let flux = json!({ "gitOpsManaged": true, "gitOpsTool": "flux" });
    let any = json!({ "gitOpsManaged": true, "gitOpsTool": "*" });
    let managed = json!({ "gitOpsManaged": true });
    let mesh = |mesh: &str| json!({ "detected_labels": { "serviceMesh": mesh } });
    let tool = |tool: &str| json!({ "detected_labels": { "gitOpsTool": tool } });
    vec![
        (json!({}), everything.clone(), 0.0, 0.0, 0.5),
        (of(&argo), of(&argo), 0.2, 0.0, 0.52),
        (of(&argo), of(&flux), 0.1, 0.1, 0.5),
        (of(&argo), of(&managed), 0.1, 0.1, 0.5),
        (of(&argo), of(&any), 0.1, 0.0, 0.51),
        (of(&argo), json!({}), 0.0, 0.2, 0.48),
        (tool("*"), tool("argocd"), 0.05, 0.0, 0.505),
        (tool("*"), json!({}), 0.0, 0.0, 0.5),
        (mesh("istio"), mesh("istio"), 0.05, 0.0, 0.505),
        (mesh("istio"), mesh("linkerd"), 0.0, 0.0, 0.5),
        (mesh("*"), mesh("istio"), 0.025, 0.0, 0.5025),
        (
            team(json!(["payments"])),
            team(json!(["payments"])),
            0.05,
            0.0,
            0.505,
        ),
        (
            team(json!(["payments"])),
            team(json!(["*"])),
            0.025,
            0.0,
            0.5025,
        ),
        (of(&all), of(&all), 0.39, 0.0, 0.539),
        (everything.clone(), everything, 0.89, 0.0, 0.589),
        (
            json!({ "detected_labels": {
                "gitOpsManaged": true, "failed_detections": ["gitOpsManaged"] } }),
            json!({}),
            0.0,
            0.0,
            0.5,
        ),
    ]
}

#[tokio::test]
async fn every_score_of_the_contract_is_given_to_the_last_digit() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    for (index, (wanted, offered, boost, penalty, score)) in rows().into_iter().enumerate() {
        let mut workflow = Workflow::named(&format!("row-{index}"));
        workflow.labels["signal_type"] = json!(format!("Signal{index}"));
        let or_none = |name: &str| offered.get(name).cloned().unwrap_or(json!({}));
        workflow.detected = or_none("detected_labels");
        workflow.custom = or_none("custom_labels");
        workflow.insert(&client).await;

        let mut body = search(wanted);
        body["filters"]["signal_type"] = workflow.labels["signal_type"].clone();
        body["min_score"] = json!(score);
        body["explain"] = json!(true);
        let found = found(&service, &body).await;
        let [found] = &found[..] else {
            panic!("row {index}: {found:?}");
        };
        for (member, expected) in [
            ("final_score", score),
            ("confidence", score),
            ("label_boost", boost),
            ("label_penalty", penalty),
        ] {
            assert_eq!(found[member], json!(expected), "row {index}: {member}");
        }
        let sum = |member: &str| {
            let parts = found["contributions"].as_array().unwrap().iter();
            let sum: f64 = parts.map(|part| part[member].as_f64().unwrap()).sum();
            (sum * 1e6).round() / 1e6
        };
        assert_eq!(
            (sum("boost"), sum("penalty")),
            (boost, penalty),
            "row {index}"
        );
        // A ten-thousandth more is not reached.
        body["min_score"] = json!(score + 0.0001);
        assert_eq!(titles(&service, &body).await, Vec::<String>::new());
    }
    service.terminate().await;
}

#[tokio::test]
async fn an_answer_has_the_members_of_the_contract_and_no_others() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    let mut workflow = Workflow::named("raise-limit");
    workflow.custom = json!({ "team": ["payments"] });
    workflow.insert(&client).await;
    let body = search(json!({ "custom_labels": { "team": ["payments"] } }));
    let answer = ask(&service, &body).await.json();
    let id = answer["workflows"][0]["workflow_id"].clone();
    let expected = json!({
        "workflows": [{
            "workflow_id": id, "title": "raise-limit", "description": "describes",
            "signal_type": "OOMKilled", "confidence": 0.505, "label_boost": 0.05,
            "label_penalty": 0.0, "final_score": 0.505, "rank": 1,
            "custom_labels": { "team": ["payments"] }, "detected_labels": {},
        }],
        "total_results": 1,
        "filters": {
            "signal_type": "OOMKilled", "severity": "high", "component": "pod",
            "environment": "production", "priority": "P1",
            "custom_labels": { "team": ["payments"] }, "detected_labels": {},
        },
    });
    assert_eq!(answer, expected);

    let nothing = ask(&service, &search(json!({ "component": "node" }))).await;
    assert_eq!(nothing.status, StatusCode::OK);
    let nothing = nothing.json();
    assert_eq!(
        (&nothing["workflows"], &nothing["total_results"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(nothing["filters"]["component"], "node");
    let zero = "datastorage_workflow_search_zero_hits_total";
    assert_eq!(service.metric(zero).await, Some(1.0));
    let count = "datastorage_workflow_search_duration_seconds_count";
    assert_eq!(service.metric(count).await, Some(2.0));

    let path = format!("{SEARCH}?explain=true");
    let explained = service
        .send(Method::POST, &path, body.to_string())
        .await
        .json();
    let part = json!({
        "origin": "custom", "label": "team", "wanted": "payments", "fit": "exact", "boost": 0.05,
        "penalty": 0.0,
    });
    assert_eq!(explained["workflows"][0]["contributions"], json!([part]));
    service.terminate().await;
}

#[tokio::test]
async fn exact_comes_before_wildcard_and_new_before_old() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    let insert = async |name: &str, label: &str, created_at| {
        let mut workflow = Workflow::named(name);
        if !label.is_empty() {
            workflow.labels[label] = json!("*");
        }
        workflow.created_at = created_at;
        workflow.insert(&client).await;
    };
    insert("old", "", "2026-11-21T10:00:00Z").await;
    insert("new", "", "2026-11-21T10:00:00.000001Z").await;
    insert("component", "component", "2026-11-21T12:00:00Z").await;
    insert("environment", "environment", "2026-11-21T13:00:00Z").await;
    insert("priority", "priority", "2026-11-21T14:00:00Z").await;
    insert("signal", "signal_type", "2026-11-21T15:00:00Z").await;
    let all = ["new", "old", "priority", "environment", "component"];
    assert_eq!(titles(&service, &search(json!({}))).await, all);
    let nodes = search(json!({ "component": "node" }));
    assert_eq!(titles(&service, &nodes).await, ["component"]);
    let stars = search(json!({ "component": "*", "environment": "*" }));
    assert_eq!(titles(&service, &stars).await, Vec::<String>::new());
    let mut few = search(json!({}));
    few["top_k"] = json!(2);
    assert_eq!(titles(&service, &few).await, ["new", "old"]);
    service.terminate().await;
}

#[tokio::test]
async fn statuses_are_honoured() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    for status in ["active", "disabled", "deprecated", "archived"] {
        let mut workflow = Workflow::named(status);
        workflow.status = status;
        workflow.insert(&client).await;
    }
    let check = async |statuses: Value, include_disabled: bool, expected: &[&str]| {
        let mut body = search(json!({ "status": statuses }));
        body["include_disabled"] = json!(include_disabled);
        let mut titles = titles(&service, &body).await;
        titles.sort_unstable();
        assert_eq!(titles, expected, "{statuses} {include_disabled}");
    };
    check(json!(null), false, &["active"]).await;
    let all = ["active", "archived", "deprecated", "disabled"];
    check(json!(null), true, &all).await;
    check(json!(["disabled"]), false, &["disabled"]).await;
    check(json!(["active", "archived"]), true, &["active", "archived"]).await;
    service.terminate().await;
}

#[tokio::test]
async fn labels_that_once_made_trouble_are_found() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    let strange = [
        "say \"no\"",
        r"back\slash",
        "it's; DROP TABLE remediation_workflow_catalog; --",
        r"\u002a",
        "🦀 größer",
        "{}[]$1",
    ];
    for (index, value) in strange.iter().enumerate() {
        let mut workflow = Workflow::named(&format!("strange-{index}"));
        workflow.labels["signal_type"] = json!(value);
        workflow.custom = json!({ "a.b-c_D": [value] });
        workflow.insert(&client).await;
    }
    for (index, value) in strange.iter().enumerate() {
        let custom = json!({ "a.b-c_D": [value, "other"] });
        let body = search(json!({ "signal_type": value, "custom_labels": custom }));
        let found = found(&service, &body).await;
        assert_eq!(found.len(), 1, "{value}");
        assert_eq!(found[0]["title"], format!("strange-{index}"));
        assert_eq!(found[0]["label_boost"], 0.05, "{value}");
    }
    // The text of an escape is no wildcard, but an escaped star is one.
    let body = search(json!({ "signal_type": r"\u002a", "custom_labels": { "a.b-c_D": ["x"] } }));
    assert_eq!(found(&service, &body).await[0]["label_boost"], 0.0);
    let mut star = Workflow::named("star");
    star.labels["signal_type"] = json!("Star");
    star.custom = json!({ "team": ["*"] });
    star.insert(&client).await;
    let mut body = search(json!({ "signal_type": "Star" })).to_string();
    body = body.replace(
        r#""component""#,
        r#""custom_labels":{"team":["\u002a"]},"component""#,
    );
    let reply = service.send(Method::POST, SEARCH, body).await.json();
    assert_eq!(reply["workflows"][0]["label_boost"], 0.05);

    // As many as there may be, as long as they may be.
    let value = |at: usize| format!("{at}{}", "🦀".repeat(99));
    let values: Vec<String> = (0..5).map(value).collect();
    let keys = (0..10).map(|at| (format!("{at}{}", "k".repeat(62)), json!(values)));
    let custom = Value::Object(keys.collect());
    let mut most = Workflow::named("most");
    most.labels["signal_type"] = json!("Most");
    most.custom = custom.clone();
    most.insert(&client).await;
    let body = search(json!({ "signal_type": "Most", "custom_labels": custom }));
    let escaped: String = body.to_string().replace("🦀", r"\ud83e\udd80");
    for body in [body.to_string(), escaped] {
        let reply = service.send(Method::POST, SEARCH, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
        assert_eq!(reply.json()["workflows"][0]["label_boost"], 0.5);
    }
    service.terminate().await;
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_with_all_that_is_wrong() {
    let service = Service::start().await;
    let keys = (0..11).map(|at| (format!("k{at}"), json!(["v"])));
    let many = json!({ "custom_labels": Value::Object(keys.collect()) });
    for (body, pointers) in [
        (json!({}), vec!["/filters"]),
        (search(many), vec!["/filters/custom_labels"]),
        (
            search(json!({ "custom_labels": { "k": ["a", "b", "c", "d", "e", "f"] } })),
            vec!["/filters/custom_labels/k"],
        ),
        (
            search(json!({ "priority": "*", "severity": "bad", "component": "" })),
            vec![
                "/filters/component",
                "/filters/priority",
                "/filters/severity",
            ],
        ),
        (
            json!({ "filters": labels(), "top_k": 101, "min_score": -0.1 }),
            vec!["/min_score", "/top_k"],
        ),
        (
            search(json!({ "custom_labels": { "system/x": [], "k\u{0}": [] } })),
            vec![
                "/filters/custom_labels/k\u{0}",
                "/filters/custom_labels/system~1x",
            ],
        ),
    ] {
        let reply = ask(&service, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let problem = reply.json();
        assert_eq!(
            problem["type"],
            "https://kubernaut.ai/problems/validation-error"
        );
        let mut found: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        found.dedup();
        let found: Vec<&str> = found.into_iter().filter(|it| !it.is_empty()).collect();
        assert!(
            pointers.iter().all(|it| found.contains(it)),
            "{body}: {found:?}"
        );
    }
    service.terminate().await;
}

#[tokio::test]
async fn what_is_no_search_at_all_is_refused() {
    let service = Service::start().await;
    let missing = ask(&service, &json!({ "filters": {} })).await.json();
    let detail = missing["detail"].as_str().unwrap();
    assert!(
        detail.contains("filters.signal_type is required"),
        "{detail}"
    );
    let reply = service.send(Method::POST, SEARCH, "{").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let reply = service
        .send(Method::POST, &format!("{SEARCH}?explain=maybe"), "{}")
        .await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(300 * 1024));
    let reply = service.send(Method::POST, SEARCH, large).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    service.terminate().await;
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer_while_others_write() {
    let service = Service::start().await;
    let client = service.database.connect().await;
    for at in 0..50 {
        // All of one moment: nothing but the id tells one from another.
        Workflow::named(&format!("tie-{at}")).insert(&client).await;
    }
    let writing = async {
        for at in 0..200 {
            let mut workflow = Workflow::named(&format!("other-{at}"));
            workflow.labels["environment"] = json!("staging");
            workflow.insert(&client).await;
        }
    };
    let asking = async {
        let mut body = search(json!({}));
        let mut first = None;
        for top_k in [1, 10, 100] {
            body["top_k"] = json!(top_k);
            for _ in 0..5 {
                let answer = ask(&service, &body).await.body;
                let first = first.get_or_insert_with(|| answer.clone());
                assert_eq!(*first, answer);
            }
            first = None;
        }
    };
    tokio::join!(writing, asking);
    service.terminate().await;
}

#[tokio::test]
async fn without_postgresql_there_is_no_answer_but_a_prompt_refusal() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let database: std::sync::Arc<TestDatabase> = postgres.create_database().await.into();
    let program = Program::on(&database, &[]).with("DS_DATABASE__QUERY_TIMEOUT", "1s");
    let service = Service::of(program, &database).await;
    Workflow::named("here")
        .insert(&database.connect().await)
        .await;
    let body = search(json!({}));
    assert_eq!(titles(&service, &body).await, ["here"]);
    let refused = async || {
        let asked = Instant::now();
        let reply = ask(&service, &body).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{reply:?}");
        assert!(reply.headers.contains_key("retry-after"));
        assert!(
            asked.elapsed() < Duration::from_secs(3),
            "{:?}",
            asked.elapsed()
        );
    };
    postgres.stop().await;
    refused().await;
    postgres.restart().await;
    assert_eq!(titles(&service, &body).await, ["here"]);
    postgres.pause().await;
    refused().await;
    postgres.resume().await;
    assert_eq!(titles(&service, &body).await, ["here"]);
    service.terminate().await;
}
