//! Filters as SQL: every combination, and the plans of the important ones.

use ds_testkit::TestDatabase;
use jiff::civil::date;
use tokio_postgres::Client;

use super::*;

const PAGE_OF_50: Page = Page {
    limit: 50,
    offset: 0,
};

/// The filter whose members are chosen by the lowest seven bits.
fn filter(bits: u8) -> EventFilter {
    let text = |bit: u8, text: &str| (bits & (1 << bit) != 0).then(|| text.to_owned());
    let time = |bit: u8, time: &str| (bits & (1 << bit) != 0).then(|| time.parse().unwrap());
    EventFilter {
        correlation_id: text(0, "rr-7"),
        event_type: text(1, "type.7"),
        event_category: text(2, "workflow"),
        event_outcome: text(3, "failure"),
        severity: text(4, "critical"),
        since: time(5, "2026-11-03T00:00:00Z"),
        until: time(6, "2026-11-20T00:00:00Z"),
    }
}

#[tokio::test]
async fn all_combinations_of_conditions_are_valid_and_different() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let mut texts = std::collections::HashSet::new();
    for bits in 0..128 {
        let sql = sql(&filter(bits));
        let statement = client.prepare_typed(&sql, PARAM_TYPES).await.unwrap();
        assert_eq!(
            statement.columns().len(),
            31,
            "total and the 30 columns of the table"
        );
        assert!(texts.insert(sql));
    }
}

#[test]
fn a_bound_on_time_bounds_the_day_as_well() {
    let bounded = sql(&filter(0b110_0000));
    assert_eq!(
        bounded.matches("event_date >= $7").count(),
        2,
        "in the total and in the page"
    );
    assert_eq!(bounded.matches("event_date <= $9").count(), 2);
    let params = filter(0b110_0000);
    let params = Params::new(&params, PAGE_OF_50);
    assert_eq!(params.since.map(|(_, day)| day), Some(date(2026, 11, 3)));
    assert_eq!(params.until.map(|(_, day)| day), Some(date(2026, 11, 20)));
}

#[test]
fn instants_and_offsets_that_the_store_cannot_say_are_clamped() {
    let ages_ago = EventFilter {
        since: Some(Timestamp::MIN),
        ..EventFilter::default()
    };
    let params = Params::new(
        &ages_ago,
        Page {
            limit: 1,
            offset: u64::MAX,
        },
    );
    assert_eq!(params.since, Some((OLDEST, date(1, 1, 1))));
    assert_eq!(params.offset, i64::MAX);
}

#[test]
fn only_a_query_for_one_remediation_keeps_its_plan() {
    for bits in 0..1 << 7 {
        let expected = if bits & 1 == 1 {
            Plan::Reused
        } else {
            Plan::Fresh
        };
        assert_eq!(plan(&filter(bits)), expected, "{bits:b}");
    }
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
    let prepared = client
        .prepare_typed(&explained(&sql(filter)), PARAM_TYPES)
        .await
        .unwrap();
    let params = Params::new(filter, PAGE_OF_50);
    let params = params.as_sql();
    let params = params
        .each_ref()
        .map(|value| &**value as &(dyn ToSql + Sync));
    let rows = client.query(&prepared, &params).await.unwrap();
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
    let both_bounds = explain(&client, &filter(0b110_0000)).await;
    check(
        &both_bounds,
        &["audit_events_2026_11_event_timestamp_event_id_idx"],
        &others,
    );
    let since = explain(&client, &filter(0b010_0000)).await;
    check(
        &since,
        &["_2026_11", "_2026_12"],
        &["_2026_07", "_2026_08", "_2026_09", "_2026_10"],
    );
}

#[tokio::test]
async fn the_order_of_a_page_comes_from_an_index_and_its_filters_from_theirs() {
    let (_database, client) = filled().await;
    let newest = explain(&client, &filter(0)).await;
    check(
        &newest,
        &[
            "Merge Append",
            "audit_events_2026_11_event_timestamp_event_id_idx",
        ],
        &[],
    );
    let correlation = explain(&client, &filter(0b1)).await;
    check(
        &correlation,
        &["audit_events_2026_07_correlation_id_event_timestamp_idx"],
        &[
            "Seq Scan on audit_events_2026_07",
            "Seq Scan on audit_events_2026_11",
        ],
    );
    let kind = explain(&client, &filter(0b110_0010)).await;
    check(
        &kind,
        &["audit_events_2026_11_event_type_event_timestamp_idx"],
        &["_2026_10"],
    );
}

#[tokio::test]
async fn containment_is_answered_by_the_gin_index_and_prunes() {
    let (_database, client) = filled().await;
    let sql = explained(
        "SELECT event_id FROM audit_events WHERE event_data @> '{\"labels\": {\"app\": \"app-7\"}}'
         AND event_timestamp >= '2026-11-03Z' AND event_date >= '2026-11-03'",
    );
    let rows = client.query(&sql, &[]).await.unwrap();
    let plan: String = rows
        .iter()
        .map(|row| row.get::<_, String>(0) + "\n")
        .collect();
    check(
        &plan,
        &["Bitmap Index Scan on audit_events_2026_11_event_data_idx"],
        &["_2026_10"],
    );
    let name = "SELECT to_regclass('idx_audit_events_event_data_gin')::text";
    let index: Option<String> = client.query_one(name, &[]).await.unwrap().get(0);
    assert_eq!(index.as_deref(), Some("idx_audit_events_event_data_gin"));
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
