//! Searches for workflows: what is found is what the pure functions say, of what the table has.

use std::collections::BTreeSet;

use ds_domain::{
    label::{
        CustomLabels, DetectedLabel, DetectedLabels, GitOpsTool, MandatoryLabel, MandatoryLabels,
        Priority, ServiceMesh, Severity,
    },
    score::{Labels, Score, Total, score},
    search::{SearchFilters, Standing, WorkflowSearch, WorkflowStatus},
    workflow::Change,
};
use ds_repository::{Repository, error::StoreError, settings::Settings};
use ds_testkit::{Durability, PostgresServer};
use futures_util::future::join_all;
use jiff::Timestamp;
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::event::{repository, settings};

/// A version in the catalogue.
#[derive(Clone, Debug)]
struct Version {
    id: Uuid,
    labels: MandatoryLabels,
    detected: DetectedLabels,
    custom: CustomLabels,
    state: State,
    created_at: Timestamp,
}

/// Its status, whether it is the latest of its name, and whether it is the one that is found.
type State = (WorkflowStatus, bool, bool);

/// Every state that a version can be in.
const STATES: [State; 8] = [
    (WorkflowStatus::Active, true, true),
    (WorkflowStatus::Active, true, true),
    // The latest one was disabled.
    (WorkflowStatus::Active, false, true),
    (WorkflowStatus::Active, false, false),
    (WorkflowStatus::Disabled, true, false),
    (WorkflowStatus::Disabled, false, false),
    (WorkflowStatus::Deprecated, true, false),
    (WorkflowStatus::Archived, true, false),
];

/// What makes trouble where it is not bound.
const STRANGE: [&str; 5] = ["it's \"x\"", r"a\b", r"\u002a", "🦀", "*"];

fn mandatory(wildcards: bool) -> impl Strategy<Value = MandatoryLabels> {
    let words = |words: &[&'static str]| {
        let any = wildcards.then_some("*");
        select(words.iter().copied().chain(any).collect::<Vec<_>>())
    };
    let priorities = [Priority::P0, Priority::P1].into_iter();
    let priorities = priorities.chain(wildcards.then_some(Priority::Any));
    (
        select(vec!["OOMKilled", "it's \"odd\""]),
        select(vec![Severity::High, Severity::Low]),
        words(&["pod", "node"]),
        words(&["production", r"te\st"]),
        select(priorities.collect::<Vec<_>>()),
    )
        .prop_map(
            |(signal_type, severity, component, environment, priority)| MandatoryLabels {
                signal_type: signal_type.to_owned(),
                severity,
                component: component.to_owned(),
                environment: environment.to_owned(),
                priority,
            },
        )
}

fn detected() -> impl Strategy<Value = DetectedLabels> {
    let flags = subsequence(DetectedLabel::FLAGS, 0..=DetectedLabel::FLAGS.len());
    let failed = subsequence(DetectedLabel::FALLIBLE, 0..=2);
    let tool = proptest::option::of(select(GitOpsTool::ALL));
    let mesh = proptest::option::of(select(ServiceMesh::ALL));
    (flags, failed, tool, mesh).prop_map(|(flags, failed, git_ops_tool, service_mesh)| {
        DetectedLabels {
            flags: flags.into_iter().collect(),
            git_ops_tool,
            service_mesh,
            failed: failed.into_iter().collect(),
        }
    })
}

fn custom() -> impl Strategy<Value = CustomLabels> {
    let values = subsequence(STRANGE.map(str::to_owned).to_vec(), 0..=4);
    let keys = proptest::collection::btree_map(select(vec!["team", "a.b", "x-y_Z"]), values, 0..=3);
    keys.prop_map(|keys| {
        let keys = keys
            .into_iter()
            .map(|(key, values)| (key.to_owned(), values));
        CustomLabels(keys.collect())
    })
}

fn version() -> impl Strategy<Value = Version> {
    let id = any::<u128>().prop_map(Uuid::from_u128);
    // Few, so that many are the same.
    let created_at = (1_795_000_000_i64..1_795_000_004)
        .prop_map(|second| Timestamp::from_second(second).unwrap());
    let state = select(STATES.to_vec());
    (id, mandatory(true), detected(), custom(), state, created_at).prop_map(
        |(id, labels, detected, custom, state, created_at)| Version {
            id,
            labels,
            detected,
            custom,
            state,
            created_at,
        },
    )
}

fn search() -> impl Strategy<Value = WorkflowSearch> {
    let statuses = subsequence(WorkflowStatus::ALL, 0..=2);
    let top_k = prop_oneof![Just(1_u8), 1..20_u8, Just(100)];
    let min_score = prop_oneof![Just(0_u16), 4_800..5_300_u16];
    let include_disabled = any::<bool>();
    (
        mandatory(false),
        detected(),
        custom(),
        statuses,
        top_k,
        min_score,
        include_disabled,
    )
        .prop_map(
            |(labels, detected, custom, statuses, top_k, min_score, include_disabled)| {
                WorkflowSearch {
                    remediation_id: None,
                    filters: SearchFilters {
                        labels,
                        detected,
                        custom,
                        statuses,
                    },
                    top_k,
                    min_score: Total(min_score),
                    include_disabled,
                    explain: false,
                }
            },
        )
}

impl Version {
    fn row(&self) -> Value {
        let (status, is_latest, is_found) = self.state;
        let labels = MandatoryLabel::ALL
            .iter()
            .map(|label| (label.as_str().to_owned(), self.labels.get(*label).into()));
        let failed: Vec<&str> = self.detected.failed.iter().map(|it| it.as_str()).collect();
        let mut detected = Map::from_iter([("failed_detections".to_owned(), json!(failed))]);
        for label in DetectedLabel::ALL {
            if let Some(word) = self.detected.get(*label) {
                let is_flag = DetectedLabel::FLAGS.contains(label);
                let value = if is_flag { json!(true) } else { json!(word) };
                detected.insert(label.as_str().to_owned(), value);
            }
        }
        json!({
            "workflow_id": self.id, "workflow_name": format!("wf-{}", self.id),
            "labels": labels.collect::<Map<_, _>>(), "detected_labels": detected,
            "custom_labels": self.custom.0, "status": status.as_str(),
            "is_latest_version": is_latest, "is_search_version": is_found,
            "created_at": self.created_at.to_string(),
        })
    }

    /// Where it stands in the answer to `search`, if it is in it.
    fn standing(&self, search: &WorkflowSearch) -> Option<(Standing, Uuid, Score)> {
        let (status, is_latest, is_found) = self.state;
        let is_offered = is_found || is_latest;
        let wildcards = self.labels.fit(&search.filters.labels)?;
        let offered = Labels {
            detected: &self.detected,
            custom: &self.custom,
        };
        let score = score(search.filters.scored(), offered);
        let total = score.total();
        let is_wanted = is_offered && search.statuses().contains(&status);
        (is_wanted && total >= search.min_score).then(|| {
            let standing = Standing::new(total, wildcards, self.created_at, self.id);
            (standing, self.id, score)
        })
    }
}

async fn insert(client: &Client, versions: &[Version]) {
    let rows: Vec<Value> = versions.iter().map(Version::row).collect();
    let sql = "INSERT INTO remediation_workflow_catalog (workflow_id, workflow_name, version, name,
            description, content, content_hash, labels, detected_labels, custom_labels, status,
            is_latest_version, is_search_version, created_at)
        SELECT workflow_id, workflow_name, '1.0.0', 'Title', 'describes', 'content',
            repeat('a', 64), labels, detected_labels, custom_labels, status, is_latest_version,
            is_search_version, created_at
        FROM jsonb_to_recordset($1::text::jsonb) AS r(workflow_id uuid, workflow_name text,
            labels jsonb, detected_labels jsonb, custom_labels jsonb, status text,
            is_latest_version boolean, is_search_version boolean, created_at timestamptz)";
    let rows = Value::from(rows).to_string();
    let inserted = client.execute(sql, &[&rows]).await.unwrap();
    assert_eq!(inserted, versions.len() as u64);
}

/// What the pure functions say: the best, and how many are good enough.
fn expected(versions: &[Version], search: &WorkflowSearch) -> (Vec<(Uuid, Score)>, u64) {
    let standings = versions
        .iter()
        .filter_map(|version| version.standing(search));
    let mut standings: Vec<_> = standings.collect();
    standings.sort_by_key(|(standing, _, _)| *standing);
    let matching = standings.len() as u64;
    standings.truncate(search.top_k.into());
    let best = standings.into_iter().map(|(_, id, score)| (id, score));
    (best.collect(), matching)
}

#[tokio::test]
async fn what_is_found_is_what_the_pure_functions_say() {
    let (database, repository) = repository().await;
    let mut runner = TestRunner::deterministic();
    let versions = proptest::collection::vec(version(), 400);
    let versions = versions.new_tree(&mut runner).unwrap().current();
    insert(&database.connect().await, &versions).await;
    let mut found_any = 0;
    for _ in 0..300 {
        let search = search().new_tree(&mut runner).unwrap().current();
        let found = repository.search_workflows(&search).await.unwrap();
        let results = found.workflows.iter();
        let results: Vec<_> = results.map(|it| (it.workflow_id, it.score)).collect();
        let expected = expected(&versions, &search);
        assert_eq!((results, found.matching), expected, "{search:#?}");
        found_any += usize::from(!expected.0.is_empty());
    }
    assert!(found_any > 150, "only {found_any} searches found anything");
}

#[tokio::test]
async fn what_is_found_is_shown_as_it_is_stored() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    let mut runner = TestRunner::deterministic();
    let mut version = version().new_tree(&mut runner).unwrap().current();
    version.state = STATES[0];
    version.custom = CustomLabels([("team".to_owned(), vec!["a \" \\ 🦀".to_owned()])].into());
    version.detected = DetectedLabels {
        git_ops_tool: Some(GitOpsTool::Flux),
        ..DetectedLabels::default()
    };
    insert(&client, std::slice::from_ref(&version)).await;
    let mut search = search().new_tree(&mut runner).unwrap().current();
    search.filters.labels = version.labels.clone();
    search.filters.statuses.clear();
    search.min_score = Total(0);
    let found = repository.search_workflows(&search).await.unwrap();
    let [found] = &found.workflows[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (found.title.as_str(), found.description.as_str()),
        ("Title", "describes")
    );
    assert_eq!(found.signal_type, version.labels.signal_type);
    assert_eq!(found.custom, version.custom);
    assert_eq!(found.detected, version.detected);
    let custom: Value = serde_json::from_str(found.custom_labels.as_str()).unwrap();
    assert_eq!(custom, json!({ "team": ["a \" \\ 🦀"] }));
}

#[tokio::test]
async fn what_was_changed_is_found_by_index() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    // So few rows are read faster than an index: what matters is that it could be used.
    client
        .batch_execute("SET enable_seqscan = off")
        .await
        .unwrap();
    let explain = "EXPLAIN SELECT workflow_id FROM remediation_workflow_catalog
        WHERE changed_in >= pg_snapshot_xmin('700:710:702'::pg_snapshot)
            AND NOT pg_visible_in_snapshot(changed_in, '700:710:702'::pg_snapshot)";
    let plan = client.query(explain, &[]).await.unwrap();
    let lines: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let index = "idx_remediation_workflow_catalog_changed_in";
    assert!(lines.iter().any(|line| line.contains(index)), "{lines:#?}");
}

/// Versions that all suit one search, and that search. They are of names of their own.
fn alike(count: usize) -> (Vec<Version>, WorkflowSearch) {
    let mut runner = TestRunner::deterministic();
    let model = version().new_tree(&mut runner).unwrap().current();
    let mut search = search().new_tree(&mut runner).unwrap().current();
    search.filters.labels = model.labels.clone();
    search.filters.statuses.clear();
    (search.top_k, search.min_score) = (100, Total(0));
    search.include_disabled = false;
    let versions = (0..count).map(|_| Version {
        id: Uuid::new_v4(),
        state: STATES[0],
        ..model.clone()
    });
    (versions.collect(), search)
}

async fn ids(repository: &Repository, search: &WorkflowSearch) -> BTreeSet<Uuid> {
    let found = repository.search_workflows(search).await.unwrap();
    let ids: BTreeSet<Uuid> = found.workflows.iter().map(|it| it.workflow_id).collect();
    assert_eq!(ids.len() as u64, found.matching);
    ids
}

#[tokio::test]
async fn what_one_replica_changes_the_others_find_at_once() {
    let (database, repository) = repository().await;
    let other = Repository::new(settings(&database)).unwrap();
    let client = database.connect().await;
    let (versions, search) = alike(5);
    for version in &versions {
        assert!(!ids(&other, &search).await.contains(&version.id));
        insert(&client, std::slice::from_ref(version)).await;
        assert!(ids(&other, &search).await.contains(&version.id));
        assert!(ids(&repository, &search).await.contains(&version.id));
    }
    let disabled = Change {
        status: Some(WorkflowStatus::Disabled),
        ..Change::default()
    };
    for version in &versions {
        repository
            .change_workflow(version.id, &disabled)
            .await
            .unwrap();
        assert!(!ids(&other, &search).await.contains(&version.id));
    }
    let all = WorkflowSearch {
        include_disabled: true,
        ..search
    };
    assert_eq!(ids(&other, &all).await.len(), versions.len());
}

#[tokio::test]
async fn what_is_committed_late_is_found_then() {
    let (database, repository) = repository().await;
    let (late, prompt) = (database.connect().await, database.connect().await);
    let (versions, search) = alike(30);
    let ([first], rest) = versions.split_at(1) else {
        panic!("there are 30");
    };
    late.batch_execute("BEGIN").await.unwrap();
    insert(&late, std::slice::from_ref(first)).await;
    // Transactions that began later and were committed before, each of them seen.
    for (done, version) in rest.iter().enumerate() {
        insert(&prompt, std::slice::from_ref(version)).await;
        assert_eq!(ids(&repository, &search).await.len(), done + 1);
    }
    late.batch_execute("COMMIT").await.unwrap();
    let found = ids(&repository, &search).await;
    assert!(found.contains(&first.id));
    assert_eq!(found.len(), versions.len());
}

#[tokio::test]
async fn what_was_rolled_back_or_removed_by_hand_is_not_found() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    let (versions, search) = alike(6);
    client.batch_execute("BEGIN").await.unwrap();
    insert(&client, &versions[..1]).await;
    assert!(ids(&repository, &search).await.is_empty());
    client.batch_execute("ROLLBACK").await.unwrap();
    assert!(ids(&repository, &search).await.is_empty());

    insert(&client, &versions[..3]).await;
    assert_eq!(ids(&repository, &search).await.len(), 3);
    let removing = "DELETE FROM remediation_workflow_catalog WHERE workflow_id = $1";
    client.execute(removing, &[&versions[1].id]).await.unwrap();
    assert_eq!(ids(&repository, &search).await.len(), 2);
    client
        .batch_execute("TRUNCATE remediation_workflow_catalog CASCADE")
        .await
        .unwrap();
    insert(&client, &versions[3..]).await;
    let expected: BTreeSet<Uuid> = versions[3..].iter().map(|it| it.id).collect();
    assert_eq!(ids(&repository, &search).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_has_added_a_workflow_finds_it_also_among_many() {
    let (database, repository) = repository().await;
    let (versions, search) = alike(80);
    let (shared, search) = ((&database, &repository), &search);
    let writers = versions.chunks(10).map(|versions| async move {
        let (database, repository) = shared;
        let client = database.connect().await;
        for version in versions {
            insert(&client, std::slice::from_ref(version)).await;
            let found = ids(repository, search).await;
            assert!(found.contains(&version.id));
        }
    });
    join_all(writers).await;
    assert_eq!(ids(&repository, search).await.len(), versions.len());
}

#[tokio::test]
async fn a_server_that_is_another_one_is_asked_for_everything() {
    let server = PostgresServer::start(Durability::Off).await;
    let database = server.create_database().await;
    let repository = Repository::new(settings(&database)).unwrap();
    let (versions, search) = alike(4);
    insert(&database.connect().await, &versions[..2]).await;
    assert_eq!(ids(&repository, &search).await.len(), 2);
    server.stop().await;
    server.restart().await;
    let client = database.connect().await;
    // As after a failover: changes that cannot be seen by their transactions.
    client
        .batch_execute("ALTER TABLE remediation_workflow_catalog DISABLE TRIGGER USER")
        .await
        .unwrap();
    insert(&client, &versions[2..]).await;
    let expected: BTreeSet<Uuid> = versions.iter().map(|it| it.id).collect();
    assert_eq!(ids(&repository, &search).await, expected);
}

#[tokio::test]
async fn a_store_that_is_away_is_not_an_empty_catalogue() {
    let server = PostgresServer::start(Durability::Off).await;
    let database = server.create_database().await;
    let mut settings = Settings::from_url(database.url()).unwrap();
    settings.connect_timeout = std::time::Duration::from_millis(500);
    settings.query_timeout = std::time::Duration::from_secs(1);
    let repository = Repository::new(settings).unwrap();
    let mut runner = TestRunner::deterministic();
    let search = search().new_tree(&mut runner).unwrap().current();
    let none = repository.search_workflows(&search).await.unwrap();
    assert!(none.workflows.is_empty());

    server.kill().await;
    let error = repository.search_workflows(&search).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    server.restart().await;
    server.pause().await;
    let error = repository.search_workflows(&search).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    server.resume().await;
    repository.search_workflows(&search).await.unwrap();
}
