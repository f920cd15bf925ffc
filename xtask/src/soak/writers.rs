//! The load: requests that are sent when they fall due, whatever became of those before.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ds_testkit::checker::{Answer, Journal, Ticket};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use super::Journals;
use super::event::Events;
use super::notification::notification;
use super::random::Random;
use crate::http::{self, HttpClient};
use crate::sample::EVENTS;

/// Where batches go, and notifications.
const BATCH: &str = "/api/v1/audit/events/batch";
const NOTIFICATIONS: &str = "/api/v1/audit/notifications";

/// Share of the requests, in percent, that are notifications.
const NOTIFIED: usize = 5;

/// Events in a batch: two to this many.
const BATCH_MAX: usize = 200;

/// Share of the events, in percent, that come in batches.
const BATCHED: usize = 50;

/// Longest wait for a connection and for an answer. Whoever waits longer does not know what happened.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Requests under way at once; more fall out, and are counted.
const UNDER_WAY_MAX: usize = 1_000;

/// Attempts of a sender that chose its ids, and the pause between them.
const ATTEMPTS: usize = 6;
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// Recent ids that later events name as their parent.
const PARENTS: usize = 64;

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Requests that were never sent because nobody listened or too many were under way.
    pub(super) unsent: AtomicU64,
    /// Longest time to a 201 and to a 202, in microseconds.
    pub(super) slowest_stored: AtomicU64,
    pub(super) slowest_accepted: AtomicU64,
    /// Requests that were refused for a time, by status and by what the answer says of it.
    pub(super) refusals: Mutex<BTreeMap<(u16, String), u64>>,
    /// The first answers that a sender of valid events should never get.
    pub(super) surprises: Mutex<Vec<String>>,
}

/// Everybody who writes.
pub(super) struct Writers {
    shared: Arc<Shared>,
    pacing: JoinHandle<Result<()>>,
}

struct Shared {
    address: String,
    events: Events,
    journals: Journals,
    figures: Arc<Figures>,
    idle: Mutex<Vec<HttpClient>>,
    parents: Mutex<Vec<Uuid>>,
    under_way: AtomicUsize,
    ends: AtomicBool,
}

/// One request.
struct Request {
    kind: Kind,
    /// Where it is written down.
    journal: Arc<Journal>,
    records: Vec<(Ticket, String, Option<Uuid>)>,
}

/// What a request asks for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Event,
    Batch,
    Notification,
}

impl Writers {
    /// Starts to write so many events a second, on average.
    pub(super) fn start(
        address: String,
        rate: u32,
        journals: Journals,
        figures: Arc<Figures>,
        random: Random,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            address,
            events: Events::load()?,
            journals,
            figures,
            idle: Mutex::default(),
            parents: Mutex::default(),
            under_way: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
        });
        let pacing = tokio::spawn(pace(Arc::clone(&shared), f64::from(rate), random));
        Ok(Self { shared, pacing })
    }

    /// Sends no more, and waits for all answers.
    pub(super) async fn stop(self) -> Result<()> {
        self.shared.ends.store(true, Ordering::Relaxed);
        self.pacing.await.context("the writers panicked")??;
        while self.shared.under_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Requests fall due at random moments, as those of many senders do.
async fn pace(shared: Arc<Shared>, rate: f64, mut random: Random) -> Result<()> {
    let mut due = Instant::now();
    while !shared.ends.load(Ordering::Relaxed) {
        let request = shared.request(&mut random)?;
        let records = u32::try_from(request.records.len()).context("too large a batch")?;
        let mean = f64::from(records) / rate;
        // Exponential gaps make a Poisson process; the longest are cut, so that the end is near.
        let gap = (-(1.0 - random.fraction()).max(1e-6).ln() * mean).min(2.0);
        due += Duration::from_secs_f64(gap);
        tokio::time::sleep_until(due.into()).await;
        if shared.under_way.load(Ordering::Relaxed) >= UNDER_WAY_MAX {
            shared.figures.unsent.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        shared.under_way.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            shared.deliver(request).await;
            shared.under_way.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

impl Shared {
    fn request(&self, random: &mut Random) -> Result<Request> {
        if random.percent(NOTIFIED) {
            return self.notification(random);
        }
        // A batch has some hundred events, so that few of them are half of all.
        let batch = random.below(100 * BATCH_MAX / 2) < BATCHED * 2;
        let count = if batch {
            2 + random.below(BATCH_MAX - 1)
        } else {
            1
        };
        let chosen = random.percent(40);
        let journal = Arc::clone(&self.journals.events);
        let mut records = Vec::with_capacity(count);
        for _ in 0..count {
            let ticket = journal.ticket();
            let id = chosen.then(|| Events::id(random));
            let parent = self.parent(random);
            let mark = journal.mark(ticket);
            records.push((ticket, self.events.event(random, &mark, id, parent)?, id));
        }
        let kind = match batch {
            true => Kind::Batch,
            false => Kind::Event,
        };
        Ok(Request {
            kind,
            journal,
            records,
        })
    }

    fn notification(&self, random: &mut Random) -> Result<Request> {
        let journal = Arc::clone(&self.journals.notifications);
        let ticket = journal.ticket();
        let id = Events::id(random);
        let text = notification(random, &journal.mark(ticket), id)?;
        Ok(Request {
            kind: Kind::Notification,
            journal,
            records: vec![(ticket, text, Some(id))],
        })
    }

    /// Sends the request; again if the outcome is not known and a repetition is harmless.
    async fn deliver(&self, request: Request) {
        let repeatable = request.records.iter().all(|(_, _, id)| id.is_some());
        for _ in 0..if repeatable { ATTEMPTS } else { 1 } {
            let done = self.attempt(&request).await;
            if done {
                return;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Whether the outcome is known for good.
    async fn attempt(&self, request: &Request) -> bool {
        let Some(mut client) = self.client().await else {
            self.figures.unsent.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        let (path, body) = request.compose();
        for (ticket, text, id) in &request.records {
            request.journal.sends(*ticket, text, *id);
        }
        let begun = Instant::now();
        match timeout(ANSWER_PATIENCE, client.post(path, &body)).await {
            Ok(Ok(answer)) => {
                self.idle().push(client);
                self.note(request, &answer, begun.elapsed())
            }
            // Timed out, or the connection broke.
            Ok(Err(_)) | Err(_) => {
                // Those of a server that is gone would each cost somebody an answer.
                self.idle().clear();
                for (ticket, _, _) in &request.records {
                    request.journal.answered(*ticket, Answer::None);
                }
                false
            }
        }
    }

    fn note(&self, request: &Request, answer: &http::Answer, took: Duration) -> bool {
        let status = answer.status;
        let ids = match status {
            201 | 202 => ids(&answer.body),
            _ => Vec::new(),
        };
        let is_there = request.is_there(answer);
        for (index, (ticket, _, _)) in request.records.iter().enumerate() {
            let event_id = ids.get(index).copied();
            let outcome = match status {
                201 | 202 => Answer::Acknowledged { status, event_id },
                _ if is_there => Answer::Acknowledged { status, event_id },
                500.. => Answer::Unpromised { status },
                _ => Answer::Refused { status },
            };
            request.journal.answered(*ticket, outcome);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match status {
            201 => {
                self.figures
                    .slowest_stored
                    .fetch_max(micros, Ordering::Relaxed);
                self.remember(&ids);
            }
            202 => {
                self.figures
                    .slowest_accepted
                    .fetch_max(micros, Ordering::Relaxed);
            }
            429 | 503 => {
                self.refused(answer);
                return false;
            }
            _ if is_there => {}
            _ => self.surprise(answer),
        }
        true
    }

    /// Only stored events make parents: a parent that is parked is not known yet.
    fn remember(&self, ids: &[Uuid]) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.extend(ids.first());
        if parents.len() > PARENTS {
            parents.remove(0);
        }
    }

    fn parent(&self, random: &mut Random) -> Option<Uuid> {
        let parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        (random.percent(5) && !parents.is_empty()).then(|| *random.pick(&parents))
    }

    fn refused(&self, answer: &http::Answer) {
        let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
        let refusals = self.figures.refusals.lock();
        let mut refusals = refusals.unwrap_or_else(PoisonError::into_inner);
        *refusals.entry((answer.status, detail)).or_default() += 1;
    }

    fn surprise(&self, answer: &http::Answer) {
        let surprises = &self.figures.surprises;
        let mut surprises = surprises.lock().unwrap_or_else(PoisonError::into_inner);
        if surprises.len() < 20 {
            surprises.push(format!("{}: {}", answer.status, answer.body.trim()));
        }
    }

    async fn client(&self) -> Option<HttpClient> {
        let idle = self.idle().pop();
        match idle {
            Some(client) => Some(client),
            None => timeout(CONNECT_PATIENCE, HttpClient::connect(&self.address))
                .await
                .ok()?
                .ok(),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<HttpClient>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn compose(&self) -> (&'static str, String) {
        let texts: Vec<&str> = self
            .records
            .iter()
            .map(|(_, text, _)| text.as_str())
            .collect();
        match self.kind {
            Kind::Event => (EVENTS, texts.concat()),
            Kind::Batch => (BATCH, format!("[{}]", texts.join(","))),
            Kind::Notification => (NOTIFICATIONS, texts.concat()),
        }
    }

    /// Whether it is refused because the very same notification is stored: an attempt that was not
    /// answered has come through.
    fn is_there(&self, answer: &http::Answer) -> bool {
        let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        self.kind == Kind::Notification && answer.status == 409 && problem["identical"] == true
    }
}

/// The ids an answer names, in the order of the request.
fn ids(body: &str) -> Vec<Uuid> {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let one = answer["event_id"].as_str().into_iter();
    let many = answer["event_ids"].as_array().into_iter().flatten();
    one.chain(many.filter_map(Value::as_str))
        .filter_map(|id| id.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_both_forms() {
        let id = Uuid::from_u128(5);
        assert_eq!(ids(&format!(r#"{{"event_id": "{id}"}}"#)), [id]);
        assert_eq!(
            ids(&format!(r#"{{"event_ids": ["{id}", "{id}"]}}"#)),
            [id, id]
        );
        assert!(ids(r#"{"status": "accepted"}"#).is_empty());
        assert!(ids("no JSON").is_empty());
    }
}
