//! Success rates: what is counted, and in which order it is told.

use ds_domain::rate::{Dimensions, IncidentShare, SuccessRate, Tally, WorkflowShare};
use ds_repository::Repository;
use jiff::Timestamp;

use crate::{
    action::{at, insert},
    event::repository,
};

const SINCE: &str = "2026-11-14T10:00:00Z";

fn since() -> Timestamp {
    SINCE.parse().unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn incident(incident_type: &str) -> Dimensions {
    Dimensions {
        incident_type: some(incident_type),
        ..Dimensions::default()
    }
}

/// Stores actions of these members and statuses.
async fn seed(repository: &Repository, name: &str, members: &str, statuses: &[(&str, usize)]) {
    let each = statuses
        .iter()
        .flat_map(|(status, count)| std::iter::repeat_n(*status, *count));
    let actions: Vec<_> = each
        .enumerate()
        .map(|(n, status)| {
            let more = format!(r#", "execution_status": "{status}"{members}"#);
            at("2026-11-20T10:00:00Z", &format!("{name}-{n}"), &more)
        })
        .collect();
    insert(repository, &actions).await.unwrap();
}

fn tally(total: u64, completed: u64, failed: u64) -> Tally {
    Tally {
        total,
        completed,
        failed,
    }
}

#[tokio::test]
async fn all_states_count_in_the_total_and_missing_dimensions_in_no_breakdown() {
    let (database, repository) = repository().await;
    let of = |workflow: &str| format!(r#", "incident_type": "oom"{workflow}"#);
    let b = of(r#", "workflow_id": "b", "workflow_version": "2""#);
    seed(&repository, "b", &b, &[("completed", 3), ("failed", 1)]).await;
    let a = of(r#", "workflow_id": "a", "workflow_version": "1""#);
    seed(
        &repository,
        "a",
        &a,
        &[
            ("completed", 1),
            ("pending", 1),
            ("executing", 1),
            ("rolled-back", 1),
        ],
    )
    .await;
    let unversioned =
        of(r#", "workflow_id": "a", "ai_selected_workflow": true, "ai_chained_workflows": true"#);
    seed(&repository, "u", &unversioned, &[("failed", 2)]).await;
    let none = of(r#", "ai_manual_escalation": true"#);
    seed(&repository, "n", &none, &[("completed", 1)]).await;
    seed(
        &repository,
        "o",
        r#", "incident_type": "other", "workflow_id": "a""#,
        &[("completed", 9)],
    )
    .await;
    // By hand, as the first service left them: empty is the same as absent.
    let client = database.connect().await;
    client
        .batch_execute(
            "INSERT INTO resource_action_traces (action_id, action_timestamp, signal_name,
                 signal_severity, model_used, model_confidence, action_type, incident_type,
                 workflow_id, workflow_version, execution_status)
             VALUES ('e', '2026-11-20Z', 's', 'x', 'm', 1, 't', 'oom', '', '', 'failed')",
        )
        .await
        .unwrap();

    let found = repository
        .success_rate(&incident("oom"), since())
        .await
        .unwrap();
    assert_eq!(found.tally, tally(12, 5, 4));
    let modes = found.modes;
    assert_eq!(
        (
            modes.catalog_selected,
            modes.chained,
            modes.manual_escalation
        ),
        (2, 2, 1)
    );
    let share = |workflow_id: &str, version: Option<&str>, tally| WorkflowShare {
        workflow_id: workflow_id.to_owned(),
        workflow_version: version.map(str::to_owned),
        tally,
    };
    // The most actions first; those that tie, by name.
    assert_eq!(
        found.by_workflow,
        [
            share("a", Some("1"), tally(4, 1, 0)),
            share("b", Some("2"), tally(4, 3, 1)),
            share("a", None, tally(2, 0, 2)),
        ]
    );

    let workflow = Dimensions {
        workflow_id: some("a"),
        ..Dimensions::default()
    };
    let found = repository.success_rate(&workflow, since()).await.unwrap();
    assert_eq!(found.tally, tally(15, 10, 2), "all versions");
    let types: Vec<(&str, u64)> = found
        .by_incident_type
        .iter()
        .map(
            |IncidentShare {
                 incident_type,
                 tally,
             }| (&**incident_type, tally.total),
        )
        .collect();
    assert_eq!(types, [("other", 9), ("oom", 6)]);
    let version = Dimensions {
        workflow_version: some("1"),
        ..workflow
    };
    let found = repository.success_rate(&version, since()).await.unwrap();
    assert_eq!(found.tally, tally(4, 1, 0));
    let all = Dimensions {
        incident_type: some("oom"),
        action_type: some("increase_resources"),
        ..version
    };
    assert_eq!(
        repository.success_rate(&all, since()).await.unwrap().tally,
        tally(4, 1, 0)
    );
    let nothing = repository
        .success_rate(&incident("oom' OR true --"), since())
        .await;
    assert_eq!(nothing.unwrap(), SuccessRate::default());
}

#[tokio::test]
async fn the_range_begins_where_it_is_asked_to() {
    let (_database, repository) = repository().await;
    let more = r#", "incident_type": "oom", "execution_status": "completed""#;
    for (id, time) in [
        ("before", "2026-11-14T09:59:59.999999Z"),
        ("at", SINCE),
        ("month", "2026-12-01T00:00:00Z"),
        ("old", "2026-10-31T23:59:59.999999Z"),
    ] {
        insert(&repository, &[at(time, id, more)]).await.unwrap();
    }
    let total = async |since: &str| {
        let since = since.parse().unwrap();
        let found = repository
            .success_rate(&incident("oom"), since)
            .await
            .unwrap();
        found.tally.total
    };
    assert_eq!(total(SINCE).await, 2);
    assert_eq!(total("2026-11-14T00:00:00Z").await, 3);
    assert_eq!(total("2016-11-14T00:00:00Z").await, 4);
    assert_eq!(total("-009999-01-02T01:59:59Z").await, 4);
}

#[tokio::test]
async fn a_rate_reads_the_index_of_its_dimension_and_only_its_months() {
    let (database, repository) = repository().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "INSERT INTO resource_action_traces (action_id, action_timestamp, signal_name,
                 signal_severity, model_used, model_confidence, action_type, incident_type,
                 workflow_id, workflow_version, execution_status)
             SELECT n::text, '2026-10-05Z'::timestamptz + n * interval '1 minute', 's', 'x', 'm', 1,
                 't' || n % 50, 'i' || n % 100, 'w' || n % 100, 'v1', 'completed'
             FROM generate_series(1, 60000) AS n",
        )
        .await
        .unwrap();
    // Not in a transaction with the insert.
    client
        .batch_execute("VACUUM ANALYZE resource_action_traces")
        .await
        .unwrap();
    let check = async |column: &str, value: &str| {
        let sql = format!(
            "EXPLAIN SELECT workflow_id, count(*) FILTER (WHERE execution_status = 'completed')
             FROM resource_action_traces
             WHERE action_timestamp >= '2026-11-01Z' AND {column} = '{value}' GROUP BY workflow_id"
        );
        let rows = client.query(&sql, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let by_index = |line: &String| {
            let is_condition = line.contains("Index Cond") && line.contains("action_timestamp");
            is_condition && line.contains(column)
        };
        let text = plan.join("\n");
        assert!(plan.iter().any(by_index), "{text}");
        assert!(!text.contains("y2026m10"), "{text}");
    };
    check("incident_type", "i7").await;
    check("workflow_id", "w7").await;
    check("action_type", "t7").await;
    let rate = repository
        .success_rate(&incident("i7"), since())
        .await
        .unwrap();
    assert!(rate.tally.total > 0);
}
