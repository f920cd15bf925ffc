//! The checker itself: it finds what is wrong, and nothing else.
#![cfg(feature = "database")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ds_testkit::checker::{Answer, Checker, Finding, Harm, Journal, Ticket};
use ds_testkit::{RedisClient, RedisDurability, RedisServer, TestDatabase, run_directory};
use tokio_postgres::Client;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(1);
const DATA: &str = r#"{"big": 9007199254740993, "exact": 0.10000000000000000000000001, "s": "é"}"#;

struct Scene {
    _database: TestDatabase,
    client: Client,
    checker: Checker,
    journal: Journal,
}

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let client = database.connect().await;
        let checker = Checker {
            postgres: database.url().to_owned(),
            redis: None,
            spool: None,
        };
        Self {
            _database: database,
            client,
            checker,
            journal: Journal::new("test"),
        }
    }

    /// An event that was sent once and acknowledged.
    fn acknowledged(&self, status: u16, chosen: bool) -> Ticket {
        let ticket = self.journal.ticket();
        let id = if chosen {
            format!(r#""event_id": "{ID}","#)
        } else {
            String::new()
        };
        let body = format!(
            r#"{{{id} "version": "1.0", "event_type": "a.b", "event_timestamp": "2026-01-31T23:59:59.123456Z",
                "event_category": "gateway", "event_action": "b", "event_outcome": "success",
                "correlation_id": "{}", "duration_ms": 7, "namespace": "", "event_data": {DATA}}}"#,
            self.journal.mark(ticket)
        );
        self.journal.sends(ticket, &body, chosen.then_some(ID));
        let event_id = Some(ID);
        self.journal
            .answered(ticket, Answer::Acknowledged { status, event_id });
        ticket
    }

    /// A row as the service would write it, with one column set to something else.
    async fn store(&self, ticket: Ticket, column: &str, value: &str) {
        let month = "SELECT audit_events_ensure_partition('2026-01-01'), audit_events_ensure_partition('2026-02-01')";
        self.client.batch_execute(month).await.unwrap();
        let mark = self.journal.mark(ticket);
        let mut columns = vec![
            ("event_id", format!("'{ID}'")),
            ("event_version", "'1.0'".to_owned()),
            ("event_type", "'a.b'".to_owned()),
            (
                "event_timestamp",
                "'2026-01-31T23:59:59.123456Z'".to_owned(),
            ),
            ("event_date", "'2026-01-31'".to_owned()),
            ("event_category", "'gateway'".to_owned()),
            ("event_action", "'b'".to_owned()),
            ("event_outcome", "'success'".to_owned()),
            ("actor_type", "'service'".to_owned()),
            ("actor_id", "'gateway-service'".to_owned()),
            ("resource_type", "'gateway'".to_owned()),
            ("resource_id", format!("'{mark}'")),
            ("correlation_id", format!("'{mark}'")),
            ("severity", "'info'".to_owned()),
            ("duration_ms", "7".to_owned()),
            ("event_data", format!("'{DATA}'")),
        ];
        columns.retain(|(name, _)| *name != column);
        if !column.is_empty() {
            columns.push((column, value.to_owned()));
        }
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let statement = format!(
            "INSERT INTO audit_events ({}) VALUES ({})",
            names.join(", "),
            values.join(", ")
        );
        self.client.batch_execute(&statement).await.unwrap();
    }

    async fn findings(&self) -> Vec<Finding> {
        self.checker.check_stored(&self.journal).await.unwrap()
    }
}

fn harms(findings: &[Finding]) -> Vec<Harm> {
    findings.iter().map(|finding| finding.harm).collect()
}

#[tokio::test]
async fn what_is_stored_as_it_was_sent_is_no_finding() {
    let scene = Scene::new().await;
    let ticket = scene.acknowledged(201, true);
    scene.store(ticket, "", "").await;
    assert!(scene.findings().await.is_empty());
    let look = scene.checker.check_now(&scene.journal).await.unwrap();
    assert!(look.findings.is_empty(), "{look:?}");
}

#[tokio::test]
async fn what_was_stored_and_is_gone_is_lost() {
    let scene = Scene::new().await;
    let ticket = scene.acknowledged(201, true);
    scene.store(ticket, "", "").await;
    assert!(scene.findings().await.is_empty());
    let end = "SET session_replication_role = replica; DELETE FROM audit_events";
    scene.client.batch_execute(end).await.unwrap();
    assert_eq!(harms(&scene.findings().await), [Harm::Lost]);
}

#[tokio::test]
async fn a_difference_in_any_column_is_found_and_named() {
    for (column, value) in [
        (
            "event_data",
            r#"'{"big": 9007199254740992, "exact": 0.10000000000000000000000001, "s": "é"}'"#,
        ),
        (
            "event_data",
            r#"'{"big": 9007199254740993, "exact": 0.1, "s": "é"}'"#,
        ),
        ("event_timestamp", "'2026-01-31T23:59:59.123457Z'"),
        ("duration_ms", "NULL"),
        ("namespace", "'x'"),
        ("severity", "NULL"),
        ("is_sensitive", "true"),
        ("event_id", "'01931c5e-7f00-7000-8000-000000000042'"),
    ] {
        let scene = Scene::new().await;
        let ticket = scene.acknowledged(201, true);
        scene.store(ticket, column, value).await;
        let findings = scene.findings().await;
        assert_eq!(harms(&findings), [Harm::Altered], "{column}");
        assert!(findings[0].detail.contains(column), "{}", findings[0]);
    }
}

#[tokio::test]
async fn an_id_under_two_dates_is_found() {
    let scene = Scene::new().await;
    let ticket = scene.acknowledged(201, false);
    scene.store(ticket, "", "").await;
    let second = "INSERT INTO audit_events SELECT (jsonb_populate_record(e, '{\"event_date\": \"2026-02-01\", \"event_timestamp\": \"2026-02-01T00:00:00Z\"}')).* FROM audit_events e";
    scene.client.batch_execute(second).await.unwrap();
    let findings = scene.findings().await;
    // Once because of its id, once because it was sent only once; the copy is not as sent, either.
    assert_eq!(
        harms(&findings)
            .iter()
            .filter(|harm| **harm == Harm::Duplicated)
            .count(),
        2
    );
}

#[tokio::test]
async fn what_is_nowhere_is_lost_and_what_waits_is_not() {
    let mut scene = Scene::new().await;
    let redis = RedisServer::start(RedisDurability::None).await;
    let spool = run_directory("spool").unwrap();
    scene.checker.redis = Some(redis.url().to_owned());
    scene.checker.spool = Some(spool.clone());
    let tickets = [(); 5].map(|()| scene.acknowledged(202, false));
    let marks = tickets.map(|ticket| scene.journal.mark(ticket));
    let mut client = RedisClient::connect(redis.url()).await.unwrap();
    for words in [
        &["XADD", "audit:dlq:events", "*", "entry", &marks[0]][..],
        &["HSET", "audit:dlq:events:held", "1-1", &marks[1]],
        &["XADD", "audit:dead-letter:events", "*", "entry", &marks[2]],
    ] {
        client.command(words).await.unwrap();
    }
    std::fs::write(spool.join("segment"), &marks[3]).unwrap();

    let look = scene.checker.check_now(&scene.journal).await.unwrap();
    assert_eq!(harms(&look.findings), [Harm::Lost]);
    assert_eq!(look.findings[0].mark, marks[4]);
    assert_eq!((look.parked, look.spooled), (2, 1));

    // In the end, waiting is not good enough.
    let patience = Duration::from_millis(300);
    let (drained, _) = scene
        .checker
        .drained(&scene.journal, patience)
        .await
        .unwrap();
    assert!(!drained);
    let findings = scene.findings().await;
    assert_eq!(harms(&findings), [Harm::Lost; 5]);
    assert!(
        findings[2].detail.contains("dead letter"),
        "{}",
        findings[2]
    );
    std::fs::remove_dir_all(spool).unwrap();
}

/// A notification that was sent once and found to be there.
fn told(journal: &Journal) -> Ticket {
    let ticket = journal.ticket();
    let body = format!(
        r#"{{"remediation_id": "{}", "notification_id": "{ID}", "recipient": "ann",
            "channel": "SMS", "message_summary": "m", "status": "Sent", "error_message": "",
            "sent_at": "2026-01-31T23:59:59.123456Z"}}"#,
        journal.mark(ticket)
    );
    let (status, event_id) = (409, None);
    journal.sends(ticket, &body, Some(ID));
    journal.answered(ticket, Answer::Acknowledged { status, event_id });
    ticket
}

#[tokio::test]
async fn notifications_are_held_to_the_same_promise() {
    for (column, value, expected) in [
        ("sent_at", "'2026-01-31T23:59:59.123456Z'", None),
        (
            "sent_at",
            "'2026-01-31T23:59:59.123457Z'",
            Some(Harm::Altered),
        ),
        ("recipient", "'bob'", Some(Harm::Altered)),
        ("channel", "'email'", Some(Harm::Altered)),
        ("escalation_level", "1", Some(Harm::Altered)),
        ("delivery_status", "'202'", Some(Harm::Altered)),
        ("remediation_id", "'another'", Some(Harm::Lost)),
    ] {
        let scene = Scene::new().await;
        let journal = Journal::of_notifications("told");
        let mark = format!("'{}'", journal.mark(told(&journal)));
        let id = format!("'{ID}'");
        let mut columns = std::collections::BTreeMap::from([
            ("remediation_id", mark.as_str()),
            ("notification_id", &id),
            ("recipient", "'ann'"),
            ("channel", "'sms'"),
            ("message_summary", "'m'"),
            ("status", "'sent'"),
            ("sent_at", "'2026-01-31T23:59:59.123456Z'"),
        ]);
        columns.insert(column, value);
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let (names, values) = (names.join(", "), values.join(", "));
        let insert = format!("INSERT INTO notification_audit ({names}) VALUES ({values})");
        scene.client.batch_execute(&insert).await.unwrap();
        let findings = scene.checker.check_stored(&journal).await.unwrap();
        assert_eq!(harms(&findings), Vec::from_iter(expected), "{column}");
        if expected == Some(Harm::Altered) {
            assert!(findings[0].detail.contains(column), "{}", findings[0]);
        }
    }
}
