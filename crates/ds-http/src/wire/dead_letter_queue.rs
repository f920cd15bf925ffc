//! The JSON of what operators see of the backlogs.

use ds_dlq::{DeadLetter, Setback, Status};
use ds_ingest::{BreakerState, IngestState};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::admin::{LetterId, Letters};

/// The backlogs, and what decides whether events go there.
#[derive(Serialize)]
pub(crate) struct DeadLetterQueue {
    store: &'static str,
    failing_partitions: Vec<String>,
    queued_rows: usize,
    queue: BacklogReport,
    spool: BacklogReport,
    notifications: BacklogReport,
}

impl DeadLetterQueue {
    /// The answer for a write path in `state`.
    pub(crate) fn new(
        state: IngestState,
        queue: BacklogReport,
        spool: BacklogReport,
        notifications: BacklogReport,
    ) -> Self {
        Self {
            store: state.store.as_str(),
            failing_partitions: state.failing_partitions,
            queued_rows: state.queued_rows,
            queue,
            spool,
            notifications,
        }
    }
}

/// One backlog.
#[derive(Serialize)]
pub(crate) struct BacklogReport {
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    durability: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<bool>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    fill: Option<Fill>,
}

/// How full a backlog is, and who works on it.
#[derive(Serialize)]
struct Fill {
    entries: u64,
    entries_max: u64,
    bytes: u64,
    bytes_max: u64,
    ratio: f64,
    deferred: u64,
    dead: u64,
    oldest: Option<Timestamp>,
    oldest_age_seconds: Option<f64>,
    consumers: Vec<Consumer>,
}

#[derive(Serialize)]
struct Consumer {
    name: String,
    pending: u64,
    idle_seconds: f64,
}

impl BacklogReport {
    /// There is none.
    pub(crate) fn absent() -> Self {
        Self {
            configured: false,
            breaker: None,
            durability: None,
            reachable: None,
            fill: None,
        }
    }

    /// There is one. `status` is what it told at `now`, if it did.
    pub(crate) fn new(
        breaker: Option<BreakerState>,
        durability: Option<&'static str>,
        status: Option<Status>,
        now: Timestamp,
    ) -> Self {
        Self {
            configured: true,
            breaker: breaker.map(BreakerState::as_str),
            durability,
            reachable: Some(status.is_some()),
            fill: status.map(|status| Fill::new(status, now)),
        }
    }
}

impl Fill {
    fn new(status: Status, now: Timestamp) -> Self {
        let age = |oldest| now.duration_since(oldest).max(SignedDuration::ZERO);
        let consumers = status.consumers.into_iter().map(|consumer| Consumer {
            name: consumer.name,
            pending: consumer.pending,
            idle_seconds: consumer.idle.as_secs_f64(),
        });
        Self {
            entries: status.entries,
            entries_max: status.entries_max,
            bytes: status.bytes,
            bytes_max: status.bytes_max,
            ratio: ratio(status.entries, status.entries_max)
                .max(ratio(status.bytes, status.bytes_max)),
            deferred: status.deferred,
            dead: status.dead,
            oldest: status.oldest,
            oldest_age_seconds: status.oldest.map(|oldest| age(oldest).as_secs_f64()),
            consumers: consumers.collect(),
        }
    }
}

/// How full; what has no bound is never full.
fn ratio(used: u64, max: u64) -> f64 {
    match max {
        0 => 0.0,
        max => used as f64 / max as f64,
    }
}

/// A page of dead letters.
#[derive(Serialize)]
pub(crate) struct DeadLetters {
    dead_letters: Vec<Letter>,
    /// What the next page begins behind.
    next: Option<String>,
    unreachable: Vec<&'static str>,
}

#[derive(Serialize)]
struct Letter {
    id: String,
    event_id: Option<Uuid>,
    notification_id: Option<String>,
    reason: String,
    buried_at: Timestamp,
    accepted_at: Option<Timestamp>,
    attempts: usize,
    history: Vec<Attempt>,
    content: String,
}

#[derive(Serialize)]
struct Attempt {
    at: Timestamp,
    error: String,
}

impl From<Setback> for Attempt {
    fn from(setback: Setback) -> Self {
        Self {
            at: setback.at,
            error: setback.error,
        }
    }
}

impl DeadLetters {
    /// The answer for `page`.
    pub(crate) fn new(page: Letters) -> Self {
        let letters = page.letters.into_iter();
        let dead_letters: Vec<Letter> = letters
            .map(|(backlog, letter)| {
                let id = LetterId {
                    backlog,
                    id: letter.id.clone(),
                };
                Letter::new(&id, letter)
            })
            .collect();
        let last = dead_letters.last().filter(|_| page.is_full);
        Self {
            next: last.map(|letter| letter.id.clone()),
            unreachable: page.unreachable.iter().map(|name| name.as_str()).collect(),
            dead_letters,
        }
    }
}

impl Letter {
    fn new(id: &LetterId, letter: DeadLetter) -> Self {
        Self {
            id: id.to_string(),
            event_id: letter.event_id,
            notification_id: letter.notification_id,
            reason: letter.reason,
            buried_at: letter.buried_at,
            accepted_at: letter.accepted_at,
            attempts: letter.history.len(),
            history: letter.history.into_iter().map(Attempt::from).collect(),
            content: letter.content,
        }
    }
}

/// A dead letter waits for the store again.
#[derive(Serialize)]
pub(crate) struct LetterReplayed {
    id: String,
    message: &'static str,
    status: &'static str,
}

impl LetterReplayed {
    /// The answer for the letter `id`.
    pub(crate) fn new(id: &LetterId) -> Self {
        Self {
            id: id.to_string(),
            message: "dead letter queued for replay",
            status: "accepted",
        }
    }
}
