//! Searches for workflows: what the table gives is what the pure functions say.

use ds_domain::{
    label::{
        CustomLabels, DetectedLabel, DetectedLabels, GitOpsTool, MandatoryLabel, MandatoryLabels,
        Priority, ServiceMesh, Severity,
    },
    score::{Labels, Score, Total, score},
    search::{SearchFilters, Standing, WorkflowSearch, WorkflowStatus},
};
use ds_repository::{Repository, error::StoreError, settings::Settings};
use ds_testkit::{Durability, PostgresServer};
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

use crate::event::repository;

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
async fn a_search_narrows_by_index() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    let mut runner = TestRunner::deterministic();
    let versions = proptest::collection::vec(version(), 300);
    insert(&client, &versions.new_tree(&mut runner).unwrap().current()).await;
    // So few rows are read faster than an index: what matters is that it could be used.
    client
        .batch_execute("SET enable_seqscan = off")
        .await
        .unwrap();
    for (condition, index) in [
        (
            "is_search_version",
            "idx_remediation_workflow_catalog_labels",
        ),
        (
            "is_latest_version AND NOT is_search_version",
            "idx_remediation_workflow_catalog_inactive_labels",
        ),
    ] {
        let explain = format!(
            "EXPLAIN SELECT workflow_id FROM remediation_workflow_catalog WHERE {condition}
             AND labels->>'signal_type' = 'OOMKilled' AND labels->>'severity' = 'high'"
        );
        let plan = client.query(&explain, &[]).await.unwrap();
        let lines: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(lines.iter().any(|line| line.contains(index)), "{lines:#?}");
    }
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
