//! Actions through the real binary: recorded once, changed forward only, and given back.

use ds_testkit::{Durability, PostgresServer};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    program::eventually,
    service::{Reply, Service, now},
    stage::Stage,
};

pub(crate) const ACTIONS: &str = "/api/v1/actions";

/// A valid action of this id, now.
pub(crate) fn action(id: &str) -> Value {
    json!({
        "action_id": id,
        "action_timestamp": now(),
        "signal_name": "PodOOMKilled",
        "signal_severity": "critical",
        "model_used": "granite",
        "model_confidence": 0.85,
        "action_type": "increase_resources",
    })
}

/// The same with `changes` laid over it.
pub(crate) fn with(id: &str, changes: &Value) -> Value {
    let mut action = action(id);
    for (name, value) in changes.as_object().unwrap() {
        action[name] = value.clone();
    }
    action
}

/// Posts what must be stored.
pub(crate) async fn store(service: &Service, body: &Value) -> Value {
    let reply = post(service, body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    reply.json()
}

async fn post(service: &Service, body: &Value) -> Reply {
    service.send(Method::POST, ACTIONS, body.to_string()).await
}

async fn patch(service: &Service, id: &str, body: &Value) -> Reply {
    let path = format!("{ACTIONS}/{id}");
    service.send(Method::PATCH, &path, body.to_string()).await
}

async fn get(service: &Service, id: &str) -> Reply {
    let path = format!("{ACTIONS}/{id}");
    service.send(Method::GET, &path, "").await
}

async fn rows(service: &Service) -> i64 {
    let client = service.database.connect().await;
    let count = "SELECT count(*) FROM resource_action_traces";
    client.query_one(count, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_action_is_recorded_once_and_comes_back_as_it_was_sent() {
    let service = Service::start().await;
    let sent = with(
        "act/1",
        &json!({
            "action_parameters": {"replicas": 9_007_199_254_740_993_i64, "note": "größer 🚀"},
            "alternative_actions": [{"type": "restart"}], "workflow_id": "'; DROP TABLE x; --",
            "namespace": "prod", "ai_selected_workflow": true, "execution_status": "executing",
            "id": 99, "created_at": "2001-01-01T00:00:00Z",
        }),
    );
    let first = post(&service, &sent).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = post(&service, &sent).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    let batch = store(&service, &json!([action("act-2"), sent])).await;
    assert_eq!(batch["actions"][1]["id"], first.json()["id"]);
    assert_eq!(batch["message"], "2 action traces created successfully");

    let mut other = sent.clone();
    other["namespace"] = json!("other");
    for body in [other.clone(), json!([action("act-3"), other])] {
        let refused = post(&service, &body).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        assert_eq!(refused.json()["errors"][0]["rule"], "conflict");
    }
    let bad = post(
        &service,
        &json!([action("a"), {"action_id": "b", "model_confidence": 9.5}]),
    )
    .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let errors = bad.json()["errors"].as_array().unwrap().clone();
    assert_eq!(errors.len(), 6, "{errors:?}");
    assert_eq!(errors[0]["pointer"], "/1/model_confidence");
    assert_eq!(
        rows(&service).await,
        2,
        "what was refused left nothing behind"
    );

    let back = get(&service, "act%2F1").await.json();
    for (name, value) in sent.as_object().unwrap() {
        if !matches!(name.as_str(), "id" | "created_at") {
            assert_eq!(&back[name], value, "{name}");
        }
    }
    assert_eq!(
        (&back["id"], &back["revisions"]),
        (&first.json()["id"], &json!([]))
    );
    assert_eq!(get(&service, "nobody").await.status, StatusCode::NOT_FOUND);
    let counted = r#"datastorage_action_traces_total{status="success"}"#;
    assert_eq!(service.metric(counted).await, Some(2.0));
    let timed = r#"datastorage_write_duration_seconds_count{table="resource_action_traces"}"#;
    assert_eq!(service.metric(timed).await, Some(3.0));
    let read = r#"datastorage_query_total{operation="get_action",status="success"}"#;
    assert_eq!(service.metric(read).await, Some(2.0));
}

#[tokio::test]
async fn what_became_of_an_action_is_told_later_and_nothing_of_it_is_lost() {
    let service = Service::start().await;
    let sent = action("a");
    let first = store(&service, &sent).await;
    let begun = json!({ "execution_status": "executing", "execution_start_time": now() });
    let ended = json!({ "execution_status": "completed", "execution_duration_ms": 1200 });
    let judged =
        json!({ "effectiveness_score": 0.95, "execution_error": null, "workflow_id": "w" });
    for (body, revision) in [
        (&begun, 1),
        (&begun, 1),
        (&ended, 2),
        (&ended, 2),
        (&judged, 3),
    ] {
        let reply = patch(&service, "a", body).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert_eq!(reply.json()["revision"], revision, "{body}");
    }
    for back in ["pending", "executing", "failed", "rolled-back"] {
        let reply = patch(&service, "a", &json!({ "execution_status": back })).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{back}");
        assert_eq!(reply.json()["errors"][0]["pointer"], "/execution_status");
    }
    let bad = patch(&service, "a", &json!({ "execution_status": "lost" })).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let unknown = patch(&service, "b", &ended).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let back = get(&service, "a").await.json();
    assert_eq!(back["execution_status"], "completed");
    assert_eq!(back["effectiveness_score"], 0.95);
    assert_eq!(back.get("workflow_id"), None, "what it is never changes");
    let statuses: Vec<&str> = back["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| revision["execution_status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["pending", "executing", "completed"]);
    // Whoever heard no answer to the first request gets it now.
    assert_eq!(store(&service, &sent).await, first);
}

#[tokio::test]
async fn secrets_are_taken_out_and_the_answer_says_where() {
    let service = Service::start().await;
    let warned = |reply: &Reply| {
        let warnings = reply.headers.get("x-validation-warnings");
        warnings.map(|value| value.to_str().unwrap().to_owned())
    };
    let leaky = json!({
        "execution_error": "login failed: password=s3cr3tm4rker",
        "action_parameters": {"DB \"x\" PASSWORD": "s3cr3tm4rker"},
    });
    let sent = with("a", &leaky);
    let single = concat!(
        r#"redacted;at="/execution_error", "#,
        r#"redacted;at="/action_parameters/DB%20%22x%22%20PASSWORD""#,
    );
    for _ in 0..2 {
        let reply = post(&service, &sent).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        assert_eq!(warned(&reply).as_deref(), Some(single));
    }
    let batch = json!([action("b"), with("c", &leaky)]);
    let batched = warned(&post(&service, &batch).await).unwrap();
    assert_eq!(batched, single.replace("at=\"", "at=\"/1"));
    let change = json!({"effectiveness_notes": "token: s3cr3tm4rker"});
    let changed = patch(&service, "b", &change).await;
    let expected = r#"redacted;at="/effectiveness_notes""#;
    assert_eq!(warned(&changed).as_deref(), Some(expected));
    assert_eq!(warned(&post(&service, &action("d")).await), None);

    let back = get(&service, "a").await.json();
    assert!(!back.to_string().contains("s3cr3tm4rker"), "{back}");
    assert_eq!(back["execution_error"], "login failed: password=[REDACTED]");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_action_sent_by_many_at_once_is_stored_once() {
    let service = Service::start().await;
    let body = action("a");
    let sending = (0..50).map(|_| store(&service, &body));
    let answers = futures_util::future::join_all(sending).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(rows(&service).await, 1);
}

#[tokio::test]
async fn without_postgresql_actions_are_refused_and_stored_when_they_come_again() {
    let postgres = PostgresServer::start(Durability::Off).await;
    let stage = Stage::on(&postgres).await;
    let service = stage.service().await;
    let before = action("before");
    store(&service, &before).await;
    postgres.stop().await;
    for _ in 0..5 {
        let refused = post(&service, &action("after")).await;
        assert_eq!(
            refused.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{refused:?}"
        );
        assert!(refused.headers.contains_key("retry-after"));
        let refused = patch(&service, "before", &json!({ "execution_status": "failed" })).await;
        assert_eq!(
            refused.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{refused:?}"
        );
    }
    postgres.restart().await;
    eventually("actions are stored again", async || {
        let reply = post(&service, &action("after")).await;
        (reply.status == StatusCode::CREATED).then_some(())
    })
    .await;
    store(&service, &before).await;
    assert_eq!(rows(&service).await, 2);
    service.terminate().await;
}
