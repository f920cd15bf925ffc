//! What becomes of workflows, on a store in memory.

use std::time::Duration;

use super::*;
use crate::testing::{Memory, MemoryStore, Mood};

fn ingest(store: &MemoryStore) -> Ingest<Memory> {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    Ingest::start(Memory::parts(store, now))
}

/// A workflow, with one member replaced.
fn body(version: &str, description: &str) -> String {
    format!(
        r#"{{"workflow_name":"restart","version":"{version}","name":"Restart",
            "description":"{description}","content":"steps: []","content_hash":"{}",
            "execution_engine":"tekton","status":"active","labels":{{"signal_type":"OOMKilled",
            "severity":"high","component":"pod","environment":"*","priority":"P1"}}}}"#,
        "0".repeat(64),
    )
}

fn shown<T>(outcome: &Result<T, WorkflowError>) -> String {
    match outcome {
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn record(ingest: &Ingest<Memory>, version: &str) -> String {
    let body = body(version, "restarts");
    shown(&ingest.record_workflow(body.as_bytes()).await)
}

#[tokio::test]
async fn every_mood_of_the_store_has_its_answer() {
    for (mood, expected) in [
        (Mood::Well, "done"),
        (Mood::WithoutNotifications, "done"),
        (Mood::Away, "workflow was not stored: the store is away"),
        (
            Mood::WithoutWorkflows,
            "workflow was not stored: the store is away",
        ),
        (Mood::Broken, "workflow was not stored: the store failed"),
        (Mood::Refusing, "store refuses the record"),
    ] {
        let ingest = ingest(&MemoryStore::new(mood));
        assert_eq!(record(&ingest, "1").await, expected, "{mood:?}");
        let batch = format!("[{}]", body("1", "restarts"));
        let stored = ingest.record_workflows(batch.as_bytes()).await;
        let one = match stored {
            Ok(mut each) => shown(&each.remove(0)),
            Err(error) => error.to_string(),
        };
        let again = match expected {
            "done" => "version is stored already",
            other => other,
        };
        assert_eq!(one, again, "{mood:?}, as a batch");
        ingest.close().await;
    }
}

#[tokio::test]
async fn a_version_is_taken_once_and_the_answer_says_by_whom() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    let one = body("1", "restarts");
    let first = ingest.record_workflow(one.as_bytes()).await.unwrap();
    let warnings: Vec<&str> = first.warnings.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(warnings, ["content_hash_mismatch"]);
    for (description, expected) in [("restarts", true), ("restarts it", false)] {
        let other = body("1", description);
        let again = ingest.record_workflow(other.as_bytes());
        let Err(WorkflowError::Taken {
            workflow_name,
            version,
            workflow_id,
            is_identical,
        }) = again.await
        else {
            panic!("is taken");
        };
        assert_eq!((&*workflow_name, &*version), ("restart", "1"));
        assert_eq!(workflow_id, first.stored.workflow_id);
        assert_eq!(is_identical, expected);
    }
    ingest.close().await;
}

#[tokio::test]
async fn who_is_on_top_only_because_it_came_last_is_warned() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    for (version, expected) in [("edge", None), ("main", Some("/version"))] {
        let recorded = ingest.record_workflow(body(version, "a").as_bytes()).await;
        let warnings = recorded.unwrap().warnings;
        let mut order = warnings.iter().filter(|it| it.rule == Rule::VersionOrder);
        assert_eq!(order.next().map(|it| &*it.pointer), expected, "{version}");
    }
    ingest.close().await;
}

#[tokio::test]
async fn of_a_batch_each_has_an_answer_of_its_own_in_its_place() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    let items = [
        body("1", "a"),
        body("2", ""),
        body("1", "b"),
        "7".to_owned(),
        body("3", "c"),
    ];
    let batch = format!("[{}]", items.join(","));
    let each = ingest.record_workflows(batch.as_bytes()).await.unwrap();
    let each: Vec<String> = each.iter().map(shown).collect();
    let expected = [
        "done",
        "request is refused",
        "version is stored already",
        "request is refused",
        "done",
    ];
    assert_eq!(each, expected);
    for refused in ["[]", "{}", "[1,"] {
        let outcome = ingest.record_workflows(refused.as_bytes()).await;
        assert_eq!(shown(&outcome), "request is refused", "{refused}");
    }
    ingest.close().await;
}

#[tokio::test]
async fn a_workflow_is_changed_as_its_status_allows() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    let one = body("1", "a");
    let stored = ingest.record_workflow(one.as_bytes()).await.unwrap();
    let id = stored.stored.workflow_id;
    let change = async |edit, body: &str| {
        let changed = ingest.change_workflow(id, edit, body.as_bytes()).await;
        changed.map(|it| match it.changed {
            Changed::Now(now) => format!("now {}", now.lifecycle.status.as_str()),
            Changed::Before(old) => format!("before {}", old.lifecycle.status.as_str()),
        })
    };
    for (edit, body, expected) in [
        (Edit::Enable, "", "before active"),
        (Edit::Disable, "", "now disabled"),
        (Edit::Disable, " {} ", "before disabled"),
        (
            Edit::Update,
            r#"{"status":"archived"}"#,
            "change is not allowed",
        ),
        (Edit::Update, r#"{"content":"x"}"#, "request is refused"),
        (Edit::Update, r#"{"status":"on"}"#, "request is refused"),
        (Edit::Update, "", "request is refused"),
        (Edit::Enable, r#"{"reason":"works"}"#, "now active"),
        (Edit::Update, r#"{"status":"deprecated"}"#, "now deprecated"),
        (Edit::Disable, "", "change is not allowed"),
    ] {
        let changed = change(edit, body).await;
        let shown = changed.unwrap_or_else(|error| error.to_string());
        assert_eq!(shown, expected, "{edit:?} {body}");
    }
    let unknown = ingest.change_workflow(Uuid::nil(), Edit::Disable, b"");
    assert_eq!(shown(&unknown.await), "workflow does not exist");
    ingest.close().await;
}

#[tokio::test]
async fn a_report_that_has_a_name_counts_once() {
    let ingest = ingest(&MemoryStore::new(Mood::Well));
    let one = body("1", "a");
    let stored = ingest.record_workflow(one.as_bytes()).await.unwrap();
    let id = stored.stored.workflow_id;
    let count = async |body: &str| {
        let counted = ingest.count_executions(id, body.as_bytes()).await;
        counted.map_or_else(
            |error| error.to_string(),
            |it| format!("{}/{}", it.successful_executions, it.total_executions),
        )
    };
    for (body, expected) in [
        (r#"{"succeeded":true}"#, "1/1"),
        (r#"{"succeeded":true,"execution_id":"a"}"#, "2/2"),
        (r#"{"succeeded":true,"execution_id":"a"}"#, "2/2"),
        (
            r#"{"succeeded":false,"execution_id":"a"}"#,
            "report is stored already",
        ),
        (r#"{"succeeded":false,"count":3}"#, "2/5"),
        (r#"{"count":3}"#, "request is refused"),
        (r#"{"succeeded":true,"count":0}"#, "request is refused"),
    ] {
        assert_eq!(count(body).await, expected, "{body}");
    }
    let unknown = ingest.count_executions(Uuid::nil(), br#"{"succeeded":true}"#);
    assert_eq!(shown(&unknown.await), "workflow does not exist");
    ingest.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_catalogue_is_not_asked_about_every_time() {
    let store = MemoryStore::new(Mood::WithoutWorkflows);
    let ingest = ingest(&store);
    for _ in 0..3 {
        record(&ingest, "1").await;
    }
    store.set_mood(Mood::Well);
    let away = "workflow was not stored: the store is away";
    assert_eq!(record(&ingest, "1").await, away, "it is not asked");
    let batch = format!("[{},{{}}]", body("1", "restarts"));
    let refused = ingest.record_workflows(batch.as_bytes()).await;
    assert_eq!(shown(&refused), away, "for a batch neither");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(record(&ingest, "1").await, "done");
    ingest.close().await;
}
