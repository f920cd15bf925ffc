//! Actions: stored once whatever the month, changed forward only, and nothing of them lost.

use ds_domain::{
    action::{ActionStatus, ActionUpdate},
    month::Month,
};
use ds_repository::{
    Appended, Repository, UpdateError,
    error::{AppendError, StoreError},
};
use ds_testkit::TestDatabase;
use ds_validation::{Limits, ValidAction, parse_action, parse_action_update};
use futures_util::future::join_all;
use jiff::{Timestamp, civil::date};

use crate::event::{ensure, repository, settings};

const NOW: &str = "2026-11-21T10:00:00Z";

/// An action of this id, with more members as `,"name":value`.
pub(crate) fn action(id: &str, more: &str) -> ValidAction {
    at(NOW, id, more)
}

/// The same at another time.
pub(crate) fn at(time: &str, id: &str, more: &str) -> ValidAction {
    let body = format!(
        r#"{{"action_id": "{id}", "action_timestamp": "{time}", "signal_name": "PodOOMKilled",
            "signal_severity": "critical", "model_used": "granite", "model_confidence": 0.85,
            "action_type": "increase_resources"{more}}}"#
    );
    let now: Timestamp = time.parse().unwrap();
    parse_action(body.as_bytes(), now, &Limits::default()).unwrap()
}

pub(crate) fn one(id: &str, more: &str) -> [ValidAction; 1] {
    [action(id, more)]
}

pub(crate) fn update(body: &str) -> ActionUpdate {
    let valid = parse_action_update(body.as_bytes(), &Limits::default());
    valid.unwrap().update().clone()
}

/// Stores one group.
pub(crate) async fn insert(
    repository: &Repository,
    group: &[ValidAction],
) -> Result<Vec<Appended>, AppendError> {
    let kept = repository.insert_actions(&[group]).await.remove(0)?;
    assert_eq!(kept.len(), group.len());
    Ok(kept.iter().map(|one| one.appended).collect())
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    let client = database.connect().await;
    let sql = format!("SELECT count(*) FROM {table}");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

const EVERYTHING: &str = r#", "action_history_id": 9007199254740993, "correlation_id": "rr-1",
    "signal_labels": {"a": "ü", "n": 9007199254740993}, "signal_annotations": {},
    "signal_firing_time": "2026-11-20T10:00:00.123456Z", "routing_tier": "small",
    "model_reasoning": "because", "alternative_actions": [{"type": "restart"}],
    "action_parameters": {"x": 1.10}, "resource_state_before": {"replicas": 3},
    "incident_type": "pod-oom", "alert_name": "Mem", "incident_severity": "high",
    "workflow_id": "pod-oom-recovery", "workflow_version": "v1.2", "workflow_step_number": 2,
    "workflow_execution_id": "we-1", "ai_selected_workflow": true, "ai_chained_workflows": true,
    "ai_manual_escalation": true, "ai_workflow_customization": {"k": null}, "namespace": "prod",
    "cluster_name": "east", "environment": "production", "execution_status": "executing",
    "execution_start_time": "2026-11-21T09:00:00Z", "execution_end_time": "2026-11-21T09:01:00Z",
    "execution_duration_ms": 60000, "execution_error": "e", "kubernetes_operations": [1, "two"],
    "resource_state_after": {"replicas": 5}, "effectiveness_score": 0.123,
    "effectiveness_criteria": {"c": []}, "effectiveness_assessed_at": "2026-11-21T09:30:00Z",
    "effectiveness_assessment_method": "auto", "effectiveness_notes": "n",
    "effectiveness_assessment_due": "2027-11-21T09:30:00Z", "follow_up_actions": [[]]"#;

#[tokio::test]
async fn an_action_comes_back_as_it_was_sent() {
    let (_database, repository) = repository().await;
    for (id, more) in [("full", EVERYTHING), ("sparse", "")] {
        let sent = action(id, more);
        let kept = repository
            .insert_actions(&[std::slice::from_ref(&sent)])
            .await
            .remove(0);
        let kept = kept.unwrap()[0];
        let stored = repository.find_action(id).await.unwrap().unwrap();
        // Payloads in the form that the store gives them; numbers keep every digit.
        assert_eq!(&stored.action, sent.action());
        let labels = stored.action.signal_labels.as_ref();
        let has_digits = labels.map(|labels| labels.as_str().contains("9007199254740993"));
        assert_eq!(has_digits, (id == "full").then_some(true));
        assert_eq!((stored.id, stored.created_at), (kept.id, kept.created_at));
        assert_eq!((stored.revision, stored.updated_at), (0, kept.created_at));
        assert_eq!(
            repository.find_incident(kept.id).await.unwrap().unwrap(),
            stored
        );
    }
    assert_eq!(repository.find_action("nobody").await.unwrap(), None);
}

#[tokio::test]
async fn an_id_is_used_once_in_all_months() {
    let (database, repository) = repository().await;
    let sent = one("a", EVERYTHING);
    assert_eq!(insert(&repository, &sent).await.unwrap(), [Appended::Now]);
    assert_eq!(
        insert(&repository, &sent).await.unwrap(),
        [Appended::Before]
    );
    // The same content after it was changed is still what was sent first.
    let done = update(r#"{"execution_status": "completed", "effectiveness_score": 1}"#);
    repository.update_action("a", &done).await.unwrap();
    assert_eq!(
        insert(&repository, &sent).await.unwrap(),
        [Appended::Before]
    );
    let changed = EVERYTHING.replace(r#""executing""#, r#""completed""#);
    for other in [
        one("a", ""),
        one("a", &changed),
        one("a", &EVERYTHING.replace("0.123", "0.124")),
        one("a", &EVERYTHING.replace(r#"{"k": null}"#, "{}")),
        [at("2026-12-02T10:00:00Z", "a", EVERYTHING)],
        [at("2026-10-30T10:00:00Z", "a", "")],
    ] {
        let refused = insert(&repository, &other).await.unwrap_err();
        assert!(
            matches!(&refused, AppendError::Conflict { positions } if *positions == [0]),
            "{refused:?}"
        );
    }
    assert_eq!(count(&database, "resource_action_traces").await, 1);
}

#[tokio::test]
async fn a_group_is_stored_as_a_whole_and_takes_no_other_with_it() {
    let (database, repository) = repository().await;
    insert(&repository, &one("taken", "")).await.unwrap();
    let good = [action("a", ""), at("2026-12-01T00:00:00Z", "b", "")];
    let bad = [
        action("c", ""),
        action("taken", r#", "namespace": "x""#),
        action("d", ""),
    ];
    let again = [action("e", ""), action("taken", "")];
    let twice = [action("a", "")];
    let other = [action("b", "")];
    let missing_month = [action("f", ""), at("2031-01-01T00:00:00Z", "g", "")];
    let groups: [&[ValidAction]; 7] = [&good, &bad, &again, &twice, &other, &missing_month, &[]];
    let answers = repository.insert_actions(&groups).await;
    let kept: Vec<Option<Vec<Appended>>> = answers
        .iter()
        .map(|answer| {
            Some(
                answer
                    .as_ref()
                    .ok()?
                    .iter()
                    .map(|one| one.appended)
                    .collect(),
            )
        })
        .collect();
    let (now, before) = (Appended::Now, Appended::Before);
    assert_eq!(
        kept,
        [
            Some(vec![now, now]),
            None,
            Some(vec![now, before]),
            Some(vec![before]),
            None,
            None,
            Some(vec![]),
        ]
    );
    for (index, position) in [(1, 1), (4, 0)] {
        assert!(matches!(
            &answers[index],
            Err(AppendError::Conflict { positions }) if *positions == [position]
        ));
    }
    assert!(matches!(
        &answers[5],
        Err(AppendError::Partition { month, .. }) if *month == Month::of(date(2031, 1, 1))
    ));
    assert_eq!(count(&database, "resource_action_traces").await, 4);
    assert_eq!(count(&database, "resource_action_ids").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_send_one_action_at_once_each_gets_the_same_answer() {
    let (database, _) = repository().await;
    let repositories: Vec<_> = (0..10)
        .map(|_| Repository::new(settings(&database)).unwrap())
        .collect();
    let group = [action("z", ""), action("y", ""), action("x", "")];
    let turned = [action("x", ""), action("y", ""), action("z", "")];
    let sending = repositories.iter().enumerate().map(|(n, repository)| {
        let group = if n % 2 == 0 { &group } else { &turned };
        async { repository.insert_actions(&[group]).await.remove(0).unwrap() }
    });
    let mut answers = join_all(sending).await;
    for (n, answer) in answers.iter_mut().enumerate() {
        if n % 2 == 1 {
            answer.reverse();
        }
    }
    let fresh = answers
        .iter()
        .filter(|kept| kept[0].appended == Appended::Now);
    assert_eq!(fresh.count(), 1);
    let ids =
        |kept: &[ds_repository::ActionKept]| kept.iter().map(|one| one.id).collect::<Vec<_>>();
    assert!(answers.iter().all(|kept| ids(kept) == ids(&answers[0])));
    assert_eq!(count(&database, "resource_action_traces").await, 3);
}

#[tokio::test]
async fn an_action_goes_forward_and_what_it_was_stays() {
    let (database, repository) = repository().await;
    insert(&repository, &one("a", "")).await.unwrap();
    let step = async |body: &str| repository.update_action("a", &update(body)).await;
    let begun =
        r#"{"execution_status": "executing", "execution_start_time": "2026-11-21T10:00:01Z"}"#;
    let ended = r#"{"execution_status": "completed", "execution_duration_ms": 1200,
        "resource_state_after": {"replicas": 5}}"#;
    let judged = r#"{"effectiveness_score": 0.9, "effectiveness_notes": "works"}"#;
    assert_eq!(step(begun).await.unwrap().revision, 1);
    let repeated = step(begun).await.unwrap();
    assert_eq!(repeated.revision, 1, "a repetition changes nothing");
    assert_eq!(step(ended).await.unwrap().revision, 2);
    assert_eq!(step(ended).await.unwrap().revision, 2);
    let last = step(judged).await.unwrap();
    assert_eq!(last.revision, 3);
    assert_eq!(last.action.execution_status, ActionStatus::Completed);
    assert_eq!(last.action.progress.execution_duration_ms, Some(1_200));
    assert!(
        last.action.progress.execution_start_time.is_some(),
        "what is absent stays"
    );
    for back in ["pending", "executing", "failed", "rolled-back"] {
        let error = step(&format!(r#"{{"execution_status": "{back}"}}"#))
            .await
            .unwrap_err();
        assert!(matches!(error, UpdateError::Backward), "{back}: {error:?}");
    }
    assert_eq!(step("{}").await.unwrap(), last);
    let unknown = repository
        .update_action("b", &update(ended))
        .await
        .unwrap_err();
    assert!(matches!(unknown, UpdateError::Unknown), "{unknown:?}");

    let history = repository
        .list_revisions("a", last.revision, 1_000)
        .await
        .unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|it| {
            (
                it.revision,
                it.execution_status,
                it.progress.execution_duration_ms,
            )
        })
        .collect();
    use ActionStatus::{Completed, Executing, Pending};
    assert_eq!(
        told,
        [
            (0, Pending, None),
            (1, Executing, None),
            (2, Completed, Some(1_200))
        ]
    );
    let latest = repository
        .list_revisions("a", last.revision, 2)
        .await
        .unwrap();
    assert_eq!(latest, history[1..]);

    // Nor can it be lost by hand.
    let client = database.connect().await;
    for change in [
        "UPDATE resource_action_traces SET workflow_id = 'w'",
        "UPDATE resource_action_traces SET action_timestamp = '2026-12-01Z'",
        "DELETE FROM resource_action_traces",
        "DELETE FROM resource_action_traces_y2026m11",
        "TRUNCATE resource_action_traces",
        "TRUNCATE resource_action_traces_y2026m11",
        "UPDATE resource_action_ids SET action_id = 'b'",
        "DELETE FROM resource_action_revisions",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("42501"),
            "{change}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_end_an_action_one_is_too_late() {
    let (database, _) = repository().await;
    let repositories = [(); 4].map(|()| Repository::new(settings(&database)).unwrap());
    insert(&repositories[0], &one("a", "")).await.unwrap();
    let ends = ["completed", "failed", "completed", "failed"];
    let ending = repositories
        .iter()
        .zip(ends)
        .map(async |(repository, end)| {
            let update = update(&format!(r#"{{"execution_status": "{end}"}}"#));
            repository.update_action("a", &update).await.is_ok()
        });
    let done = join_all(ending).await;
    assert_eq!(
        done.iter().filter(|is_done| **is_done).count(),
        2,
        "{done:?}"
    );
    assert!(done[0] != done[1] && done[0] == done[2], "{done:?}");
    assert_eq!(count(&database, "resource_action_revisions").await, 1);
}

#[tokio::test]
async fn each_constraint_holds_and_has_its_name() {
    let (database, repository) = repository().await;
    insert(&repository, &one("a", "")).await.unwrap();
    let client = database.connect().await;
    let columns = "action_id, action_timestamp, signal_name, signal_severity, model_used, \
                   model_confidence, action_type";
    let good = "'b', '2026-11-21Z', 's', 'high', 'm', 0.5, 't'";
    for (column, value, expected) in [
        ("execution_status", "'done'", "execution_status_known"),
        (
            "effectiveness_score",
            "1.001",
            "effectiveness_score_in_range",
        ),
        (
            "effectiveness_score",
            "-0.001",
            "effectiveness_score_in_range",
        ),
        (
            "execution_duration_ms",
            "-1",
            "execution_duration_ms_not_negative",
        ),
        (
            "workflow_step_number",
            "-1",
            "workflow_step_number_not_negative",
        ),
        ("signal_labels", "'[]'", "signal_labels_is_object"),
        ("follow_up_actions", "'{}'", "follow_up_actions_is_array"),
    ] {
        let sql = format!(
            "INSERT INTO resource_action_traces ({columns}, {column}) VALUES ({good}, {value})"
        );
        let error = client.batch_execute(&sql).await.unwrap_err();
        let name = error
            .as_db_error()
            .unwrap()
            .constraint()
            .unwrap()
            .to_owned();
        assert_eq!(name, format!("resource_action_traces_{expected}"));
    }
    for (from, to) in [
        ("0.5", "9.5"),
        ("'s'", "''"),
        ("'b'", "''"),
        ("'2026-11-21Z'", "'infinity'"),
    ] {
        let sql = format!(
            "INSERT INTO resource_action_traces ({columns}) VALUES ({})",
            good.replace(from, to)
        );
        let error = client.batch_execute(&sql).await.unwrap_err();
        assert!(
            matches!(error.code().map(|code| code.code()), Some("23514")),
            "{error:?}"
        );
    }
    for status in ActionStatus::ALL {
        let sql = format!(
            "INSERT INTO resource_action_traces ({columns}, execution_status)
             VALUES ({}, '{}')",
            good.replace("'b'", &format!("'{}'", status.as_str())),
            status.as_str()
        );
        client.batch_execute(&sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_month_is_named_and_holds_up_nobody_else() {
    let (database, repository) = repository().await;
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let drop = "DROP TABLE resource_action_traces_y2026m10";
    let client = database.connect().await;
    client.batch_execute(drop).await.unwrap();
    let late = |id| at("2026-10-31T23:59:59Z", id, "");
    let groups: [&[ValidAction]; 3] = [
        &[late("a")],
        &[action("b", "")],
        &[action("c", ""), late("d")],
    ];
    let october = Month::of(date(2026, 10, 1));
    let answers = repository.insert_actions(&groups).await;
    for place in [0, 2] {
        let answer = &answers[place];
        assert!(
            matches!(answer, Err(AppendError::Partition { month, .. }) if *month == october),
            "{answer:?}"
        );
    }
    assert!(answers[1].is_ok(), "{:?}", answers[1]);
    assert_eq!(count(&database, "resource_action_traces").await, 1);

    assert!(repository.ensure_action_partition(october).await.unwrap());
    assert!(!repository.ensure_action_partition(october).await.unwrap());
    let answers = repository.insert_actions(&groups).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(count(&database, "resource_action_traces").await, 4);
}

#[tokio::test]
async fn an_insert_that_meets_a_lock_ends_in_time() {
    let (database, repository) = repository().await;
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    let other = database.connect().await;
    other
        .batch_execute("BEGIN; LOCK TABLE resource_action_traces_y2026m11 IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let refused = insert(&repository, &one("a", "")).await.unwrap_err();
    assert!(
        matches!(refused, AppendError::Store(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(
        insert(&repository, &one("a", "")).await.unwrap(),
        [Appended::Now]
    );
}
