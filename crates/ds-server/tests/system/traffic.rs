//! Clients that write steadily, and keep a journal of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ds_testkit::checker::{Answer, Journal, Ticket};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::service::{BATCH, Caller, EVENTS, Reply, Service, now};

/// Events of batches: of one that shares a transaction with others, and of one that does not.
const SMALL: usize = 5;
const LARGE: usize = 70;

/// A client's rest after each request.
const REST: Duration = Duration::from_millis(5);

/// What clients write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// How many there are. Every third sends batches.
    pub(crate) clients: usize,
    /// Whether every other one of those sends large ones.
    pub(crate) large_batches: bool,
    /// Whether every other event has an id of the client's choice.
    pub(crate) chooses_ids: bool,
    /// How far from now the events happen.
    pub(crate) shift: SignedDuration,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            clients: 6,
            large_batches: true,
            chooses_ids: true,
            shift: SignedDuration::ZERO,
        }
    }
}

/// Clients at work.
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Traffic {
    /// Lets clients write to `service` from now on.
    pub(crate) fn start(service: &Service, journal: &Arc<Journal>, habits: Habits) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for number in 0..habits.clients {
            let (caller, journal) = (service.caller(), Arc::clone(journal));
            let is_over = Arc::clone(&is_over);
            clients.spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    match number % 6 {
                        2 => send_batch(&caller, &journal, habits, SMALL).await,
                        5 if habits.large_batches => {
                            send_batch(&caller, &journal, habits, LARGE).await
                        }
                        5 => send_batch(&caller, &journal, habits, SMALL).await,
                        _ => send_one(&caller, &journal, habits).await,
                    };
                    tokio::time::sleep(REST).await;
                }
            });
        }
        Self { is_over, clients }
    }

    /// Lets them finish what they are at.
    pub(crate) async fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
    }
}

/// Sends one event, and notes what came back.
pub(crate) async fn send_one(caller: &Caller, journal: &Journal, habits: Habits) -> Option<Reply> {
    let event = Prepared::new(journal, habits);
    let reply = caller
        .try_send(Method::POST, EVENTS, event.body.clone())
        .await;
    let id = |reply: &Reply| reply.json()["event_id"].clone();
    journal.answered(event.ticket, answer(reply.as_ref(), id));
    reply
}

/// Sends a batch of events, and notes what came back.
pub(crate) async fn send_batch(
    caller: &Caller,
    journal: &Journal,
    habits: Habits,
    events: usize,
) -> Option<Reply> {
    let events: Vec<_> = (0..events)
        .map(|_| Prepared::new(journal, habits))
        .collect();
    let bodies: Vec<&str> = events.iter().map(|event| event.body.as_str()).collect();
    let body = format!("[{}]", bodies.join(","));
    let reply = caller.try_send(Method::POST, BATCH, body).await;
    for (index, event) in events.iter().enumerate() {
        let id = |reply: &Reply| reply.json()["event_ids"][index].clone();
        journal.answered(event.ticket, answer(reply.as_ref(), id));
    }
    reply
}

/// An event about to be sent.
struct Prepared {
    ticket: Ticket,
    body: String,
}

impl Prepared {
    fn new(journal: &Journal, habits: Habits) -> Self {
        let ticket = journal.ticket();
        let mark = journal.mark(ticket);
        let chosen = Uuid::new_v4();
        let chosen = (habits.chooses_ids && chosen.as_u128().is_multiple_of(2)).then_some(chosen);
        let id = chosen.map(|id| format!(r#""event_id":"{id}","#));
        let body = text(&mark, &id.unwrap_or_default(), now() + habits.shift);
        journal.sends(ticket, &body, chosen);
        Self { ticket, body }
    }
}

/// Written by hand: numbers must not pass through somebody who rounds them.
fn text(mark: &str, id: &str, time: Timestamp) -> String {
    format!(
        r#"{{{id}"version":"1.0","event_type":"gateway.signal.received","event_timestamp":"{time}",
        "event_category":"gateway","event_action":"received","event_outcome":"success",
        "correlation_id":"{mark}","actor_ip":"10.0.0.7","duration_ms":7,"severity":"high",
        "error_message":"naïve 🚀","retention_days":90,"is_sensitive":true,
        "event_data":{{"big":9007199254740993,"exact":0.10000000000000000000000001,"text":"é\n\"x\""}},
        "event_metadata":{{"list":[1,{{"a":null}}]}}}}"#
    )
}

/// What an answer promises. A promise names the event.
fn answer(reply: Option<&Reply>, id: impl Fn(&Reply) -> Value) -> Answer {
    let Some(reply) = reply else {
        return Answer::None;
    };
    let status = reply.status.as_u16();
    match status {
        201 | 202 => {
            let id = id(reply);
            let id = id.as_str().map(|id| id.parse().expect("an id is a UUID"));
            assert!(id.is_some(), "{status} without an id: {:?}", reply.body);
            Answer::Acknowledged {
                status,
                event_id: id,
            }
        }
        500.. => Answer::Unpromised { status },
        _ => Answer::Refused { status },
    }
}
