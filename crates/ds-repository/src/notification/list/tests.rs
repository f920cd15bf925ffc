//! Filters of notifications as SQL, and the plans of their pages.

use ds_domain::{
    cursor::Position,
    filter::{Count, Page, Start},
    notification::{Channel, NotificationStatus},
};
use ds_testkit::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

use super::*;
use crate::list::{estimate, page};

const POSITION: Position = Position {
    // 2026-11-15T12:00:00Z
    at: jiff::Timestamp::constant(1_794_744_000, 0),
    id: Uuid::from_u128(7),
};

const STARTS: [Start; 4] = [
    Start::Offset(0),
    Start::Newest,
    Start::After(POSITION),
    Start::Before(POSITION),
];

/// A filter with a condition on everything: the first value of each member, or the first two.
fn everything(values: usize) -> NotificationFilter {
    let texts = ["'; DROP TABLE notification_audit; --", "b"];
    let texts: Vec<String> = texts[..values]
        .iter()
        .map(|text| text.to_string())
        .collect();
    NotificationFilter {
        remediation_ids: texts.clone(),
        channels: Channel::ALL[..values].to_vec(),
        statuses: NotificationStatus::ALL[..values].to_vec(),
        recipients: texts,
        since: Some(jiff::Timestamp::MIN),
        until: Some(jiff::Timestamp::MAX),
    }
}

fn page_of(start: Start, count: Count) -> Page {
    Page {
        limit: 50,
        start,
        count,
    }
}

#[tokio::test]
async fn every_statement_is_valid_with_every_condition() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    for filter in [NotificationFilter::default(), everything(1), everything(2)] {
        for (count, columns) in [(Count::Exact, 14), (Count::None, 13)] {
            for start in STARTS {
                let sql = page(&filter, page_of(start, count));
                let prepared = client.prepare_typed(sql.text(), sql.types()).await;
                let statement =
                    prepared.unwrap_or_else(|error| panic!("{error:?}\n{}", sql.text()));
                assert_eq!(statement.columns().len(), columns);
                client.query(&statement, &sql.values()).await.unwrap();
                assert!(!sql.text().contains("DROP"), "{}", sql.text());
            }
        }
        let sql = estimate(&filter);
        let params = sql.values().into_iter().zip(sql.types().iter().cloned());
        let params: Vec<_> = params.collect();
        let rows = client.query_typed(sql.text(), &params).await.unwrap();
        let plan: serde_json::Value = rows[0].get(0);
        assert!(plan[0]["Plan"]["Plan Rows"].is_u64(), "{plan}");
    }
}

/// A thousand remediations of 20 notifications each, one every minute.
async fn filled() -> (TestDatabase, Client) {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    client
        .batch_execute(
            "INSERT INTO notification_audit (remediation_id, notification_id, recipient, channel,
                 message_summary, status, sent_at)
             SELECT 'rr-' || n % 1000, 'nt-' || n, 'ann', 'email', 'm', 'sent',
                 '2026-11-05Z'::timestamptz + n * interval '1 minute'
             FROM generate_series(1, 20000) AS n;
             SET random_page_cost = 1.1;",
        )
        .await
        .unwrap();
    client
        .batch_execute("VACUUM ANALYZE notification_audit")
        .await
        .unwrap();
    (database, client)
}

#[tokio::test]
async fn a_page_of_a_walk_begins_where_an_index_says_and_reads_no_more_than_it_has() {
    let (_database, client) = filled().await;
    let of_one = NotificationFilter {
        remediation_ids: vec!["rr-7".to_owned()],
        ..NotificationFilter::default()
    };
    let all = NotificationFilter::default();
    let by_time = "Index Scan using idx_notification_audit_sent_at ";
    let backward = "Index Scan Backward using idx_notification_audit_sent_at ";
    let by_remediation = "using idx_notification_audit_remediation_id ";
    let less = "(ROW(sent_at, id) < ROW(";
    let more = "(ROW(sent_at, id) > ROW(";
    for (filter, start, parts) in [
        (&all, Start::Newest, [by_time, "Limit"]),
        (&all, Start::After(POSITION), [by_time, less]),
        (&all, Start::Before(POSITION), [backward, more]),
        (&of_one, Start::After(POSITION), [by_remediation, less]),
        (&of_one, Start::Before(POSITION), [by_remediation, more]),
    ] {
        let sql = page(filter, page_of(start, Count::None));
        let explain = format!("EXPLAIN (COSTS OFF) {}", sql.text());
        let prepared = client.prepare_typed(&explain, sql.types()).await.unwrap();
        let rows = client.query(&prepared, &sql.values()).await.unwrap();
        let plan: String = rows
            .iter()
            .map(|row| row.get::<_, String>(0) + "\n")
            .collect();
        for part in parts {
            assert!(plan.contains(part), "no {part} in\n{plan}");
        }
        for part in ["Sort", "Seq Scan", "Filter"] {
            assert!(!plan.contains(part), "{part} in\n{plan}");
        }
    }
}
