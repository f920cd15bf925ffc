//! The catalogue of workflows through the real binary.

use std::time::{Duration, Instant};

use ds_testkit::{Durability, PostgresServer};
use futures_util::future::join_all;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    program::{Program, eventually},
    service::{Reply, Service},
};

const WORKFLOWS: &str = "/api/v1/workflows";

/// A workflow as clients of the first service post it.
fn workflow(name: &str, version: &str, changes: Value) -> Value {
    let mut body = json!({
        "workflow_name": name, "version": version, "name": "Restart a pod",
        "description": "Restarts it.", "content": "steps: []\n",
        "content_hash": "f".repeat(64), "execution_engine": "argo-workflows", "status": "active",
        "container_image": "quay.io/x/restart:v1.0.0@sha256:abc123def456",
        "labels": {"signal_type": "OOMKilled", "severity": "critical", "component": "pod",
            "environment": "production", "priority": "P0", "business_category": "x"},
    });
    let members = body.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    body
}

async fn post(service: &Service, body: &Value) -> Reply {
    let body = body.to_string();
    service.send(Method::POST, WORKFLOWS, body).await
}

async fn send(service: &Service, method: Method, path: &str, body: &str) -> Reply {
    let path = format!("{WORKFLOWS}{path}");
    service.send(method, &path, body.to_owned()).await
}

async fn get(service: &Service, path: &str) -> Value {
    let reply = send(service, Method::GET, path, "").await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {reply:?}");
    reply.json()
}

async fn created(service: &Service, name: &str, version: &str) -> String {
    let reply = post(service, &workflow(name, version, json!({}))).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    reply.json()["workflow_id"].as_str().unwrap().to_owned()
}

fn slug(reply: &Reply) -> String {
    let content_type = reply.headers["content-type"].to_str().unwrap();
    assert_eq!(content_type, "application/problem+json");
    let problem = reply.json();
    let kind = problem["type"].as_str().unwrap();
    let slug = kind.strip_prefix("https://kubernaut.ai/problems/").unwrap();
    format!("{} {slug}", problem["status"])
}

#[tokio::test]
async fn a_workflow_is_stored_and_comes_back() {
    let service = Service::start().await;
    let sent = workflow(
        "restart",
        "v1.0",
        json!({"parameters": {"n": 9_007_199_254_740_993_u64}}),
    );
    let reply = post(&service, &sent).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let warnings = &reply.headers["x-validation-warnings"];
    assert_eq!(warnings, "content_hash_mismatch;at=\"/content_hash\"");
    let stored = reply.json();
    for (name, value) in sent.as_object().unwrap() {
        if name != "labels" {
            assert_eq!(&stored[name], value, "{name}");
        }
    }
    assert_eq!(
        stored["labels"].as_object().unwrap().len(),
        5,
        "others are left out"
    );
    assert_eq!(stored["is_latest_version"], true);
    assert_eq!(stored["detected_labels"], json!({}));
    assert_eq!(stored.get("custom_labels"), None);
    let created_at: jiff::Timestamp = stored["created_at"].as_str().unwrap().parse().unwrap();
    assert!(
        crate::service::now()
            .duration_since(created_at)
            .as_secs()
            .abs()
            < 60
    );
    let id = stored["workflow_id"].as_str().unwrap();
    assert_eq!(get(&service, &format!("/{id}")).await, stored);

    let again = post(&service, &sent).await;
    assert_eq!(slug(&again), "409 conflict");
    let problem = again.json();
    assert_eq!(problem["title"], "Workflow Already Exists");
    assert_eq!(
        problem["detail"],
        "Workflow 'restart' version 'v1.0' already exists"
    );
    assert_eq!(
        (&problem["identical"], &problem["workflow_id"]),
        (&json!(true), &json!(id))
    );
    let other = workflow("restart", "v1.0", json!({"owner": "sre"}));
    assert_eq!(post(&service, &other).await.json()["identical"], false);

    let series = r#"datastorage_workflow_writes_total{operation="create",status="conflict"}"#;
    assert_eq!(service.metric(series).await, Some(2.0));
    let series = r#"datastorage_workflow_warnings_total{rule="content_hash_mismatch"}"#;
    assert_eq!(service.metric(series).await, Some(1.0));
    service.terminate().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let service = Service::start().await;
    for (path, expected) in [
        ("/00000000-0000-0000-0000-000000000000", "404 not-found"),
        ("/not-a-uuid", "400 validation-error"),
        ("/by-name/%ff/versions", "400 validation-error"),
    ] {
        let reply = send(&service, Method::GET, path, "").await;
        assert_eq!(slug(&reply), expected, "{path}");
    }
    service.terminate().await;
}

#[tokio::test]
async fn a_hash_must_be_right_where_that_is_asked_for() {
    let database = ds_testkit::TestDatabase::create().await;
    let database = std::sync::Arc::new(database);
    let program = Program::on(&database, &[]).with("DS_CATALOGUE__CONTENT_HASH", "enforce");
    let service = Service::of(program, &database).await;
    let refused = post(&service, &workflow("restart", "1", json!({}))).await;
    assert_eq!(slug(&refused), "400 validation-error");
    assert_eq!(refused.json()["errors"][0]["rule"], "content_hash_mismatch");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let right = workflow(
        "restart",
        "1",
        json!({"content": "abc", "content_hash": abc}),
    );
    let reply = post(&service, &right).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.headers.get("x-validation-warnings"), None);
    service.terminate().await;
}

#[tokio::test]
async fn twenty_versions_at_once_are_all_created_and_one_of_one_version_is() {
    let service = Service::start().await;
    let several: Vec<Value> = (0..20)
        .map(|n| workflow("several", &format!("1.{n}.0"), json!({})))
        .collect();
    let replies = join_all(several.iter().map(|body| post(&service, body))).await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.status == StatusCode::CREATED)
    );
    let versions = get(&service, "/by-name/several/versions").await;
    assert_eq!(versions["total"], 20);
    let versions = versions["versions"].as_array().unwrap();
    let latest: Vec<&Value> = versions
        .iter()
        .filter(|version| version["is_latest_version"] == true)
        .map(|version| &version["version"])
        .collect();
    assert_eq!(latest, ["1.19.0"]);

    let one = workflow("one", "1.0.0", json!({}));
    let replies = join_all((0..20).map(|_| post(&service, &one))).await;
    let count = |status| {
        replies
            .iter()
            .filter(|reply| reply.status == status)
            .count()
    };
    let counts = (count(StatusCode::CREATED), count(StatusCode::CONFLICT));
    assert_eq!(counts, (1, 19));
    service.terminate().await;
}

#[tokio::test]
async fn an_older_version_is_not_the_latest_and_one_nobody_can_place_is_told_so() {
    let service = Service::start().await;
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let right = json!({"content": "abc", "content_hash": abc});
    for (name, version, is_latest, warning) in [
        ("date", "2025.10.02", true, None),
        ("date", "2025.09.01", false, None),
        ("tag", "v2.0.0", true, None),
        (
            "tag",
            "release-1.0",
            true,
            Some("version_order_unknown;at=\"/version\""),
        ),
    ] {
        let reply = post(&service, &workflow(name, version, right.clone())).await;
        assert_eq!(reply.json()["is_latest_version"], is_latest, "{version}");
        let told = reply.headers.get("x-validation-warnings");
        assert_eq!(told.map(|it| it.to_str().unwrap()), warning, "{version}");
    }
    let batch = json!([workflow("tag", "edge", right)]).to_string();
    let reply = send(&service, Method::POST, "/batch", &batch).await.json();
    assert_eq!(
        reply["results"][0]["warnings"],
        json!(["version_order_unknown"])
    );
    let series = r#"datastorage_workflow_warnings_total{rule="version_order_unknown"}"#;
    assert_eq!(service.metric(series).await, Some(2.0));
    service.terminate().await;
}

#[tokio::test]
async fn versions_of_any_name_are_listed_and_of_an_unknown_one_none() {
    let service = Service::start().await;
    for (name, path) in [
        ("größer 🚀/x%2F", "gr%C3%B6%C3%9Fer%20%F0%9F%9A%80%2Fx%252F"),
        ("'; DROP TABLE x; --", "%27%3B%20DROP%20TABLE%20x%3B%20--"),
    ] {
        created(&service, name, "1").await;
        created(&service, name, "2").await;
        let versions = get(&service, &format!("/by-name/{path}/versions")).await;
        assert_eq!(versions["workflow_name"], name);
        let versions = versions["versions"].as_array().unwrap();
        let newest: Vec<&Value> = versions.iter().map(|it| &it["version"]).collect();
        assert_eq!(newest, ["2", "1"]);
    }
    let none = get(&service, "/by-name/unknown/versions").await;
    let expected = json!({"workflow_name": "unknown", "versions": [], "total": 0});
    assert_eq!(none, expected);
    service.terminate().await;
}

#[tokio::test]
async fn a_workflow_is_disabled_and_enabled_again() {
    let service = Service::start().await;
    let id = created(&service, "restart", "1").await;
    let act = async |method: Method, path: &str, body: &str| {
        send(&service, method, &format!("/{id}{path}"), body).await
    };
    let disabled = act(
        Method::PATCH,
        "/disable",
        r#"{"reason":"it loops","updated_by":"ann"}"#,
    );
    let disabled = disabled.await.json();
    assert_eq!(disabled["status"], "disabled");
    assert_eq!(disabled["disabled_reason"], "it loops");
    assert_eq!(disabled["status_reason"], "it loops");
    assert_eq!(disabled["disabled_by"], "ann");
    assert_eq!(disabled["is_latest_version"], true);
    assert!(disabled["disabled_at"].is_string());
    let again = act(Method::PATCH, "/disable", "").await;
    assert_eq!(again.json(), disabled, "without a body, and again");
    let enabled = act(Method::POST, "/enable", "null").await.json();
    assert_eq!(
        (&enabled["status"], enabled.get("disabled_at")),
        (&json!("active"), None)
    );
    assert_eq!(enabled.get("updated_by"), None, "nobody said who");
    assert_eq!(
        get(&service, &format!("/{id}")).await,
        enabled,
        "the answer is fresh"
    );
    // What was done is noted; what changed nothing is not.
    let notes = eventually("what was done is noted", async || {
        let query = format!("correlation_id={id}&event_category=workflow");
        let notes = service.query(&query).await["data"].clone();
        (notes.as_array()?.len() >= 3).then_some(notes)
    })
    .await;
    let notes = notes.as_array().unwrap().iter();
    let types: Vec<&str> = notes.map(|it| it["event_type"].as_str().unwrap()).collect();
    let updated = "datastorage.workflow.updated";
    assert_eq!(types, [updated, updated, "datastorage.workflow.created"]);
    service.terminate().await;
}

#[tokio::test]
async fn only_what_may_change_is_changed() {
    let service = Service::start().await;
    let id = created(&service, "restart", "1").await;
    let act = async |method: Method, path: &str, body: &str| {
        send(&service, method, &format!("/{id}{path}"), body).await
    };
    for (method, path, body, expected) in [
        (
            Method::PATCH,
            "",
            r#"{"status":"archived"}"#,
            "409 invalid-status-transition",
        ),
        (
            Method::PATCH,
            "",
            r#"{"description":"x"}"#,
            "400 immutable-field-violation",
        ),
        (
            Method::PATCH,
            "",
            r#"{"labels":{}}"#,
            "400 immutable-field-violation",
        ),
        (
            Method::PATCH,
            "",
            r#"{"status":"on"}"#,
            "400 validation-error",
        ),
        (Method::PATCH, "", "", "400 validation-error"),
        (Method::PATCH, "/disable", "[", "400 validation-error"),
        (Method::POST, "/executions", "{}", "400 validation-error"),
    ] {
        let reply = act(method, path, body).await;
        assert_eq!(slug(&reply), expected, "{path} {body}");
    }
    let deprecated = act(Method::PATCH, "", r#"{"status":"deprecated"}"#).await;
    assert_eq!(deprecated.json()["status"], "deprecated");
    let archived = act(Method::PATCH, "", r#"{"status":"archived"}"#).await;
    assert_eq!(archived.json()["status"], "archived");

    service.terminate().await;
}

#[tokio::test]
async fn every_member_of_a_workflow_is_changed_or_refused() {
    let service = Service::start().await;
    let more = json!({"owner": "sre", "maintainer": "ann", "parameters": {"n": 1},
        "container_digest": format!("sha256:{}", "a".repeat(64)), "custom_labels": {"team": ["x"]},
        "previous_version": "0", "version_notes": "notes", "change_summary": "all",
        "approved_by": "bob", "approved_at": "2026-11-21T10:00:00Z", "created_by": "ann",
        "expected_success_rate": 0.5, "expected_duration_seconds": 90});
    let id = post(&service, &workflow("restart", "1", more)).await.json();
    let id = id["workflow_id"].as_str().unwrap();
    let path = format!("/{id}");
    let ran = r#"{"succeeded":true}"#;
    send(&service, Method::POST, &format!("{path}/executions"), ran).await;
    let body = r#"{"status":"disabled","disabled_by":"ann","disabled_reason":"it loops",
        "deprecation_notice":"use v2"}"#;
    let full = send(&service, Method::PATCH, &path, body).await.json();
    let members = full.as_object().unwrap();
    assert_eq!(members.len(), 37, "every member has a value: {members:?}");
    for (name, value) in members {
        let mut change = serde_json::Map::new();
        change.insert(name.clone(), value.clone());
        let change = Value::Object(change).to_string();
        let reply = send(&service, Method::PATCH, &path, &change).await;
        match &**name {
            "status" | "status_reason" | "disabled_by" | "disabled_reason"
            | "deprecation_notice" | "updated_by" => assert_eq!(reply.status, StatusCode::OK),
            _ => {
                assert_eq!(slug(&reply), "400 immutable-field-violation", "{name}");
                let pointer = format!("/{name}");
                assert_eq!(reply.json()["errors"][0]["pointer"], pointer);
            }
        }
    }
    let unknown = send(&service, Method::PATCH, &path, r#"{"risk":7}"#).await;
    assert_eq!(
        unknown.json(),
        get(&service, &path).await,
        "others are ignored"
    );
    service.terminate().await;
}

#[tokio::test]
async fn runs_are_counted_once_each() {
    let service = Service::start().await;
    let id = created(&service, "restart", "1").await;
    let report = |n: usize| {
        format!(
            r#"{{"succeeded":{},"execution_id":"run-{n}"}}"#,
            !n.is_multiple_of(4)
        )
    };
    // Each of them twice, as after a lost answer.
    let counting = (0..40).map(|n| {
        let body = report(n / 2);
        let path = format!("/{id}/executions");
        let service = &service;
        async move { send(service, Method::POST, &path, &body).await.status }
    });
    assert!(
        join_all(counting)
            .await
            .iter()
            .all(|status| *status == StatusCode::OK)
    );
    let counted = get(&service, &format!("/{id}")).await;
    assert_eq!(counted["total_executions"], 20);
    assert_eq!(counted["successful_executions"], 15);
    assert_eq!(counted["actual_success_rate"], 0.75);
    let path = format!("/{id}/executions");
    let body = r#"{"succeeded":true,"execution_id":"run-0"}"#;
    let other = send(&service, Method::POST, &path, body).await;
    assert_eq!(slug(&other), "409 conflict");
    for id in ["".to_owned(), "x".repeat(256)] {
        let body = json!({"succeeded": true, "execution_id": id}).to_string();
        let reply = send(&service, Method::POST, &path, &body).await;
        assert_eq!(slug(&reply), "400 validation-error");
        assert_eq!(reply.json()["errors"][0]["pointer"], "/execution_id");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("/execution_id"), "{detail}");
    }
    service.terminate().await;
}

#[tokio::test]
async fn nothing_is_done_to_a_workflow_that_does_not_exist() {
    let service = Service::start().await;
    let nobody = "/00000000-0000-0000-0000-000000000000";
    for (method, path, body) in [
        (Method::PATCH, "", "{}"),
        (Method::PATCH, "/disable", ""),
        (Method::POST, "/enable", "{}"),
        (Method::POST, "/executions", r#"{"succeeded":true}"#),
    ] {
        let reply = send(&service, method, &format!("{nobody}{path}"), body).await;
        assert_eq!(slug(&reply), "404 not-found", "{path}");
    }
    service.terminate().await;
}

#[tokio::test]
async fn a_batch_says_of_each_what_became_of_it() {
    let service = Service::start().await;
    created(&service, "w0", "1").await;
    let mut items: Vec<Value> = (0..200)
        .map(|n| workflow(&format!("w{n}"), "1", json!({})))
        .collect();
    items[7] = workflow("w7", "1", json!({"name": "", "status": "on"}));
    let path = format!("{WORKFLOWS}/batch");
    let body = Value::Array(items).to_string();
    let reply = service.send(Method::POST, &path, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let batch = reply.json();
    assert_eq!(
        (&batch["created"], &batch["failed"]),
        (&json!(198), &json!(2))
    );
    let results = batch["results"].as_array().unwrap();
    assert_eq!(results.len(), 200);
    assert_eq!(
        (&results[0]["status"], &results[7]["status"]),
        (&json!(409), &json!(400))
    );
    assert_eq!(results[0]["problem"]["identical"], true);
    let faults = results[7]["problem"]["errors"].as_array().unwrap();
    assert_eq!(faults.len(), 2);
    assert_eq!(results[8]["workflow"]["workflow_name"], "w8");
    assert_eq!(results[8]["warnings"], json!(["content_hash_mismatch"]));
    let id = results[8]["workflow"]["workflow_id"].as_str().unwrap();
    assert_eq!(
        get(&service, &format!("/{id}")).await["workflow_name"],
        "w8"
    );
    assert_eq!(get(&service, "?limit=1").await["total"], 199);
    let empty = service.send(Method::POST, &path, "[]").await;
    assert_eq!(slug(&empty), "400 validation-error");
    service.terminate().await;
}

#[tokio::test]
async fn the_list_has_filters_and_can_be_walked_through() {
    let service = Service::start().await;
    for n in 0..25 {
        let comma = format!("{},{}", n % 5, n % 5 + 1);
        let more = json!({"custom_labels": {"team": [format!("t{}", n % 5), "all", comma]},
            "status": if n % 2 == 0 { "active" } else { "disabled" }});
        let reply = post(&service, &workflow(&format!("w{n}"), "1", more)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
    }
    let first = get(&service, "").await;
    assert_eq!(
        (&first["limit"], &first["offset"], &first["total"]),
        (&json!(100), &json!(0), &json!(25))
    );
    assert_eq!(first["workflows"][0]["workflow_name"], "w24");
    for (query, expected) in [
        ("?status=disabled", 12),
        ("?status=disabled&status=active", 25),
        (
            "?severity=critical&signal_type=OOMKilled&priority=P0&environment=production",
            25,
        ),
        ("?environment=staging", 0),
        ("?component=pod&custom_labels[team]=t1", 5),
        ("?custom_labels%5Bteam%5D=t1,t2&status=active", 5),
        ("?custom_labels[team]=3,,4", 5),
        ("?custom_labels[team]=3,,4,t1", 10),
        ("?custom_labels[team]=3,4", 0),
        ("?custom_labels[team]=all&custom_labels[other]=x", 0),
    ] {
        assert_eq!(get(&service, query).await["total"], expected, "{query}");
    }
    let mut names = Vec::new();
    let mut path = format!("{WORKFLOWS}?cursor=&limit=10&custom_labels[team]=all");
    loop {
        let page = service.send(Method::GET, &path, "").await.json();
        let page_names = page["workflows"].as_array().unwrap().iter();
        names.extend(page_names.map(|it| it["workflow_name"].as_str().unwrap().to_owned()));
        created(&service, &format!("later-{}", names.len()), "1").await;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = next.to_owned();
    }
    let expected: Vec<String> = (0..25).rev().map(|n| format!("w{n}")).collect();
    assert_eq!(names, expected);
    for query in [
        "?status=on",
        "?severity=CRITICAL",
        "?limit=0",
        "?cursor=x",
        "?custom_labels[a%20b]=x",
    ] {
        let reply = send(&service, Method::GET, query, "").await;
        assert_eq!(slug(&reply), "400 validation-error", "{query}");
    }
    service.terminate().await;
}

#[tokio::test]
async fn without_postgresql_everything_is_refused_in_time_and_works_again_afterwards() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let database = std::sync::Arc::new(postgres.create_database().await);
    let service = Service::of(Program::on(&database, &[]), &database).await;
    let id = created(&service, "restart", "1").await;
    postgres.stop().await;
    let body = workflow("restart", "2", json!({})).to_string();
    let batch = format!("[{body}]");
    for (method, path, body) in [
        (Method::POST, String::new(), &*body),
        (Method::POST, "/batch".to_owned(), &batch),
        (Method::PATCH, format!("/{id}"), r#"{"status":"disabled"}"#),
        (Method::PATCH, format!("/{id}/disable"), ""),
        (
            Method::POST,
            format!("/{id}/executions"),
            r#"{"succeeded":true}"#,
        ),
        (Method::GET, format!("/{id}"), ""),
        (Method::GET, String::new(), ""),
        (Method::GET, "/by-name/restart/versions".to_owned(), ""),
        (Method::POST, String::new(), &body),
    ] {
        let started = Instant::now();
        let reply = send(&service, method, &path, body).await;
        assert_eq!(slug(&reply), "503 service-unavailable", "{path}");
        assert!(reply.headers.contains_key("retry-after"));
        assert!(started.elapsed() < Duration::from_secs(5), "{path}");
    }
    postgres.restart().await;
    eventually("workflows can be stored again", async || {
        let reply = service
            .try_send(Method::POST, WORKFLOWS, body.clone())
            .await?;
        (reply.status == StatusCode::CREATED).then_some(())
    })
    .await;
    let versions = get(&service, "/by-name/restart/versions").await;
    assert_eq!(versions["total"], 2, "what was refused was not stored");
    let stored = get(&service, &format!("/{id}")).await;
    assert_eq!(
        (&stored["status"], &stored["total_executions"]),
        (&json!("active"), &json!(0))
    );
    service.terminate().await;
}
