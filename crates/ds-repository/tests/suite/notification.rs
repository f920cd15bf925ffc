//! Notifications: stored once, never changed, found again.

use std::collections::{BTreeMap, HashMap};

use ds_domain::{
    cursor::Placed,
    filter::{Count, Page, Start},
    limit::ESCALATION_LEVEL_MAX,
    notification::{Channel, NotificationFilter, NotificationStatus, StoredNotification},
};
use ds_repository::{Inserted, NotificationPage, Repository, error::InsertError};
use ds_testkit::TestDatabase;
use ds_validation::{Limits, ValidDelivery, ValidNotification, parse_delivery, parse_notification};
use futures_util::future::{join, join_all};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::event::{repository, settings};

/// What a test says about a notification; the rest is the same for all.
#[derive(Clone, Debug)]
pub(crate) struct Note<'n> {
    pub(crate) id: &'n str,
    pub(crate) remediation: &'n str,
    pub(crate) recipient: &'n str,
    pub(crate) channel: &'n str,
    pub(crate) status: &'n str,
    pub(crate) at: &'n str,
}

impl Default for Note<'_> {
    fn default() -> Self {
        Self {
            id: "nt-1",
            remediation: "rr-1",
            recipient: "ann@example.org",
            channel: "email",
            status: "sent",
            at: "2026-11-21T10:00:00.123456Z",
        }
    }
}

impl Note<'_> {
    pub(crate) fn valid(&self) -> ValidNotification {
        let body = json!({
            "notification_id": self.id, "remediation_id": self.remediation,
            "recipient": self.recipient, "channel": self.channel, "status": self.status,
            "sent_at": self.at, "message_summary": "disk is full", "delivery_status": "250 ok",
        });
        valid(&body)
    }
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn valid(body: &Value) -> ValidNotification {
    parse_notification(body.to_string().as_bytes(), now(), &Limits::default()).unwrap()
}

fn delivery(attempt: i32, status: &str) -> ValidDelivery {
    let body = json!({ "attempt": attempt, "status": status, "occurred_at": now() });
    parse_delivery(body.to_string().as_bytes(), now(), &Limits::default()).unwrap()
}

#[tokio::test]
async fn a_notification_is_stored_as_it_was_sent() {
    let (_database, repository) = repository().await;
    let full = valid(&json!({
        "notification_id": "nt/ü '; DROP TABLE notification_audit; --", "remediation_id": "rr-1",
        "recipient": "#großer 🚀 kanal", "channel": "teams", "status": "escalated",
        "sent_at": "1999-12-31T23:59:59.999999999Z", "message_summary": "a\nb\t\u{202e}c",
        "error_message": "%_\\", "escalation_level": 100,
    }));
    let Inserted::Now(stored) = repository.insert_notification(&full).await.unwrap() else {
        panic!("the name was free");
    };
    assert_eq!(stored.notification, *full.notification());
    assert!(stored.id > 0);
    assert_eq!(stored.created_at, stored.updated_at);
    let name = &full.notification().notification_id;
    let found = repository.find_notification(name).await.unwrap();
    assert_eq!(found, Some(stored));
    assert_eq!(repository.find_notification("nt").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_taken_once_however_many_want_it() {
    let (_database, repository) = repository().await;
    let same = Note::default().valid();
    let inserting = (0..8).map(|_| repository.insert_notification(&same));
    let mut ids = Vec::new();
    let mut new = 0;
    for inserted in join_all(inserting).await {
        match inserted.unwrap() {
            Inserted::Now(stored) => {
                new += 1;
                ids.push(stored.id);
            }
            Inserted::Before(stored) => ids.push(stored.id),
            Inserted::Taken(stored) => panic!("{stored:?}"),
        }
    }
    ids.dedup();
    assert_eq!((new, ids.len()), (1, 1));
    for other in [
        Note {
            recipient: "bob",
            ..Note::default()
        },
        Note {
            at: "2026-11-21T10:00:00.123457Z",
            ..Note::default()
        },
        Note {
            status: "failed",
            ..Note::default()
        },
    ] {
        let inserted = repository.insert_notification(&other.valid()).await;
        let Inserted::Taken(stored) = inserted.unwrap() else {
            panic!("the name was taken");
        };
        assert_eq!(stored.notification, *same.notification());
    }
}

#[tokio::test]
async fn a_history_grows_and_each_attempt_is_stored_once() {
    let (_database, repository) = repository().await;
    let insert = async |attempt, status| {
        let delivery = delivery(attempt, status);
        repository.insert_delivery("nt-1", &delivery).await.unwrap()
    };
    assert_eq!(
        insert(1, "sent").await,
        None,
        "there is no such notification"
    );
    repository
        .insert_notification(&Note::default().valid())
        .await
        .unwrap();
    for (attempt, status) in [(2, "acknowledged"), (1, "failed"), (7, "escalated")] {
        let inserted = insert(attempt, status).await;
        assert!(matches!(inserted, Some(Inserted::Now(_))), "{inserted:?}");
    }
    let again = insert(2, "acknowledged").await;
    assert!(matches!(again, Some(Inserted::Before(_))), "{again:?}");
    let other = insert(2, "failed").await;
    assert!(matches!(other, Some(Inserted::Taken(_))), "{other:?}");
    let history = |max| repository.list_deliveries("nt-1", max);
    let attempts = |history: Vec<ds_domain::notification::StoredDelivery>| {
        let attempts = history.iter().map(|stored| stored.delivery.attempt);
        attempts.collect::<Vec<_>>()
    };
    assert_eq!(attempts(history(10).await.unwrap()), [1, 2, 7]);
    assert_eq!(
        attempts(history(2).await.unwrap()),
        [2, 7],
        "the latest ones"
    );
    assert!(
        repository
            .list_deliveries("nt", 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn list(
    repository: &Repository,
    filter: &NotificationFilter,
    limit: u16,
    offset: u64,
) -> NotificationPage {
    let page = Page {
        limit,
        start: Start::Offset(offset),
        count: Count::Exact,
    };
    repository.list_notifications(filter, page).await.unwrap()
}

fn names(page: &NotificationPage) -> Vec<&str> {
    let notifications = page.items.iter();
    notifications
        .map(|stored| stored.notification.notification_id.as_str())
        .collect()
}

#[tokio::test]
async fn a_list_is_filtered_and_comes_in_pages_the_newest_first() {
    let (_database, repository) = repository().await;
    for (id, remediation, recipient, channel, status, at) in [
        ("a", "rr-1", "ann", "email", "sent", "2026-11-01T00:00:00Z"),
        ("b", "rr-1", "bob", "sms", "failed", "2026-11-02T00:00:00Z"),
        (
            "c",
            "rr-2",
            "ann",
            "slack",
            "pending",
            "2026-11-03T00:00:00Z",
        ),
        ("d", "rr-'2", "ann", "slack", "sent", "2026-11-03T00:00:00Z"),
    ] {
        let note = Note {
            id,
            remediation,
            recipient,
            channel,
            status,
            at,
        };
        repository.insert_notification(&note.valid()).await.unwrap();
    }
    let all = NotificationFilter::default();
    let of = |change: fn(&mut NotificationFilter)| {
        let mut filter = NotificationFilter::default();
        change(&mut filter);
        filter
    };
    for (filter, limit, offset, expected, total) in [
        (all.clone(), 10, 0, "d c b a", 4),
        (all.clone(), 2, 1, "c b", 4),
        (all, 2, 9, "", 4),
        (
            of(|f| f.remediation_ids = vec!["rr-1".into()]),
            9,
            0,
            "b a",
            2,
        ),
        (
            of(|f| f.remediation_ids = vec!["rr-1".into(), "rr-'2".into()]),
            9,
            0,
            "d b a",
            3,
        ),
        (
            of(|f| f.remediation_ids = vec!["' OR true --".into()]),
            9,
            0,
            "",
            0,
        ),
        (
            of(|f| f.channels = vec![Channel::Slack, Channel::Sms]),
            9,
            0,
            "d c b",
            3,
        ),
        (
            of(|f| f.statuses = vec![NotificationStatus::Sent]),
            9,
            0,
            "d a",
            2,
        ),
        (of(|f| f.recipients = vec!["bob".into()]), 9, 0, "b", 1),
        (
            of(|f| f.since = "2026-11-02T00:00:00Z".parse().ok()),
            9,
            0,
            "d c b",
            3,
        ),
        (
            of(|f| f.until = "2026-11-02T00:00:00Z".parse().ok()),
            9,
            0,
            "b a",
            2,
        ),
        (of(|f| f.since = Some(Timestamp::MIN)), 9, 0, "d c b a", 4),
    ] {
        let page = list(&repository, &filter, limit, offset).await;
        assert_eq!(names(&page).join(" "), expected, "{filter:?}");
        let counted = page.total.map(|total| (total.count, total.is_estimate));
        assert_eq!(counted, Some((total, false)), "{filter:?}");
    }
}

/// Stores `count` notifications, many of them sent at the same instant, one of them long ago.
async fn fill(repository: &Repository, prefix: &str, count: u32) {
    for n in 0..count {
        let (id, at) = (
            format!("{prefix}-{n}"),
            match n {
                3 => "0000-02-29T00:00:00Z".to_owned(),
                _ => format!("2026-11-0{}T00:00:00.00000{}Z", 1 + n % 9, n % 2),
            },
        );
        let note = Note {
            id: &id,
            at: &at,
            status: if n % 4 == 0 { "failed" } else { "sent" },
            ..Note::default()
        };
        repository.insert_notification(&note.valid()).await.unwrap();
    }
}

async fn walked(
    repository: &Repository,
    filter: &NotificationFilter,
    limit: u16,
    start: Start,
) -> NotificationPage {
    let page = Page {
        limit,
        start,
        count: Count::None,
    };
    repository.list_notifications(filter, page).await.unwrap()
}

fn numbers(page: &NotificationPage) -> Vec<i64> {
    page.items
        .iter()
        .map(|stored: &StoredNotification| stored.id)
        .collect()
}

#[tokio::test]
async fn pages_of_a_walk_tile_the_list_in_both_directions() {
    let (_database, repository) = repository().await;
    fill(&repository, "nt", 40).await;
    let failed = NotificationFilter {
        statuses: vec![NotificationStatus::Failed],
        ..NotificationFilter::default()
    };
    for (filter, count) in [(NotificationFilter::default(), 40), (failed, 10)] {
        let expected = numbers(&list(&repository, &filter, 1000, 0).await);
        assert_eq!(expected.len(), count);
        for limit in [1, 7, 10, 40] {
            let (mut down, mut start) = (Vec::new(), Start::Newest);
            let last = loop {
                let page = walked(&repository, &filter, limit, start).await;
                assert_eq!(page.has_newer, start != Start::Newest);
                down.extend(numbers(&page));
                start = Start::After(page.items.last().unwrap().position());
                if !page.has_more {
                    break page;
                }
            };
            assert_eq!(down, expected, "pages of {limit}");
            let (mut up, mut page) = (numbers(&last), last);
            while page.has_newer {
                let first = page.items[0].position();
                page = walked(&repository, &filter, limit, Start::Before(first)).await;
                assert!(page.has_more, "there is the page we come from");
                up.splice(0..0, numbers(&page));
            }
            assert_eq!(up, expected, "pages of {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_sees_each_notification_once_that_was_there_when_it_began() {
    let (_database, repository) = repository().await;
    fill(&repository, "before", 150).await;
    let filter = NotificationFilter::default();
    let before = numbers(&list(&repository, &filter, 1000, 0).await);
    let writing = fill(&repository, "meanwhile", 150);
    let walking = async {
        let (mut seen, mut start) = (HashMap::<i64, usize>::new(), Start::Newest);
        loop {
            let page = walked(&repository, &filter, 4, start).await;
            for number in numbers(&page) {
                *seen.entry(number).or_default() += 1;
            }
            match page.items.last() {
                Some(last) if page.has_more => start = Start::After(last.position()),
                Some(_) | None => return seen,
            }
        }
    };
    let ((), seen) = join(writing, walking).await;
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    let missed: Vec<_> = before.iter().filter(|id| !seen.contains_key(id)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[tokio::test]
async fn a_list_is_counted_as_asked() {
    let (_database, repository) = repository().await;
    fill(&repository, "nt", 9).await;
    let filter = NotificationFilter::default();
    let counted = async |start, count| {
        let limit = 4;
        let page = Page {
            limit,
            start,
            count,
        };
        repository.list_notifications(&filter, page).await.unwrap()
    };
    let first = counted(Start::Newest, Count::Exact).await;
    assert_eq!(first.total.map(|total| total.count), Some(9));
    let position = first.items[3].position();
    let second = counted(Start::After(position), Count::Estimated).await;
    assert!(second.total.unwrap().is_estimate);
    let again = counted(Start::Before(second.items[0].position()), Count::Exact).await;
    assert_eq!(
        numbers(&again),
        numbers(&first),
        "newest first, counted or not"
    );
    let none = counted(Start::Offset(0), Count::None).await;
    assert!(none.total.is_none() && none.has_more);
}

#[tokio::test]
async fn the_words_and_levels_of_the_tables_are_those_of_the_domain() {
    let (_database, repository) = repository().await;
    for (n, channel) in Channel::ALL.iter().enumerate() {
        let id = format!("channel-{n}");
        let note = Note {
            id: &id,
            channel: channel.as_str(),
            ..Note::default()
        };
        repository.insert_notification(&note.valid()).await.unwrap();
    }
    for (n, status) in NotificationStatus::ALL.iter().enumerate() {
        let id = format!("status-{n}");
        let note = Note {
            id: &id,
            status: status.as_str(),
            ..Note::default()
        };
        repository.insert_notification(&note.valid()).await.unwrap();
        let attempt = i32::try_from(n).unwrap() + 1;
        let delivery = delivery(attempt, status.as_str());
        repository
            .insert_delivery("status-0", &delivery)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn each_constraint_holds_and_has_its_name() {
    let (database, repository) = repository().await;
    repository
        .insert_notification(&Note::default().valid())
        .await
        .unwrap();
    let client = database.connect().await;
    let level = (ESCALATION_LEVEL_MAX + 1).to_string();
    for (table, column, value, expected) in [
        ("audit", "remediation_id", "''", "remediation_id_not_empty"),
        (
            "audit",
            "notification_id",
            "''",
            "notification_id_not_empty",
        ),
        ("audit", "notification_id", "'nt-1'", "notification_id_key"),
        ("audit", "recipient", "''", "recipient_not_empty"),
        (
            "audit",
            "message_summary",
            "''",
            "message_summary_not_empty",
        ),
        ("audit", "channel", "'Email'", "channel_known"),
        ("audit", "status", "'lost'", "status_known"),
        ("audit", "sent_at", "'infinity'", "sent_at_finite"),
        (
            "audit",
            "escalation_level",
            &level,
            "escalation_level_in_range",
        ),
        (
            "audit",
            "escalation_level",
            "-1",
            "escalation_level_in_range",
        ),
        (
            "deliveries",
            "notification_id",
            "'nt-2'",
            "notification_exists",
        ),
        ("deliveries", "attempt", "0", "attempt_positive"),
        ("deliveries", "status", "'lost'", "status_known"),
        (
            "deliveries",
            "occurred_at",
            "'infinity'",
            "occurred_at_finite",
        ),
        (
            "deliveries",
            "escalation_level",
            &level,
            "escalation_level_in_range",
        ),
    ] {
        let mut row = BTreeMap::from([("notification_id", "'nt-1'"), ("status", "'sent'")]);
        row.extend(match table {
            "audit" => vec![
                ("notification_id", "'nt-2'"),
                ("remediation_id", "'rr-1'"),
                ("recipient", "'ann'"),
                ("channel", "'email'"),
                ("message_summary", "'m'"),
                ("sent_at", "'2026-11-21T10:00:00Z'"),
            ],
            _ => vec![("attempt", "1"), ("occurred_at", "'2026-11-21T10:00:00Z'")],
        });
        row.insert(column, value);
        let (columns, values): (Vec<&str>, Vec<&str>) = row.into_iter().unzip();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let sql = format!("INSERT INTO notification_{table} ({columns}) VALUES ({values})");
        let error = client.batch_execute(&sql).await.unwrap_err();
        let constraint = error
            .as_db_error()
            .unwrap()
            .constraint()
            .unwrap_or_default();
        assert_eq!(
            constraint,
            format!("notification_{table}_{expected}"),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn nobody_changes_what_is_stored_not_even_the_owner() {
    let (database, repository) = repository().await;
    repository
        .insert_notification(&Note::default().valid())
        .await
        .unwrap();
    let delivery = delivery(1, "sent");
    repository.insert_delivery("nt-1", &delivery).await.unwrap();
    let client = database.connect().await;
    for change in [
        "UPDATE notification_audit SET status = 'failed'",
        "DELETE FROM notification_audit",
        "TRUNCATE notification_audit CASCADE",
        "UPDATE notification_deliveries SET status = 'failed'",
        "DELETE FROM notification_deliveries",
        "TRUNCATE notification_deliveries",
    ] {
        let refused = client.batch_execute(change).await.unwrap_err();
        let code = refused.code().map(|code| code.code());
        assert_eq!(code, Some("42501"), "{change}");
    }
}

#[tokio::test]
async fn the_role_of_the_service_may_insert_and_read() {
    let (database, _repository) = repository().await;
    let client = database.connect().await;
    let insert = "INSERT INTO notification_audit (remediation_id, notification_id, recipient,
            channel, message_summary, status, sent_at)
        VALUES ('rr-1', 'nt-1', 'ann', 'email', 'm', 'sent', '2026-11-21T10:00:00Z');
        INSERT INTO notification_deliveries (notification_id, attempt, status, occurred_at)
        VALUES ('nt-1', 1, 'sent', '2026-11-21T10:00:00Z');
        SELECT * FROM notification_audit JOIN notification_deliveries USING (notification_id)";
    let script = format!("SET ROLE datastorage_app; {insert}; RESET ROLE");
    client.batch_execute(&script).await.unwrap();
}

#[tokio::test]
async fn a_locked_table_is_given_up_and_no_fault_of_the_record() {
    let database = TestDatabase::create().await;
    let mut settings = settings(&database);
    settings.lock_timeout = std::time::Duration::from_millis(50);
    let repository = Repository::new(settings).unwrap();
    let other = database.connect().await;
    let lock = "BEGIN; LOCK TABLE notification_audit";
    other.batch_execute(lock).await.unwrap();
    let inserted = repository
        .insert_notification(&Note::default().valid())
        .await;
    let error = inserted.unwrap_err();
    let is_unavailable = matches!(
        error,
        InsertError::Store(ds_repository::error::StoreError::Unavailable(_))
    );
    assert!(is_unavailable, "{error:?}");
    other.batch_execute("ROLLBACK").await.unwrap();
    let inserted = repository
        .insert_notification(&Note::default().valid())
        .await;
    assert!(matches!(inserted.unwrap(), Inserted::Now(_)));
}
