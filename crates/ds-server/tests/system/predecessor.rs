//! The queue that the first service leaves behind.

use ds_testkit::Reply;
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{program::eventually, service::event_with, stage::Stage};

const STREAM: &str = "audit:dlq:events";

/// Entries as it wrote them, one a line.
const FIXTURES: &str = include_str!("../../../ds-dlq/fixtures/go-queue.jsonl");

/// The parent that the first of them names.
const PARENT: &str = "00000000-0000-0000-0000-000000000abc";

/// What differs between an entry and its row: one line for each column, for the entry in `$1`.
const DIFFERENCES: &str = "
    WITH sent AS (SELECT $1::text::jsonb->'payload' AS p),
    decoded AS (
        SELECT p, CASE jsonb_typeof(p->'event_data')
            WHEN 'object' THEN p->'event_data'
            WHEN 'string' THEN convert_from(decode(p->>'event_data', 'base64'), 'UTF8')::jsonb
        END AS data
        FROM (SELECT jsonb_set(p, '{event_data}',
            CASE p->>'event_data' WHEN '' THEN 'null' ELSE coalesce(p->'event_data', 'null') END) AS p
            FROM sent) filled
    )
    SELECT array_remove(ARRAY[
        CASE WHEN event_version <> p->>'version' THEN 'version' END,
        CASE WHEN event_type <> p->>'event_type' THEN 'event_type' END,
        CASE WHEN event_category <> p->>'event_category' THEN 'event_category' END,
        CASE WHEN event_action <> p->>'event_action' THEN 'event_action' END,
        CASE WHEN event_outcome <> p->>'event_outcome' THEN 'event_outcome' END,
        CASE WHEN actor_type <> p->>'actor_type' THEN 'actor_type' END,
        CASE WHEN actor_id <> p->>'actor_id' THEN 'actor_id' END,
        CASE WHEN actor_ip IS DISTINCT FROM nullif(p->>'actor_ip', '')::inet THEN 'actor_ip' END,
        CASE WHEN resource_type <> p->>'resource_type' THEN 'resource_type' END,
        CASE WHEN resource_id <> p->>'resource_id' THEN 'resource_id' END,
        CASE WHEN resource_name IS DISTINCT FROM nullif(p->>'resource_name', '') THEN 'resource_name' END,
        CASE WHEN correlation_id <> p->>'correlation_id' THEN 'correlation_id' END,
        CASE WHEN parent_event_id IS DISTINCT FROM (p->>'parent_event_id')::uuid THEN 'parent_event_id' END,
        CASE WHEN trace_id IS DISTINCT FROM nullif(p->>'trace_id', '') THEN 'trace_id' END,
        CASE WHEN span_id IS DISTINCT FROM p->>'span_id' THEN 'span_id' END,
        CASE WHEN namespace IS DISTINCT FROM p->>'namespace' THEN 'namespace' END,
        CASE WHEN cluster_name IS DISTINCT FROM p->>'cluster_name' THEN 'cluster_name' END,
        CASE WHEN severity IS DISTINCT FROM p->>'severity' THEN 'severity' END,
        CASE WHEN duration_ms IS DISTINCT FROM (p->>'duration_ms')::integer THEN 'duration_ms' END,
        CASE WHEN error_code IS DISTINCT FROM p->>'error_code' THEN 'error_code' END,
        CASE WHEN error_message IS DISTINCT FROM p->>'error_message' THEN 'error_message' END,
        CASE WHEN retention_days <> coalesce(nullif((p->>'retention_days')::integer, 0), 2555)
            THEN 'retention_days' END,
        CASE WHEN is_sensitive <> (p->>'is_sensitive')::boolean THEN 'is_sensitive' END,
        CASE WHEN event_data <> coalesce(nullif(data, 'null'), '{}') THEN 'event_data' END,
        CASE WHEN event_metadata IS DISTINCT FROM
            convert_from(decode(p->>'event_metadata', 'base64'), 'UTF8')::jsonb THEN 'event_metadata' END
    ], NULL), to_char(event_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
    FROM decoded JOIN audit_events ON event_id = (p->>'event_id')::uuid";

async fn add(stage: &Stage, entry: &str) {
    stage.redis(&["XADD", STREAM, "*", "message", entry]).await;
}

async fn is_empty(stage: &Stage) -> bool {
    stage.redis(&["XLEN", STREAM]).await == Reply::Integer(0)
}

#[tokio::test]
async fn its_queue_drains_and_nothing_of_it_is_lost() {
    let stage = Stage::shared().await;
    add(&stage, "{not json").await;
    for entry in FIXTURES.lines() {
        add(&stage, entry).await;
    }
    let first = FIXTURES.lines().next().unwrap();
    let nameless = first.replacen("\"event_id\"", "\"event_no\"", 1);
    add(&stage, &nameless).await;

    let service = stage.service().await;
    let parent = event_with(json!({ "event_id": PARENT, "correlation_id": "parent" }));
    assert_eq!(service.post(&parent).await.status, StatusCode::CREATED);
    eventually("the queue is empty", async || {
        let deferred = service
            .metric(r#"datastorage_dlq_deferred{stream="events"}"#)
            .await;
        let depth = service
            .metric(r#"datastorage_dlq_depth{stream="events"}"#)
            .await;
        (is_empty(&stage).await && deferred == Some(0.0) && depth == Some(0.0)).then_some(())
    })
    .await;

    let client = stage.database.connect().await;
    for entry in FIXTURES.lines() {
        let rows = client.query(DIFFERENCES, &[&entry]).await.unwrap();
        assert_eq!(rows.len(), 1, "stored once: {entry}");
        let differences: Vec<String> = rows[0].get(0);
        assert!(differences.is_empty(), "{differences:?} of {entry}");
        let sent: Value = serde_json::from_str(entry).unwrap();
        let sent = sent["payload"]["event_timestamp"].as_str().unwrap();
        let sent: Timestamp = sent.parse().unwrap();
        let stored: Timestamp = rows[0].get::<_, String>(1).parse().unwrap();
        assert_eq!(stored, ds_domain::time::truncate_to_micros(sent), "{entry}");
    }
    let expected = i64::try_from(FIXTURES.lines().count()).unwrap() + 1;
    assert_eq!(service.stored().await, expected);

    let letters = stage
        .redis(&["XRANGE", "audit:dead-letter:events", "-", "+"])
        .await;
    let texts: Vec<_> = letters
        .pieces()
        .into_iter()
        .map(String::from_utf8_lossy)
        .collect();
    let texts = texts.join(" ");
    for text in ["{not json", &nameless, "not an entry", "no id"] {
        assert!(texts.contains(text), "{text} in {texts}");
    }
    let dead = r#"datastorage_dlq_dead_letters{stream="events"}"#;
    assert_eq!(service.metric(dead).await, Some(2.0));
}
