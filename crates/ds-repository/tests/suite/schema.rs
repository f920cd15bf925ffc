//! The schema: widths, constraints, and that nothing can be changed.

use std::collections::BTreeMap;

use ds_domain::{
    event::{EventCategory, EventOutcome},
    limit::{
        ACTION_TEXT_FIELDS, ACTION_UPDATE_TEXT_FIELDS, DELIVERY_TEXT_FIELDS, DELIVERY_TYPED_FIELDS,
        EVENT_TEXT_FIELDS, EVENT_TYPED_FIELDS, EXECUTION_TEXT_FIELDS, NOTIFICATION_TEXT_FIELDS,
        NOTIFICATION_TYPED_FIELDS, RETENTION_DAYS_DEFAULT, RETENTION_DAYS_MAX, TextField,
        TypedField, WORKFLOW_CHANGE_TEXT_FIELDS, WORKFLOW_TEXT_FIELDS,
    },
};
use ds_testkit::TestDatabase;
use tokio_postgres::Client;

use crate::event::repository;

/// The tables, and the fields that their texts are for.
const TABLES: &[(&str, &[TextField])] = &[
    ("audit_events", EVENT_TEXT_FIELDS),
    ("notification_audit", NOTIFICATION_TEXT_FIELDS),
    ("notification_deliveries", DELIVERY_TEXT_FIELDS),
    // The id of the notification, which stands in the path of a delivery.
    ("notification_deliveries", &[NOTIFICATION_TEXT_FIELDS[1]]),
    ("remediation_workflow_catalog", WORKFLOW_TEXT_FIELDS),
    ("remediation_workflow_catalog", WORKFLOW_CHANGE_TEXT_FIELDS),
    ("remediation_workflow_executions", EXECUTION_TEXT_FIELDS),
    ("resource_action_traces", ACTION_TEXT_FIELDS),
    ("resource_action_ids", &[ACTION_TEXT_FIELDS[0]]),
    ("resource_action_revisions", &[ACTION_TEXT_FIELDS[0]]),
    ("resource_action_revisions", ACTION_UPDATE_TEXT_FIELDS),
];

/// Fields whose column is an unbounded `text`: their limit is not the column's.
const UNBOUNDED: &[&str] = &[
    "audit_events.error_message",
    "notification_audit.message_summary",
    "notification_audit.delivery_status",
    "notification_audit.error_message",
    "notification_deliveries.delivery_status",
    "notification_deliveries.error_message",
    "resource_action_traces.model_reasoning",
    "resource_action_traces.execution_error",
    "resource_action_traces.effectiveness_notes",
    "resource_action_revisions.execution_error",
    "resource_action_revisions.effectiveness_notes",
    "remediation_workflow_catalog.description",
    "remediation_workflow_catalog.content",
    "remediation_workflow_catalog.container_image",
    "remediation_workflow_catalog.version_notes",
    "remediation_workflow_catalog.change_summary",
    "remediation_workflow_catalog.status_reason",
    "remediation_workflow_catalog.disabled_reason",
    "remediation_workflow_catalog.deprecation_notice",
];

#[tokio::test]
async fn widths_of_all_texts_are_the_limits_of_the_validator() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    // Every table but the record of migrations, which is not ours.
    let sql = "SELECT relname || '.' || attname, nullif(atttypmod, -1) - 4
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND NOT relispartition AND relname <> 'refinery_schema_history'
            AND attnum > 0 AND NOT attisdropped
            AND atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)";
    let rows = client.query(sql, &[]).await.unwrap();
    let columns: BTreeMap<String, Option<i32>> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut fields: BTreeMap<String, Option<i32>> = BTreeMap::new();
    for (table, of_table) in TABLES {
        for field in *of_table {
            let column = format!("{table}.{}", field.column);
            let width = match UNBOUNDED.contains(&column.as_str()) {
                true => None,
                false => field.chars_max,
            };
            fields.insert(column, width.map(|width| i32::try_from(width).unwrap()));
        }
    }
    assert_eq!(columns, fields);
}

/// The type of the column for a field.
fn column_type(field: &TypedField) -> &'static str {
    match (field.json_type, field.format) {
        ("string", Some("date-time")) => "timestamp with time zone",
        ("string", Some("uuid")) => "uuid",
        ("string", Some("date")) => "date",
        ("string", Some("ip")) => "inet",
        ("integer", None) => "integer",
        ("boolean", None) => "boolean",
        ("object", None) => "jsonb",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn other_columns_have_the_types_and_bounds_of_their_fields() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    // A column, and what all constraints on it alone say.
    let sql = "SELECT format_type(atttypid, atttypmod),
            coalesce((SELECT string_agg(pg_get_constraintdef(c.oid), ' ') FROM pg_constraint c
                WHERE conrelid = attrelid AND contype = 'c' AND conkey = ARRAY[attnum]), '')
        FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2";
    for (table, fields) in [
        ("audit_events", EVENT_TYPED_FIELDS),
        ("notification_audit", NOTIFICATION_TYPED_FIELDS),
        ("notification_deliveries", DELIVERY_TYPED_FIELDS),
    ] {
        for field in fields {
            let name = field.name;
            let row = client.query_one(sql, &[&table, &name]).await.unwrap();
            let (column, constraints): (String, String) = (row.get(0), row.get(1));
            assert_eq!(column, column_type(field), "{table}.{name}");
            let Some((min, max)) = field.range else {
                continue;
            };
            let lower = format!("({name} >= {min})");
            assert!(
                constraints.contains(&lower),
                "{table}.{name}: {constraints}"
            );
            // The largest number of the type needs no constraint.
            let upper = format!("({name} <= {max})");
            let is_bounded = max == i32::MAX || constraints.contains(&upper);
            assert!(is_bounded, "{table}.{name}: {constraints}");
        }
    }
}

#[tokio::test]
async fn the_table_has_the_columns_of_the_contract_and_the_time_of_recording() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let sql = "SELECT attname || ' ' || format_type(atttypid, atttypmod)
            || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
            || coalesce(' ' || pg_get_expr(adbin, adrelid), '')
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = 'audit_events'::regclass AND attnum > 0 ORDER BY attnum";
    let rows = client.query(sql, &[]).await.unwrap();
    let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let retention = format!("retention_days integer NOT NULL {RETENTION_DAYS_DEFAULT}");
    let expected = [
        "event_id uuid NOT NULL",
        "event_version character varying(10) NOT NULL '1.0'::character varying",
        "event_timestamp timestamp with time zone NOT NULL",
        "event_date date NOT NULL",
        "event_type character varying(100) NOT NULL",
        "event_category character varying(50) NOT NULL",
        "event_action character varying(50) NOT NULL",
        "event_outcome character varying(20) NOT NULL",
        "actor_type character varying(50) NOT NULL",
        "actor_id character varying(255) NOT NULL",
        "actor_ip inet",
        "resource_type character varying(50) NOT NULL",
        "resource_id character varying(255) NOT NULL",
        "resource_name character varying(255)",
        "correlation_id character varying(255) NOT NULL",
        "parent_event_id uuid",
        "parent_event_date date",
        "trace_id character varying(255)",
        "span_id character varying(255)",
        "namespace character varying(253)",
        "cluster_name character varying(255)",
        "event_data jsonb NOT NULL",
        "event_metadata jsonb",
        "severity character varying(20)",
        "duration_ms integer",
        "error_code character varying(50)",
        "error_message text",
        &retention,
        "is_sensitive boolean NOT NULL false",
        "recorded_at timestamp with time zone NOT NULL clock_timestamp()",
    ];
    assert_eq!(columns, expected);
}

/// Inserts a good row with one member replaced, and says how the table takes it: `ok`, or the
/// constraint, column or code it refuses with.
async fn take(client: &Client, member: &str, value: &str) -> String {
    let mut row = BTreeMap::from([
        ("event_id", "gen_random_uuid()"),
        ("event_timestamp", "'2026-11-21T10:00:00Z'"),
        ("event_date", "'2026-11-21'"),
        ("event_type", "'t'"),
        ("event_category", "'gateway'"),
        ("event_action", "'a'"),
        ("event_outcome", "'success'"),
        ("actor_type", "'a'"),
        ("actor_id", "'a'"),
        ("resource_type", "'r'"),
        ("resource_id", "'r'"),
        ("correlation_id", "'c'"),
        ("event_data", "'{}'"),
    ]);
    row.insert(member, value);
    let (columns, values): (Vec<&str>, Vec<&str>) = row.into_iter().unzip();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let sql = format!("INSERT INTO audit_events ({columns}) VALUES ({values})");
    match client.batch_execute(&sql).await {
        Ok(()) => "ok".to_owned(),
        Err(error) => {
            let error = error.as_db_error().unwrap();
            let named = error
                .column()
                .or(error.constraint())
                .unwrap_or(error.code().code());
            named.to_owned()
        }
    }
}

#[tokio::test]
async fn each_constraint_holds_and_has_its_name() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    let over = format!("'{}'", "ü".repeat(51));
    let full = format!("'{}'", "ü".repeat(50));
    let days = (RETENTION_DAYS_MAX + 1).to_string();
    for (member, value, expected) in [
        ("event_id", "NULL", "event_id"),
        ("event_id", "DEFAULT", "event_id"),
        (
            "event_version",
            "''",
            "audit_events_event_version_not_empty",
        ),
        ("event_timestamp", "DEFAULT", "event_timestamp"),
        (
            "event_timestamp",
            "'2026-11-22T00:00:00Z'",
            "audit_events_event_date_is_utc_day",
        ),
        ("event_timestamp", "'2026-11-21T23:59:59.999999Z'", "ok"),
        ("event_timestamp", "'2026-11-22T00:30:00+01:00'", "ok"),
        (
            "event_date",
            "'2026-11-20'",
            "audit_events_event_date_is_utc_day",
        ),
        ("event_date", "'2020-11-21'", "23514"),
        ("event_type", "''", "audit_events_event_type_not_empty"),
        (
            "event_category",
            "'workflow_catalog'",
            "audit_events_event_category_known",
        ),
        ("event_action", "''", "audit_events_event_action_not_empty"),
        ("event_action", &over, "22001"),
        ("event_action", &full, "ok"),
        (
            "event_outcome",
            "'Success'",
            "audit_events_event_outcome_known",
        ),
        ("actor_type", "''", "audit_events_actor_type_not_empty"),
        ("actor_id", "''", "audit_events_actor_id_not_empty"),
        (
            "resource_type",
            "''",
            "audit_events_resource_type_not_empty",
        ),
        ("resource_id", "''", "audit_events_resource_id_not_empty"),
        (
            "correlation_id",
            "''",
            "audit_events_correlation_id_not_empty",
        ),
        (
            "parent_event_id",
            "gen_random_uuid()",
            "audit_events_parent_complete",
        ),
        (
            "parent_event_date",
            "'2026-11-21'",
            "audit_events_parent_complete",
        ),
        ("event_data", "NULL", "event_data"),
        ("event_data", "'[]'", "audit_events_event_data_is_object"),
        ("event_data", "'null'", "audit_events_event_data_is_object"),
        (
            "event_metadata",
            "'1'",
            "audit_events_event_metadata_is_object",
        ),
        ("event_metadata", "NULL", "ok"),
        ("duration_ms", "-1", "audit_events_duration_ms_not_negative"),
        ("duration_ms", "0", "ok"),
        (
            "retention_days",
            "0",
            "audit_events_retention_days_in_range",
        ),
        (
            "retention_days",
            &days,
            "audit_events_retention_days_in_range",
        ),
        ("retention_days", "NULL", "retention_days"),
        ("is_sensitive", "NULL", "is_sensitive"),
    ] {
        assert_eq!(
            take(&client, member, value).await,
            expected,
            "{member} = {value}"
        );
    }
    client
        .batch_execute(
            "CREATE TABLE audit_events_end PARTITION OF audit_events
                 FOR VALUES FROM ('2100-01-01') TO (MAXVALUE)",
        )
        .await
        .unwrap();
    let infinite = client
        .batch_execute(
            "INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,
                 event_category, event_action, event_outcome, actor_type, actor_id, resource_type,
                 resource_id, correlation_id, event_data)
             VALUES (gen_random_uuid(), 'infinity', 'infinity', 't', 'gateway', 'a', 'success',
                 'a', 'a', 'r', 'r', 'c', '{}')",
        )
        .await
        .unwrap_err();
    let infinite = infinite.as_db_error().unwrap();
    assert_eq!(
        infinite.constraint(),
        Some("audit_events_event_timestamp_finite")
    );
}

#[tokio::test]
async fn the_words_of_the_table_are_those_of_the_domain() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    for word in EventCategory::ALL {
        let value = format!("'{}'", word.as_str());
        assert_eq!(take(&client, "event_category", &value).await, "ok");
    }
    for word in EventOutcome::ALL {
        let value = format!("'{}'", word.as_str());
        assert_eq!(take(&client, "event_outcome", &value).await, "ok");
    }
}

#[tokio::test]
async fn nobody_changes_what_is_stored_not_even_the_owner() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    assert_eq!(take(&client, "severity", "'info'").await, "ok");
    for change in [
        "UPDATE audit_events SET severity = 'x'",
        "UPDATE audit_events SET event_date = '2026-12-01'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "INSERT INTO audit_events SELECT * FROM audit_events
             ON CONFLICT (event_id, event_date) DO UPDATE SET severity = 'x'",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("42501"),
            "{change}"
        );
    }
}

#[tokio::test]
async fn constraints_and_indexes_have_the_names_others_rely_on() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let sql = "SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = 'audit_events'::regclass ORDER BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let expected = [
        "audit_events_pkey",
        "idx_audit_events_correlation_id",
        "idx_audit_events_event_data_gin",
        "idx_audit_events_event_timestamp",
        "idx_audit_events_event_type",
    ];
    assert_eq!(names, expected);
    let sql = "SELECT count(*) FROM pg_index JOIN pg_opclass o ON o.oid = indclass[0]
        WHERE indexrelid = 'idx_audit_events_event_data_gin'::regclass
        AND opcname = 'jsonb_path_ops'";
    assert_eq!(
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0),
        1
    );
}
