//! Filters as SQL: every combination, and the plans of the important ones.

use ds_domain::{
    filter::{Count, Page, Start},
    limit::event_text_field,
};
use ds_testkit::TestDatabase;
use tokio_postgres::Client;

use super::*;
use crate::list::{estimate, page};

const PAGE_OF_50: Page = Page {
    limit: 50,
    start: Start::Offset(0),
    count: Count::Exact,
};

/// In the middle of November.
const POSITION: Position = Position {
    // 2026-11-15T12:00:00Z
    at: Timestamp::constant(1_794_744_000, 0),
    id: uuid::Uuid::max(),
};

const STARTS: [Start; 4] = [
    Start::Offset(0),
    Start::Newest,
    Start::After(POSITION),
    Start::Before(POSITION),
];

const ALL: EventFilter = EventFilter {
    texts: vec![],
    parents: vec![],
    data: vec![],
    since: None,
    until: None,
};

/// `filter` with values for the member `name`.
fn with(filter: EventFilter, name: &str, values: &[&str]) -> EventFilter {
    filter.with_any(event_text_field(name).unwrap(), values.iter().copied())
}

/// `filter` for the 3rd to the 20th of November.
fn november(filter: EventFilter) -> EventFilter {
    EventFilter {
        since: Some("2026-11-03T00:00:00Z".parse().unwrap()),
        until: Some("2026-11-20T00:00:00Z".parse().unwrap()),
        ..filter
    }
}

fn object(text: &str) -> JsonObject {
    JsonObject::from_checked_text(text)
}

/// A filter with a condition on everything: one value of each member, or two.
fn everything(values: &[&str]) -> EventFilter {
    let mut filter = november(ALL);
    for field in ds_domain::filter::text_filters() {
        filter = filter.with_any(field, values.iter().copied());
    }
    filter.parents = values.iter().map(|_| uuid::Uuid::nil()).collect();
    filter.data = values.iter().map(|_| object("{}")).collect();
    filter
}

#[tokio::test]
async fn every_condition_is_valid_alone_and_together_with_all_others() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let mut filters = vec![
        ALL,
        november(ALL),
        everything(&["a"]),
        everything(&["a", "b"]),
    ];
    for field in ds_domain::filter::text_filters() {
        filters.push(with(ALL, field.name, &["a"]));
        filters.push(with(ALL, field.name, &["a", "b"]));
    }
    for filter in &filters {
        for (count, columns) in [(Count::Exact, 31), (Count::None, 30)] {
            for start in STARTS {
                let page_of = Page {
                    start,
                    count,
                    ..PAGE_OF_50
                };
                let sql = page(filter, page_of);
                let prepared = client.prepare_typed(sql.text(), sql.types()).await;
                let statement =
                    prepared.unwrap_or_else(|error| panic!("{error:?}\n{}", sql.text()));
                assert_eq!(statement.columns().len(), columns);
                client.query(&statement, &sql.values()).await.unwrap();
            }
        }
        for from in [None, Some(POSITION)] {
            let sql = piece(filter, from, 500, 1_000);
            let prepared = client.prepare_typed(sql.text(), sql.types()).await;
            let statement = prepared.unwrap_or_else(|error| panic!("{error:?}\n{}", sql.text()));
            assert_eq!(statement.columns().len(), 30);
            client.query(&statement, &sql.values()).await.unwrap();
        }
        let sql = estimate(filter);
        let params = sql.values().into_iter().zip(sql.types().iter().cloned());
        let rows = client
            .query_typed(sql.text(), &params.collect::<Vec<_>>())
            .await
            .unwrap();
        let plan: serde_json::Value = rows[0].get(0);
        assert!(plan[0]["Plan"]["Plan Rows"].is_u64(), "{plan}");
    }
}

#[test]
fn the_text_is_made_of_constants_and_numbers() {
    let hostile = "'; DROP TABLE audit_events; --";
    let mut filter = everything(&[hostile]);
    filter.data = vec![object(r#"{"a": "'; DROP TABLE audit_events; --"}"#)];
    let sql = page(&filter, PAGE_OF_50);
    assert!(!sql.text().contains("DROP"), "{}", sql.text());
    assert_eq!(sql.values().len(), sql.types().len());
    // The conditions stand in the total and in the page, on the same parameters.
    for part in [
        "trace_id = $13",
        "event_data @> $15",
        "event_timestamp >= $16",
    ] {
        assert_eq!(
            sql.text().matches(part).count(),
            2,
            "{part}\n{}",
            sql.text()
        );
    }
    let other = everything(&["x"]);
    assert_eq!(page(&other, PAGE_OF_50).text(), sql.text());
}

#[test]
fn a_bound_on_time_bounds_the_day_as_well() {
    let filter = november(ALL);
    let sql = page(&filter, PAGE_OF_50);
    for part in ["event_date >= $2", "event_date <= $4"] {
        assert_eq!(
            sql.text().matches(part).count(),
            2,
            "in the total and in the page"
        );
    }
    let shown = format!("{:?}", sql.values());
    assert!(
        shown.contains("2026-11-03") && shown.contains("2026-11-20"),
        "{shown}"
    );
}

#[test]
fn instants_and_offsets_that_the_store_cannot_say_are_clamped() {
    let ages_ago = EventFilter {
        since: Some(Timestamp::MIN),
        ..ALL
    };
    let start = Start::Offset(u64::MAX);
    let sql = page(
        &ages_ago,
        Page {
            start,
            ..PAGE_OF_50
        },
    );
    let shown = format!("{:?}", sql.values());
    let expected = format!("[0001-01-01T00:00:00Z, 0001-01-01, 50, {}]", i64::MAX);
    assert_eq!(shown, expected);
}

#[test]
fn only_a_query_for_single_remediations_keeps_its_plan() {
    assert_eq!(ALL.plan(), Plan::Fresh);
    assert_eq!(
        with(november(ALL), "event_type", &["a"]).plan(),
        Plan::Fresh
    );
    let one = with(ALL, "correlation_id", &["a"]);
    assert_eq!(one.plan(), Plan::Reused);
    assert_eq!(
        with(november(one), "severity", &["a", "b"]).plan(),
        Plan::Reused
    );
}

/// Six months of 4 000 events each: enough for the planner to prefer indexes.
async fn filled() -> (TestDatabase, Client) {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "SELECT audit_events_ensure_partition(day::date) FROM generate_series(
                 '2026-07-01'::timestamp, '2026-12-01', '1 month') AS day;
             INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type,
                 event_category, event_action, event_outcome, actor_type, actor_id, resource_type,
                 resource_id, correlation_id, severity, event_data)
             SELECT gen_random_uuid(), at, (at AT TIME ZONE 'UTC')::date, 'type.' || n % 20,
                 'workflow', 'ran', 'success', 'service', 's', 'Pod', 'p', 'rr-' || n / 10, 'info',
                 jsonb_build_object('labels', jsonb_build_object('app', 'app-' || n % 500), 'n', n)
             FROM (SELECT n, '2026-07-01Z'::timestamptz + n * interval '11 minutes' AS at
                 FROM generate_series(1, 24000) AS n) AS events;
             SET plan_cache_mode = force_custom_plan;
             -- Flash: at the default for disks these small tables are a close call, which versions
             -- of PostgreSQL decide differently.
             SET random_page_cost = 1.1;",
        )
        .await
        .unwrap();
    // Not only statistics: what waits in a GIN index's pending list makes the index look expensive.
    client
        .batch_execute("VACUUM ANALYZE audit_events")
        .await
        .unwrap();
    (database, client)
}

async fn explain(client: &Client, filter: &EventFilter) -> String {
    let sql = page(filter, PAGE_OF_50);
    explain_sql(client, &sql).await
}

async fn explain_sql(client: &Client, sql: &Sql<'_>) -> String {
    let prepared = client
        .prepare_typed(&explained(sql.text()), sql.types())
        .await
        .unwrap();
    let rows = client.query(&prepared, &sql.values()).await.unwrap();
    rows.iter()
        .map(|row| row.get::<_, String>(0) + "\n")
        .collect()
}

fn explained(sql: &str) -> String {
    format!("EXPLAIN (COSTS OFF) {sql}")
}

#[track_caller]
fn check(plan: &str, contains: &[&str], lacks: &[&str]) {
    for part in contains {
        assert!(plan.contains(part), "no {part} in\n{plan}");
    }
    for part in lacks {
        assert!(!plan.contains(part), "{part} in\n{plan}");
    }
}

#[tokio::test]
async fn a_bounded_query_touches_only_the_partitions_of_its_months() {
    let (_database, client) = filled().await;
    let others = ["_2026_07", "_2026_08", "_2026_09", "_2026_10", "_2026_12"];
    let both_bounds = explain(&client, &november(ALL)).await;
    check(
        &both_bounds,
        &["audit_events_2026_11_event_timestamp_event_id_idx"],
        &others,
    );
    let since = EventFilter {
        until: None,
        ..november(ALL)
    };
    let since = explain(&client, &since).await;
    check(
        &since,
        &["_2026_11", "_2026_12"],
        &["_2026_07", "_2026_08", "_2026_09", "_2026_10"],
    );
}

#[tokio::test]
async fn the_order_of_a_page_comes_from_an_index_and_its_filters_from_theirs() {
    let (_database, client) = filled().await;
    let newest = explain(&client, &ALL).await;
    check(
        &newest,
        &[
            "Merge Append",
            "audit_events_2026_11_event_timestamp_event_id_idx",
        ],
        &[],
    );
    for values in [&["rr-7"][..], &["rr-7", "rr-8"]] {
        let correlation = with(ALL, "correlation_id", values);
        check(
            &explain(&client, &correlation).await,
            &["audit_events_2026_07_correlation_id_event_timestamp_idx"],
            &[
                "Seq Scan on audit_events_2026_07",
                "Seq Scan on audit_events_2026_11",
            ],
        );
    }
    let kind = with(november(ALL), "event_type", &["type.7"]);
    let kind = explain(&client, &kind).await;
    check(
        &kind,
        &["audit_events_2026_11_event_type_event_timestamp_idx"],
        &["_2026_10"],
    );
}

#[tokio::test]
async fn a_page_of_a_walk_begins_where_an_index_says_and_leaves_out_what_is_done() {
    let (_database, client) = filled().await;
    let walk = async |filter: &EventFilter, start| {
        let page_of = Page {
            start,
            count: Count::None,
            ..PAGE_OF_50
        };
        explain_sql(&client, &page(filter, page_of)).await
    };
    let row_less = "Index Cond: (ROW(event_timestamp, event_id) < ROW(";
    let row_more = "Index Cond: (ROW(event_timestamp, event_id) > ROW(";
    let scan = "audit_events_2026_11_event_timestamp_event_id_idx";
    let after = walk(&ALL, Start::After(POSITION)).await;
    check(
        &after,
        &[row_less, scan, "_2026_07"],
        &["_2026_12", "Sort  "],
    );
    let before = walk(&ALL, Start::Before(POSITION)).await;
    check(
        &before,
        &[row_more, scan, "_2026_12"],
        &["_2026_10", "Seq Scan"],
    );
    let kind = with(ALL, "event_type", &["type.7"]);
    let kind = walk(&kind, Start::After(POSITION)).await;
    let scan = "audit_events_2026_11_event_type_event_timestamp_idx";
    check(
        &kind,
        &[scan, "event_timestamp <= "],
        &["_2026_12", "Seq Scan"],
    );
    let both_ends = walk(&november(ALL), Start::After(POSITION)).await;
    check(
        &both_ends,
        &["Index Cond", "AND (ROW(event_timestamp, event_id) < ROW("],
        &["_2026_10", "_2026_12"],
    );
}

#[tokio::test]
async fn a_piece_of_an_export_reads_no_more_events_than_it_has() {
    let (_database, client) = filled().await;
    let plan = explain_sql(&client, &piece(&ALL, Some(POSITION), 500, 1 << 20)).await;
    let row_less = "Index Cond: (ROW(event_timestamp, event_id) < ROW(";
    // Sorted by the index, so that the limit ends the scan.
    check(
        &plan,
        &["Limit", "WindowAgg", row_less],
        &["Sort  ", "_2026_12"],
    );
    let sort_key_of_merge_alone = plan.matches("Sort Key").count();
    assert_eq!(sort_key_of_merge_alone, 1, "{plan}");
}

#[tokio::test]
async fn containment_is_answered_by_the_gin_index_and_prunes() {
    let (_database, client) = filled().await;
    let one = vec![object(r#"{"labels": {"app": "app-7"}}"#)];
    let either = vec![
        object(r#"{"labels": {"app": "app-7"}}"#),
        object(r#"{"labels": {"app": "app-9"}}"#),
    ];
    for data in [one, either] {
        let filter = EventFilter {
            data,
            ..november(ALL)
        };
        check(
            &explain(&client, &filter).await,
            &["Bitmap Index Scan on audit_events_2026_11_event_data_idx"],
            &["_2026_10", "Seq Scan"],
        );
    }
    let name = "SELECT to_regclass('idx_audit_events_event_data_gin')::text";
    let index: Option<String> = client.query_one(name, &[]).await.unwrap().get(0);
    assert_eq!(index.as_deref(), Some("idx_audit_events_event_data_gin"));
}

#[tokio::test]
async fn a_timeline_reads_its_remediation_and_nothing_else() {
    let (_database, client) = filled().await;
    let id = "rr-7".to_owned();
    let ids = vec![uuid::Uuid::nil()];
    let at = POSITION.at;
    let day = utc_date(at);
    let events: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&id, &at, &POSITION.id, &day, &100_i64];
    let children: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&id, &ids, &100_i32];
    let summary: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&id];
    for (statement, params) in [
        (crate::timeline::READ_TIMELINE, &events[..]),
        (crate::timeline::FIND_CHILDREN, &children),
        (crate::timeline::SUMMARISE, &summary),
    ] {
        let explained = client.prepare(&explained(statement.sql())).await.unwrap();
        let rows = client.query(&explained, params).await.unwrap();
        let lines = rows.iter().map(|row| row.get::<_, String>(0) + "\n");
        let plan: String = lines.collect();
        check(
            &plan,
            &["audit_events_2026_12_correlation_id_event_timestamp_idx"],
            &["Seq Scan"],
        );
    }
}

#[tokio::test]
async fn an_id_is_found_through_the_primary_key_of_each_partition() {
    let (_database, client) = filled().await;
    let statement = client
        .prepare(&explained(crate::read::FIND_EVENT.sql()))
        .await
        .unwrap();
    let rows = client
        .query(&statement, &[&uuid::Uuid::nil()])
        .await
        .unwrap();
    let plan: String = rows
        .iter()
        .map(|row| row.get::<_, String>(0) + "\n")
        .collect();
    check(
        &plan,
        &["audit_events_2026_07_pkey", "audit_events_2026_12_pkey"],
        &["Seq Scan"],
    );
}
