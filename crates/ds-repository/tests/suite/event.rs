//! Events and databases for the tests.

use ds_domain::{
    event::{Event, Parent},
    month,
};
use ds_repository::{
    Appended, PartitionReport, Repository,
    error::{AppendError, StoreError},
    settings::Settings,
};
use ds_testkit::TestDatabase;
use ds_validation::{Limits, NewEvent, ValidEvent, parse_event};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, date},
};
use uuid::Uuid;

pub(crate) const DATA: &str = r#"{"service": "gateway"}"#;

/// A migrated database with the partitions around 2026-11-21, and a repository on it.
pub(crate) async fn repository() -> (TestDatabase, Repository) {
    let database = TestDatabase::create().await;
    let repository = Repository::new(settings(&database)).unwrap();
    ensure(&repository, date(2026, 11, 21)).await.unwrap();
    (database, repository)
}

/// The partitions that a server makes on `today`.
pub(crate) async fn ensure(
    repository: &Repository,
    today: Date,
) -> Result<PartitionReport, StoreError> {
    repository
        .ensure_partitions(today, &month::covering(today, 3))
        .await
}

/// Appends one group through a writer of its own.
pub(crate) async fn append(
    repository: &Repository,
    events: &[NewEvent],
) -> Result<Vec<Appended>, AppendError> {
    let mut answers = repository.writer().append(&[events]).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

pub(crate) fn settings(database: &TestDatabase) -> Settings {
    Settings::from_url(database.url()).unwrap()
}

/// What a test says about an event; the rest is the same for all.
#[derive(Clone, Debug)]
pub(crate) struct Sample<'s> {
    /// The id that the sender chose.
    pub(crate) id: Option<Uuid>,
    /// The id that is assigned, where it matters.
    pub(crate) assigned: Option<Uuid>,
    pub(crate) at: &'s str,
    pub(crate) kind: &'s str,
    pub(crate) correlation: &'s str,
    pub(crate) more: &'s str,
    pub(crate) data: &'s str,
    pub(crate) parent: Option<Parent>,
}

pub(crate) const SAMPLE: Sample<'static> = Sample {
    id: None,
    assigned: None,
    at: "2026-11-21T10:00:00.123456Z",
    kind: "gateway.signal.received",
    correlation: "rr-1",
    more: "",
    data: DATA,
    parent: None,
};

impl Sample<'_> {
    pub(crate) fn new_event(&self) -> NewEvent {
        let parent = self.parent.map_or(String::new(), |parent| {
            format!(r#""parent_event_id": "{}","#, parent.id)
        });
        let id = self
            .id
            .map_or(String::new(), |id| format!(r#""event_id": "{id}","#));
        let body = format!(
            r#"{{{id}{parent}{more}
                "version": "1.0", "event_type": "{kind}", "event_timestamp": "{at}",
                "event_category": "gateway", "event_action": "received",
                "event_outcome": "success", "correlation_id": "{correlation}",
                "event_data": {data}}}"#,
            more = self.more,
            kind = self.kind,
            at = self.at,
            correlation = self.correlation,
            data = self.data,
        );
        let now = self.at.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(1);
        let valid: ValidEvent = parse_event(body.as_bytes(), now, &Limits::default()).unwrap();
        let assign = || self.assigned.unwrap_or_else(Uuid::new_v4);
        valid.identify(assign, self.parent)
    }
}

/// Asserts that two events are the same in everything but the spelling of their JSON.
#[track_caller]
pub(crate) fn assert_same(stored: &Event, sent: &Event) {
    let blank = |event: &Event| Event {
        event_data: ds_domain::json::JsonObject::from_checked_text("{}"),
        event_metadata: None,
        ..event.clone()
    };
    assert_eq!(format!("{:?}", blank(stored)), format!("{:?}", blank(sent)));
    assert_eq!(
        stored.event_metadata.is_some(),
        sent.event_metadata.is_some()
    );
}

/// How many events are stored.
pub(crate) async fn count(database: &TestDatabase) -> i64 {
    let client = database.connect().await;
    let rows = client.query_one("SELECT count(*) FROM audit_events", &[]);
    rows.await.unwrap().get(0)
}
