//! The wire forms of what operators ask for.

use std::time::Duration;

use ds_dlq::{Consumer, DeadLetter, EntryId, Setback, Status};
use ds_ingest::{BacklogState, BreakerState, IngestState};
use ds_metrics::BacklogName;
use serde_json::{Value, json};

use super::{erased, sample};
use crate::{
    admin::{LetterId, Letters},
    wire::*,
};

pub(super) fn samples() -> Vec<(&'static str, Value)> {
    let value = |value: &dyn erased::Json| value.json();
    vec![
        ("EventTypeList", value(&EventTypeList::new(None))),
        ("Health", value(&Health::healthy("1"))),
        ("Health", value(&Health::unhealthy("1"))),
        (
            "Readiness",
            value(&Ready::yes(vec!["queue_unavailable"], checks())),
        ),
        (
            "Readiness",
            value(&Ready::no("database_unreachable", Some(checks()))),
        ),
        ("Readiness", value(&Ready::no("starting", None))),
        ("Liveness", value(&Alive::default())),
        ("DeadLetterQueue", value(&dead_letter_queue())),
        ("DeadLetterList", value(&dead_letters())),
        ("DeadLetterReplayed", value(&LetterReplayed::new(&letter()))),
    ]
}

fn state() -> IngestState {
    IngestState {
        store: BreakerState::HalfOpen,
        queue: Some(BacklogState {
            breaker: BreakerState::Open,
            answers: false,
            is_full: false,
        }),
        spool: None,
        notification_queue: None,
        failing_partitions: vec!["audit_events_2026_11".to_owned()],
        queued_rows: 3,
    }
}

fn checks() -> Checks {
    Checks::new(true, state(), Some("always"))
}

/// A queue in use, and a spool that cannot be asked.
fn dead_letter_queue() -> DeadLetterQueue {
    let now = "2026-11-21T07:45:34Z".parse().unwrap();
    let consumer = Consumer {
        name: "replica-1".to_owned(),
        pending: 4,
        idle: Duration::from_millis(1_500),
    };
    let status = Status {
        entries: 30,
        entries_max: 100,
        bytes: 3,
        bytes_max: 4,
        deferred: 2,
        dead: 1,
        oldest: Some("2026-11-21T07:45:31.500Z".parse().unwrap()),
        consumers: vec![consumer],
    };
    let breaker = Some(BreakerState::Closed);
    DeadLetterQueue::new(
        state(),
        BacklogReport::new(breaker, Some("always"), Some(status), now),
        BacklogReport::new(breaker, None, None, now),
        BacklogReport::absent(),
    )
}

fn letter() -> LetterId {
    LetterId::parse("queue:1-0").unwrap()
}

fn dead_letters() -> DeadLetters {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let letter = |event_id: Option<Uuid>| DeadLetter {
        id: EntryId("1-0".to_owned()),
        event_id,
        notification_id: event_id.is_none().then(|| "nt-1".to_owned()),
        reason: "store refuses the row".to_owned(),
        buried_at: at,
        accepted_at: event_id.map(|_| at),
        history: vec![Setback {
            at,
            error: "deadlock".to_owned(),
        }],
        content: "{}".to_owned(),
    };
    let some = (BacklogName::Queue, letter(Some(Uuid::from_u128(1))));
    DeadLetters::new(Letters {
        letters: vec![some, (BacklogName::Spool, letter(None))],
        is_full: true,
        unreachable: vec![BacklogName::Queue],
    })
}

#[test]
fn a_backlog_is_as_full_as_its_fuller_measure() {
    let report = sample("DeadLetterQueue");
    assert_eq!(report["queue"]["ratio"], 0.75);
    assert_eq!(report["queue"]["oldest_age_seconds"], 2.5);
    assert_eq!(report["queue"]["consumers"][0]["idle_seconds"], 1.5);
    let unreachable = json!({"configured": true, "breaker": "closed", "reachable": false});
    assert_eq!(report["spool"], unreachable);
    let absent = serde_json::to_value(BacklogReport::absent()).unwrap();
    assert_eq!(absent, json!({"configured": false}));
}

#[test]
fn a_page_of_dead_letters_names_the_last_one_when_there_may_be_more() {
    let page = sample("DeadLetterList");
    assert_eq!(page["dead_letters"][0]["id"], "queue:1-0");
    assert_eq!(page["next"], "spool:1-0");
    let last = DeadLetters::new(Letters::default());
    let expected = json!({"dead_letters": [], "next": null, "unreachable": []});
    assert_eq!(serde_json::to_value(last).unwrap(), expected);
}
