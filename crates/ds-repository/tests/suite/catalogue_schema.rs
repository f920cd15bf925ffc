//! The table of workflows: what it refuses, and what of a row can change.

use std::collections::BTreeMap;

use ds_testkit::TestDatabase;
use tokio_postgres::{Client, Error};

use crate::event::repository;

/// A row that the table takes, with `more` columns replaced.
async fn insert(client: &Client, more: &[(&str, &str)]) -> Result<(), Error> {
    let mut row = BTreeMap::from([
        ("workflow_name", "'restart'"),
        ("version", "'1.0.0'"),
        ("name", "'Restart'"),
        ("description", "'restarts'"),
        ("content", "'steps: []'"),
        ("content_hash", "repeat('a', 64)"),
        (
            "labels",
            r#"'{"signal_type": "OOMKilled", "severity": "high"}'"#,
        ),
    ]);
    row.extend(more.iter().copied());
    let (columns, values): (Vec<&str>, Vec<&str>) = row.into_iter().unzip();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!("INSERT INTO remediation_workflow_catalog ({columns}) VALUES ({values})");
    client.batch_execute(&sql).await
}

/// How the table takes something: `ok`, or the column, constraint or code it refuses with.
fn verdict(outcome: Result<(), Error>) -> String {
    let Err(error) = outcome else {
        return "ok".to_owned();
    };
    let error = error.as_db_error().unwrap();
    let named = error.column().or(error.constraint());
    named.unwrap_or(error.code().code()).to_owned()
}

#[tokio::test]
async fn each_constraint_holds_and_has_its_name() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let prefix = "remediation_workflow_catalog_";
    for (member, value, expected) in [
        ("workflow_name", "''", "+workflow_name_not_empty"),
        ("workflow_name", "repeat('ü', 256)", "22001"),
        ("version", "''", "+version_not_empty"),
        ("name", "NULL", "name"),
        ("description", "''", "+description_not_empty"),
        ("content", "''", "+content_not_empty"),
        ("content_hash", "repeat('a', 63)", "+content_hash_length"),
        ("content_hash", "repeat('a', 65)", "22001"),
        ("container_digest", "'sha256:abc'", "+container_digest_form"),
        (
            "container_digest",
            "'sha256:' || repeat('A', 64)",
            "+container_digest_form",
        ),
        ("container_digest", "'sha256:' || repeat('a', 64)", "ok"),
        ("parameters", "'[]'", "+parameters_is_object"),
        ("parameters", "'null'", "+parameters_is_object"),
        ("labels", "'[]'", "+labels_is_object"),
        ("custom_labels", "'1'", "+custom_labels_is_object"),
        ("detected_labels", "'[]'", "+detected_labels_is_object"),
        ("status", "'Active'", "+status_known"),
        ("status", "'archived'", "ok"),
        ("disabled_at", "'infinity'", "+disabled_at_finite"),
        ("approved_at", "'-infinity'", "+approved_at_finite"),
        (
            "expected_success_rate",
            "1.001",
            "+expected_success_rate_in_range",
        ),
        (
            "expected_success_rate",
            "'NaN'",
            "+expected_success_rate_in_range",
        ),
        ("expected_success_rate", "1", "ok"),
        (
            "expected_duration_seconds",
            "-1",
            "+expected_duration_not_negative",
        ),
        (
            "actual_success_rate",
            "-0.001",
            "+actual_success_rate_in_range",
        ),
        ("total_executions", "-1", "+executions_in_range"),
        ("successful_executions", "1", "+executions_in_range"),
        ("total_executions", "NULL", "total_executions"),
        ("workflow_id", "NULL", "workflow_id"),
    ] {
        client.batch_execute("BEGIN").await.unwrap();
        let taken = verdict(insert(&client, &[(member, value)]).await);
        let expected = expected.replace('+', prefix);
        assert_eq!(taken, expected, "{member} = {value}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn a_name_has_a_version_once_and_one_version_on_top() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let top = [("is_latest_version", "true"), ("is_search_version", "true")];
    insert(&client, &top).await.unwrap();
    for (more, expected) in [
        (&[][..], "uq_workflow_name_version"),
        (&[("version", "'2'")], "ok"),
        (
            &[("version", "'3'"), ("is_latest_version", "true")],
            "uq_remediation_workflow_catalog_latest",
        ),
        (
            &[("version", "'3'"), ("is_search_version", "true")],
            "uq_remediation_workflow_catalog_search",
        ),
        (
            &[
                ("workflow_name", "'other'"),
                ("is_search_version", "true"),
                ("status", "'disabled'"),
            ],
            "remediation_workflow_catalog_search_version_active",
        ),
        (
            &[("workflow_name", "'other'"), ("is_search_version", "true")],
            "ok",
        ),
    ] {
        assert_eq!(verdict(insert(&client, more).await), expected, "{more:?}");
    }
}

/// Every column is named here, so that one that is added later has to be thought about.
#[tokio::test]
async fn what_a_version_is_cannot_change_and_its_state_can() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    insert(&client, &[]).await.unwrap();
    let immutable = "remediation_workflow_catalog_content_immutable";
    let changes = [
        ("workflow_id", "gen_random_uuid()", immutable),
        ("arrival", "7", "428C9"),
        ("workflow_name", "'x'", immutable),
        ("version", "'x'", immutable),
        ("name", "'x'", immutable),
        ("description", "'x'", immutable),
        ("owner", "'x'", immutable),
        ("maintainer", "'x'", immutable),
        ("content", "'x'", immutable),
        ("content_hash", "repeat('b', 64)", immutable),
        ("parameters", "'{}'", immutable),
        ("execution_engine", "'x'", immutable),
        ("container_image", "'x'", immutable),
        (
            "container_digest",
            "'sha256:' || repeat('a', 64)",
            immutable,
        ),
        ("labels", "'{}'", immutable),
        ("custom_labels", r#"'{"a": ["b"]}'"#, immutable),
        ("detected_labels", r#"'{"stateful": true}'"#, immutable),
        ("status_reason", "'x'", "ok"),
        ("disabled_at", "now()", "ok"),
        ("disabled_by", "'x'", "ok"),
        ("disabled_reason", "'x'", "ok"),
        ("is_latest_version", "true", "ok"),
        ("is_search_version", "true", "ok"),
        ("previous_version", "'x'", immutable),
        ("deprecation_notice", "'x'", "ok"),
        ("version_notes", "'x'", immutable),
        ("change_summary", "'x'", immutable),
        ("approved_by", "'x'", "ok"),
        ("approved_at", "now()", "ok"),
        ("expected_success_rate", "0.5", immutable),
        ("expected_duration_seconds", "1", immutable),
        ("actual_success_rate", "0.5", "ok"),
        ("total_executions", "1", "ok"),
        ("successful_executions", "1", "ok"),
        ("created_at", "now()", immutable),
        ("updated_at", "'2020-01-01'", "ok"),
        ("created_by", "'x'", immutable),
        ("updated_by", "'x'", "ok"),
        ("changed_in", "'1'", "ok"),
        (
            "status",
            "'disabled'",
            "remediation_workflow_catalog_search_version_active",
        ),
    ];
    for (column, value, expected) in changes {
        let sql = format!("UPDATE remediation_workflow_catalog SET {column} = {value}");
        let taken = verdict(client.batch_execute(&sql).await);
        assert_eq!(taken, expected, "{column}");
        // A statement that sets what there is changes nothing.
        let sql = format!("UPDATE remediation_workflow_catalog SET {column} = {column}");
        let taken = verdict(client.batch_execute(&sql).await);
        let same = if column == "arrival" { "428C9" } else { "ok" };
        assert_eq!(taken, same, "{column} again");
    }
    let sql = "SELECT attname::text FROM pg_attribute
        WHERE attrelid = 'remediation_workflow_catalog'::regclass AND attnum > 0
            AND NOT attisdropped ORDER BY attname";
    let rows = client.query(sql, &[]).await.unwrap();
    let columns: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let mut named = changes.map(|(column, ..)| column);
    named.sort_unstable();
    assert_eq!(columns, named);
    let sql = "SELECT updated_at > created_at FROM remediation_workflow_catalog";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0), "the trigger says when");
}

#[tokio::test]
async fn one_status_follows_another_only_as_allowed() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let statuses = ["active", "disabled", "deprecated", "archived"];
    let allowed = [
        ("active", "disabled"),
        ("disabled", "active"),
        ("active", "deprecated"),
        ("deprecated", "archived"),
    ];
    for from in statuses {
        for to in statuses {
            let version = format!("'{from} to {to}'");
            let status = format!("'{from}'");
            insert(&client, &[("version", &version), ("status", &status)])
                .await
                .unwrap();
            let sql = format!(
                "UPDATE remediation_workflow_catalog SET status = '{to}' WHERE version = {version}"
            );
            let taken = verdict(client.batch_execute(&sql).await);
            let expected = match from == to || allowed.contains(&(from, to)) {
                true => "ok",
                false => "remediation_workflow_catalog_status_transition",
            };
            assert_eq!(taken, expected, "{from} to {to}");
        }
    }
}

#[tokio::test]
async fn the_role_of_the_service_may_add_and_change_but_not_remove_or_rewrite() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    client
        .batch_execute("SET ROLE datastorage_app")
        .await
        .unwrap();
    insert(&client, &[]).await.unwrap();
    client
        .batch_execute(
            "INSERT INTO remediation_workflow_executions
                SELECT workflow_id, 'run-1', 1, 1 FROM remediation_workflow_catalog;
            SELECT * FROM remediation_workflow_catalog FOR UPDATE;
            UPDATE remediation_workflow_catalog
                SET status = 'disabled', total_executions = 1, successful_executions = 1",
        )
        .await
        .unwrap();
    for change in [
        "UPDATE remediation_workflow_catalog SET content = 'x'",
        "DELETE FROM remediation_workflow_catalog",
        "TRUNCATE remediation_workflow_catalog CASCADE",
        "UPDATE remediation_workflow_executions SET executions = 2",
        "DELETE FROM remediation_workflow_executions",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        let code = refused.code().map(|code| code.code());
        assert_eq!(code, Some("42501"), "{change}");
    }
}
