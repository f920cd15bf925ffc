//! Workflows in the catalogue: which version is on top, whatever is written at the same time.

use ds_domain::workflow::{Change, Executions, StoredWorkflow, WorkflowStatus};
use ds_repository::{
    Repository,
    error::{InsertError, StoreError},
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use ds_testkit::TestDatabase;
use ds_validation::{Limits, parse_workflow};
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::event::settings;

pub(crate) async fn catalogue() -> (TestDatabase, Repository) {
    let database = TestDatabase::create().await;
    let repository = Repository::new(settings(&database)).unwrap();
    (database, repository)
}

/// A workflow with `more` members.
pub(crate) fn workflow(name: &str, version: &str, more: &Value) -> NewWorkflow {
    let mut body = json!({
        "workflow_name": name, "version": version, "name": "Restart", "description": "restarts",
        "content": "steps: []", "content_hash": "0".repeat(64), "execution_engine": "tekton",
        "status": "active", "labels": {"signal_type": "OOMKilled", "severity": "high",
            "component": "pod", "environment": "production", "priority": "P1"},
    });
    let members = body.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let limits = Limits::default();
    NewWorkflow {
        workflow_id: Uuid::now_v7(),
        valid: parse_workflow(body.to_string().as_bytes(), &limits).unwrap(),
    }
}

pub(crate) fn plain(name: &str, version: &str) -> NewWorkflow {
    workflow(name, version, &json!({}))
}

async fn create(repository: &Repository, new: NewWorkflow) -> Created {
    let mut created = repository.create_workflows(&[new]).await.unwrap();
    assert_eq!(created.len(), 1);
    created.remove(0)
}

pub(crate) async fn stored(repository: &Repository, new: NewWorkflow) -> StoredWorkflow {
    match create(repository, new).await {
        Created::Now { stored, .. } => *stored,
        other @ (Created::Taken { .. } | Created::Refused(_)) => panic!("{other:?}"),
    }
}

/// `version flags` of each version of a name in order of arrival; `L` is the latest, `S` the one that a
/// search finds.
async fn marks(database: &TestDatabase, name: &str) -> Vec<String> {
    let client = database.connect().await;
    let sql = "SELECT version || CASE WHEN is_latest_version THEN ' L' ELSE '' END
            || CASE WHEN is_search_version THEN ' S' ELSE '' END
        FROM remediation_workflow_catalog WHERE workflow_name = $1 ORDER BY arrival";
    let rows = client.query(sql, &[&name]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn becoming(status: WorkflowStatus) -> Change {
    Change {
        status: Some(status),
        ..Change::default()
    }
}

#[tokio::test]
async fn what_is_stored_comes_back() {
    let (_database, repository) = catalogue().await;
    let more = json!({
        "owner": "sre", "parameters": {"n": 9_007_199_254_740_993_u64, "x": [1.10]},
        "custom_labels": {"team": ["\"a\\"]}, "detected_labels": {"stateful": true},
        "expected_success_rate": 0.917, "expected_duration_seconds": 90,
        "approved_by": "ann", "approved_at": "2026-11-21T10:00:00.123456Z",
        "container_digest": format!("sha256:{}", "a".repeat(64)), "created_by": "bob",
        "description": "größer 🚀", "status": "disabled",
    });
    let new = workflow("restart", "1.0.0", &more);
    let id = new.workflow_id;
    let stored = stored(&repository, new).await;
    assert_eq!(stored.workflow_id, id);
    assert_eq!(stored.description, "größer 🚀");
    assert_eq!(stored.content, "steps: []");
    let parameters = stored.parameters.as_ref().unwrap().as_str();
    assert_eq!(parameters, r#"{"n": 9007199254740993, "x": [1.1]}"#);
    assert_eq!(stored.custom_labels.as_str(), r#"{"team": ["\"a\\"]}"#);
    assert_eq!(stored.detected_labels.as_str(), r#"{"stateful": true}"#);
    assert_eq!(stored.expected_success_rate.unwrap().thousandths(), 917);
    assert_eq!(stored.actual_success_rate, None);
    assert_eq!(stored.lifecycle.status, WorkflowStatus::Disabled);
    assert!(stored.is_latest_version);
    assert_eq!(repository.find_workflow(id).await.unwrap(), Some(stored));
    let unknown = repository.find_workflow(Uuid::nil()).await.unwrap();
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn the_highest_version_is_the_latest_and_an_old_one_never_becomes_it() {
    let (database, repository) = catalogue().await;
    for (version, expected) in [
        ("v1.0.0", "v1.0.0 L S"),
        ("1.2", "v1.0.0|1.2 L S"),
        ("1.1.0", "v1.0.0|1.2 L S|1.1.0"),
        ("edge", "v1.0.0|1.2|1.1.0|edge L S"),
        ("1.10.0", "v1.0.0|1.2|1.1.0|edge|1.10.0 L S"),
    ] {
        let is_highest = expected.ends_with("L S");
        let stored = stored(&repository, plain("restart", version)).await;
        assert_eq!(stored.is_latest_version, is_highest);
        assert_eq!(marks(&database, "restart").await.join("|"), expected);
    }
    let versions = repository.list_versions("restart", 3).await.unwrap();
    let newest: Vec<&str> = versions.versions.iter().map(|it| &*it.version).collect();
    assert_eq!(
        (newest, versions.total),
        (vec!["1.10.0", "edge", "1.1.0"], 5)
    );
    let unknown = repository.list_versions("other", 3).await.unwrap();
    assert_eq!((unknown.versions.len(), unknown.total), (0, 0));
}

#[tokio::test]
async fn a_version_that_is_on_top_only_because_it_came_last_is_told_so() {
    let (database, repository) = catalogue().await;
    for (version, expected, marked) in [
        ("99999999999999999999.0.0", false, true),
        ("1.0.0", false, false),
        ("edge", true, true),
        ("2.0.0", false, false),
    ] {
        let created = create(&repository, plain("restart", version)).await;
        let Created::Now { stored, is_guess } = created else {
            panic!("is stored");
        };
        assert_eq!(
            (is_guess, stored.is_latest_version),
            (expected, marked),
            "{version}"
        );
    }
    // Each is compared with what was there when it came, also within one request.
    let several =
        ["main", "3.0.0-rc.1", "100000000000000000000.0.0"].map(|it| plain("restart", it));
    let created = repository.create_workflows(&several).await.unwrap();
    let guesses: Vec<bool> = created
        .iter()
        .map(|it| matches!(it, Created::Now { is_guess: true, .. }))
        .collect();
    assert_eq!(guesses, [false, false, true]);
    let on_top = marks(&database, "restart").await.pop().unwrap();
    assert_eq!(on_top, "100000000000000000000.0.0 L S");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_versions_at_once_are_all_stored_and_one_is_the_latest() {
    let (database, repository) = catalogue().await;
    let creating = (0..20).map(|n| create(&repository, plain("restart", &format!("1.{n}.0"))));
    for created in join_all(creating).await {
        assert!(matches!(created, Created::Now { .. }), "{created:?}");
    }
    let marks = marks(&database, "restart").await;
    assert_eq!(marks.len(), 20);
    let on_top: Vec<&String> = marks.iter().filter(|it| it.contains(' ')).collect();
    assert_eq!(on_top, ["1.19.0 L S"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_of_one_version_at_once_are_stored_once() {
    let (database, repository) = catalogue().await;
    let creating = (0..20).map(|n| {
        // Half of them say something else.
        let more = json!({"owner": format!("team {}", n % 2)});
        create(&repository, workflow("restart", "1.0.0", &more))
    });
    let created = join_all(creating).await;
    let first = created.iter().find_map(|it| match it {
        Created::Now { stored, .. } => Some(stored.workflow_id),
        Created::Taken { .. } | Created::Refused(_) => None,
    });
    let taken = created.iter().filter_map(|it| match it {
        Created::Taken {
            workflow_id,
            is_identical,
        } => Some((*workflow_id, *is_identical)),
        Created::Now { .. } | Created::Refused(_) => None,
    });
    let taken: Vec<(Uuid, bool)> = taken.collect();
    assert_eq!(taken.len(), 19);
    assert!(taken.iter().all(|(id, _)| Some(*id) == first));
    let identical = taken.iter().filter(|(_, is_identical)| *is_identical);
    assert_eq!(identical.count(), 9);
    assert_eq!(marks(&database, "restart").await, ["1.0.0 L S"]);
}

#[tokio::test]
async fn of_several_each_is_stored_or_taken_in_its_place() {
    let (database, repository) = catalogue().await;
    let before = stored(&repository, plain("a", "1")).await;
    let several = [
        plain("a", "2"),
        plain("b", "1"),
        plain("a", "1"),
        workflow("a", "1", &json!({"owner": "x"})),
        plain("b", "1"),
        workflow("b", "1", &json!({"owner": "x"})),
        workflow("a", "3", &json!({"status": "disabled"})),
        plain("a", "1.5"),
    ];
    let ids: Vec<Uuid> = several.iter().map(|new| new.workflow_id).collect();
    let created = repository.create_workflows(&several).await.unwrap();
    let shown: Vec<String> = created
        .iter()
        .map(|created| match created {
            Created::Now { stored, .. } => format!("{} {}", stored.workflow_name, stored.version),
            Created::Taken {
                workflow_id,
                is_identical,
            } => {
                let by = if *workflow_id == before.workflow_id {
                    "before"
                } else if *workflow_id == ids[1] {
                    "beside"
                } else {
                    "?"
                };
                format!("{by} {is_identical}")
            }
            Created::Refused(error) => error.to_string(),
        })
        .collect();
    let expected = [
        "a 2",
        "b 1",
        "before true",
        "before false",
        "beside true",
        "beside false",
        "a 3",
        "a 1.5",
    ];
    assert_eq!(shown, expected);
    assert_eq!(marks(&database, "a").await, ["1", "2 S", "3 L", "1.5"]);
    assert_eq!(marks(&database, "b").await, ["1 L S"]);
    assert_eq!(repository.create_workflows(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_repetition_is_recognised_also_when_the_workflow_has_changed_since() {
    let (_database, repository) = catalogue().await;
    let more = json!({"parameters": {"a": 1, "b": 2.50}, "expected_success_rate": 0.25,
        "custom_labels": {"team": ["x"]}});
    let first = stored(&repository, workflow("restart", "1", &more)).await;
    let disabling = becoming(WorkflowStatus::Disabled);
    let changed = repository.change_workflow(first.workflow_id, &disabling);
    changed.await.unwrap();
    let again = json!({"parameters": {"b": 2.5, "a": 1}, "expected_success_rate": 0.2500,
        "custom_labels": {"team": ["x"]}});
    for (more, expected) in [
        (&more, true),
        (&again, true),
        (&json!({"parameters": {"a": 1}}), false),
        (&json!({}), false),
    ] {
        let created = create(&repository, workflow("restart", "1", more)).await;
        let Created::Taken { is_identical, .. } = created else {
            panic!("is taken");
        };
        assert_eq!(is_identical, expected, "{more}");
    }
}

#[tokio::test]
async fn a_search_falls_back_to_the_highest_active_version() {
    use WorkflowStatus::{Active, Archived, Deprecated, Disabled};
    let (database, repository) = catalogue().await;
    let mut ids = Vec::new();
    for version in ["1", "2", "3"] {
        ids.push(
            stored(&repository, plain("restart", version))
                .await
                .workflow_id,
        );
    }
    for (version, status, expected) in [
        (3, Disabled, "1|2 S|3 L"),
        (2, Deprecated, "1 S|2|3 L"),
        (1, Disabled, "1|2|3 L"),
        (2, Archived, "1|2|3 L"),
        (1, Active, "1 S|2|3 L"),
        (3, Active, "1|2|3 L S"),
    ] {
        let changed = repository
            .change_workflow(ids[version - 1], &becoming(status))
            .await
            .unwrap();
        assert!(matches!(changed, Changed::Now(_)));
        assert_eq!(changed.workflow().lifecycle.status, status);
        let stored = repository.find_workflow(ids[version - 1]).await.unwrap();
        assert_eq!(stored.as_ref(), Some(changed.workflow()), "it is fresh");
        assert_eq!(marks(&database, "restart").await.join("|"), expected);
    }
    // A version that is added finds the same rule.
    let more = json!({"status": "disabled"});
    stored(&repository, workflow("restart", "4", &more)).await;
    assert_eq!(marks(&database, "restart").await.join("|"), "1|2|3 S|4 L");
}

#[tokio::test]
async fn a_change_is_made_once_and_only_if_it_is_allowed() {
    let (_database, repository) = catalogue().await;
    let before = stored(&repository, plain("restart", "1")).await;
    let id = before.workflow_id;
    let disabling = Change {
        status: Some(WorkflowStatus::Disabled),
        disabled_by: Some("ann".to_owned()),
        disabled_reason: Some("it loops".to_owned()),
        ..Change::default()
    };
    let changed = repository.change_workflow(id, &disabling).await.unwrap();
    let disabled = changed.workflow();
    assert!(disabled.disabled_at.unwrap() >= before.created_at);
    assert!(disabled.updated_at > before.updated_at);
    assert_eq!(disabled.lifecycle.updated_by.as_deref(), Some("ann"));
    let again = repository.change_workflow(id, &disabling).await.unwrap();
    assert!(matches!(again, Changed::Before(_)));
    assert_eq!(again.workflow(), disabled, "nothing moved");
    let enabled = repository
        .change_workflow(id, &becoming(WorkflowStatus::Active))
        .await
        .unwrap();
    assert_eq!(enabled.workflow().disabled_at, None);
    assert_eq!(enabled.workflow().lifecycle.disabled_by, None);
    let archiving = becoming(WorkflowStatus::Archived);
    let refused = repository
        .change_workflow(id, &archiving)
        .await
        .unwrap_err();
    assert!(matches!(refused, NotChanged::Forbidden(_)), "{refused:?}");
    let unknown = repository.change_workflow(Uuid::nil(), &disabling).await;
    assert!(matches!(unknown.unwrap_err(), NotChanged::Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_everything_is_changed_at_once() {
    let (database, repository) = catalogue().await;
    let mut ids = Vec::new();
    for version in ["1", "2", "3", "4"] {
        ids.push(
            stored(&repository, plain("restart", version))
                .await
                .workflow_id,
        );
    }
    let repository = &repository;
    let switching = (0..40).map(|n: usize| {
        let id = ids[n % 4];
        let status = match n % 8 < 4 {
            true => WorkflowStatus::Disabled,
            false => WorkflowStatus::Active,
        };
        async move {
            let executions = Executions {
                execution_id: None,
                count: 2,
                successful: i32::try_from(n % 3).unwrap(),
            };
            let change = becoming(status);
            let (changed, counted) = tokio::join!(
                repository.change_workflow(id, &change),
                repository.count_executions(id, &executions),
            );
            changed.unwrap();
            assert!(matches!(counted.unwrap(), Counted::Now(_)));
        }
    });
    join_all(switching).await;
    let client = database.connect().await;
    let sql = "SELECT count(*) FILTER (WHERE is_latest_version AND version = '4'),
            count(*) FILTER (WHERE is_search_version),
            max(version) FILTER (WHERE is_search_version)
                IS NOT DISTINCT FROM max(version) FILTER (WHERE status = 'active'),
            sum(total_executions), sum(successful_executions)
        FROM remediation_workflow_catalog";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    assert!(row.get::<_, i64>(1) <= 1);
    assert!(
        row.get::<_, bool>(2),
        "what a search finds is the highest active one"
    );
    let expected: i64 = (0..40).map(|n| n % 3).sum();
    assert_eq!((row.get::<_, i64>(3), row.get::<_, i64>(4)), (80, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_has_a_name_counts_once() {
    let (database, repository) = catalogue().await;
    let id = stored(&repository, plain("restart", "1")).await.workflow_id;
    let report = |name: Option<&str>, successful| Executions {
        execution_id: name.map(str::to_owned),
        count: 3,
        successful,
    };
    let named = report(Some("run-1"), 3);
    let counting = (0..10).map(|_| repository.count_executions(id, &named));
    let counted = join_all(counting).await;
    let now = counted
        .iter()
        .filter(|it| matches!(it, Ok(Counted::Now(_))));
    assert_eq!(now.count(), 1);
    let before = counted
        .iter()
        .filter(|it| matches!(it, Ok(Counted::Before(_))));
    assert_eq!(before.count(), 9);
    let other = report(Some("run-1"), 0);
    let taken = repository.count_executions(id, &other).await.unwrap();
    assert!(matches!(taken, Counted::Taken));
    let plain = report(None, 0);
    let Counted::Now(counted) = repository.count_executions(id, &plain).await.unwrap() else {
        panic!("is counted");
    };
    assert_eq!(
        (counted.successful_executions, counted.total_executions),
        (3, 6)
    );
    assert_eq!(counted.actual_success_rate.unwrap().thousandths(), 500);
    let unknown = repository.count_executions(Uuid::nil(), &named).await;
    assert!(matches!(unknown.unwrap(), Counted::Unknown));
    let sql = format!(
        "UPDATE remediation_workflow_catalog SET total_executions = {}",
        i32::MAX
    );
    database.connect().await.batch_execute(&sql).await.unwrap();
    let over = report(Some("run-2"), 0);
    for _ in 0..2 {
        let full = repository.count_executions(id, &over).await.unwrap();
        assert!(matches!(full, Counted::Full), "also again: {full:?}");
    }
    // What was not counted has taken no name.
    let one = Executions {
        count: i32::MAX,
        ..over
    };
    let sql = "UPDATE remediation_workflow_catalog SET total_executions = 0,
        successful_executions = 0";
    database.connect().await.batch_execute(sql).await.unwrap();
    let counted = repository.count_executions(id, &one).await.unwrap();
    assert!(matches!(counted, Counted::Now(_)), "{counted:?}");
}

#[tokio::test]
async fn a_store_that_is_locked_is_unavailable_and_no_connection_is_spoilt() {
    let database = TestDatabase::create().await;
    let mut settings = settings(&database);
    settings.flush_timeout = std::time::Duration::from_millis(200);
    settings.append_timeout = settings.flush_timeout;
    let repository = Repository::new(settings).unwrap();
    let id = stored(&repository, plain("restart", "1")).await.workflow_id;
    let other = database.connect().await;
    let lock = "BEGIN; LOCK TABLE remediation_workflow_catalog";
    other.batch_execute(lock).await.unwrap();
    let is_away =
        |error: &InsertError| matches!(error, InsertError::Store(StoreError::Unavailable(_)));
    for several in [&[plain("a", "1")][..], &[plain("a", "1"), plain("b", "1")]] {
        let refused = repository.create_workflows(several).await.unwrap_err();
        assert!(is_away(&refused), "{refused:?}");
    }
    let change = becoming(WorkflowStatus::Disabled);
    let refused = repository.change_workflow(id, &change).await.unwrap_err();
    assert!(
        matches!(&refused, NotChanged::Insert(error) if is_away(error)),
        "{refused:?}"
    );
    other.batch_execute("ROLLBACK").await.unwrap();
    for n in 0..8 {
        stored(&repository, plain("after", &n.to_string())).await;
    }
    repository.change_workflow(id, &change).await.unwrap();
    assert_eq!(marks(&database, "a").await, [""; 0], "nothing was stored");
}
