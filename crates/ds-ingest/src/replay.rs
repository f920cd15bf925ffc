//! From a backlog into the store: the same append, until every entry is settled.
//!
//! An entry leaves its backlog in one of two ways: it is stored, or it becomes a dead letter because
//! storing it can never succeed. Everything else is tried again: at once when the store was away,
//! after a growing wait when the entry alone fails.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use ds_dlq::{Backlog, BacklogError, Burial, Deferral, Delivery, EntryId, Item};
use ds_domain::event::Parent;
use ds_metrics::{BacklogName, Replayed, catalog};
use ds_repository::Inserted;
use ds_validation::{NewEvent, ValidNotification};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    breaker::BreakerState,
    group::{GroupCommit, Origin},
    notifications::{NotInserted, Notifications},
    outcome::NotAppended,
    port::{EventStore, NotificationStore},
};

/// Entries taken at once.
const ENTRIES_MAX: usize = 500;

/// Entries taken at once beside live traffic, whose answers wait for the thread that reads them.
const ENTRIES_BESIDE_MAX: usize = 100;

/// Notifications taken at once: they are stored one by one, and before their lease ends.
const NOTIFICATIONS_MAX: usize = 100;

/// Wait between looks into a backlog in which nothing was due.
const IDLE: Duration = Duration::from_millis(200);

/// Waits while the store or the backlog is away.
const AWAY_MIN: Duration = Duration::from_millis(200);
const AWAY_MAX: Duration = Duration::from_secs(2);

/// Waits of an entry that fails on its own.
const DEFER_MIN: Duration = Duration::from_secs(1);
const DEFER_MAX: Duration = Duration::from_secs(300);

/// Attempts after which a failure that may be permanent is believed to be. Together they take ten to
/// thirty minutes: time to mend a schema, too.
const ATTEMPTS_MAX: u32 = 14;

/// Bytes of an entry, as far as the queue must know.
const ENTRY_BYTES: usize = 1024;

/// Replays one backlog.
pub(crate) struct Replay<S, B> {
    pub(crate) name: BacklogName,
    pub(crate) backlog: Arc<B>,
    pub(crate) store: Arc<S>,
    pub(crate) group: Arc<GroupCommit>,
    pub(crate) notifications: Arc<Notifications<S>>,
}

/// How a pass went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pass {
    /// Nothing was due.
    Idle,
    /// Entries were dealt with; there may be more.
    Moved,
    /// The store is away.
    Away,
}

/// What becomes of the entries of one pass.
#[derive(Debug, Default)]
struct Verdicts {
    /// Whether something was stored in this pass.
    store_works: bool,
    settled: Vec<EntryId>,
    deferred: Vec<Deferral>,
    buried: Vec<Burial>,
    released: Vec<EntryId>,
}

impl<S: EventStore + NotificationStore, B: Backlog> Replay<S, B> {
    /// Replays until it is stopped. A pass that runs is finished.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut away = AWAY_MIN;
        loop {
            let passed = self.pass().await.unwrap_or_else(|error| {
                let name = self.name.as_str();
                tracing::debug!(
                    backlog = name,
                    error = &error as &dyn std::error::Error,
                    "Backlog {name} cannot be replayed now"
                );
                Pass::Away
            });
            let wait = match passed {
                Pass::Moved => Duration::ZERO,
                Pass::Idle => IDLE,
                Pass::Away => away,
            };
            away = match passed {
                Pass::Moved | Pass::Idle => AWAY_MIN,
                Pass::Away => (away * 2).min(AWAY_MAX),
            };
            let resting = stop.run_until_cancelled(tokio::time::sleep(wait));
            if resting.await.is_none() {
                return;
            }
        }
    }

    /// Takes what is due, tries to store it, and deals with each entry as that went.
    pub(crate) async fn pass(&self) -> Result<Pass, BacklogError> {
        let max = match self.group.breaker() {
            BreakerState::Closed if self.group.has_live_traffic() => ENTRIES_BESIDE_MAX,
            BreakerState::Closed if self.name == BacklogName::Notifications => NOTIFICATIONS_MAX,
            BreakerState::Closed => ENTRIES_MAX,
            // It may be the probe.
            BreakerState::HalfOpen => 1,
            BreakerState::Open => return Ok(Pass::Away),
        };
        let deliveries = self.backlog.take(max).await?;
        if deliveries.is_empty() {
            return Ok(Pass::Idle);
        }
        let verdicts = self.try_all(deliveries).await;
        let is_away = !verdicts.released.is_empty();
        self.carry_out(verdicts).await?;
        Ok(if is_away { Pass::Away } else { Pass::Moved })
    }

    async fn try_all(&self, deliveries: Vec<Delivery>) -> Verdicts {
        let trying = deliveries
            .into_iter()
            .map(|delivery| self.attempt(delivery));
        let outcomes = futures_util::future::join_all(trying).await;
        let mut verdicts = Verdicts {
            store_works: outcomes.iter().any(|(_, _, outcome)| outcome.is_ok()),
            ..Verdicts::default()
        };
        for (id, attempts, outcome) in outcomes {
            verdicts.add(id, attempts, outcome);
        }
        verdicts
    }

    /// One attempt to store one entry.
    async fn attempt(&self, delivery: Delivery) -> (EntryId, u32, Result<(), Setback>) {
        let Delivery {
            id,
            entry,
            attempts,
        } = delivery;
        let outcome = match entry {
            Ok(parked) => match parked.item {
                Item::Event {
                    event,
                    unresolved_parent,
                } => self.append(event, unresolved_parent).await,
                Item::Notification(notification) => self.insert(&notification).await,
            },
            Err(unreadable) => Err(Setback::Permanent(unreadable.to_string())),
        };
        (id, attempts, outcome)
    }

    async fn append(&self, event: NewEvent, unresolved: Option<Uuid>) -> Result<(), Setback> {
        let event = match unresolved {
            None => event,
            Some(id) => event.with_parent(self.find_parent(id).await?),
        };
        let event = Arc::new(vec![event]);
        let outcome = self.group.append(&event, ENTRY_BYTES, Origin::Replay).await;
        if let Err(NotAppended::Partition { month, .. }) = &outcome {
            // The month may lie outside of those that are kept ready. When it still cannot be made,
            // the next attempt says so.
            if let Err(error) = self.store.ensure_partition(*month).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "Partition for a replayed event cannot be made"
                );
            }
        }
        outcome.map(|_| ()).map_err(Setback::from)
    }

    /// A notification that is stored already was sent twice, or its sender heard no answer.
    async fn insert(&self, notification: &ValidNotification) -> Result<(), Setback> {
        match self.notifications.replay(notification).await {
            Ok(Inserted::Now(_) | Inserted::Before(_)) => Ok(()),
            Ok(Inserted::Taken(_)) => Err(Setback::Permanent(
                "notification id is taken by a record with other content".to_owned(),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// The parent may wait in a backlog itself, so that it is not there yet.
    async fn find_parent(&self, id: Uuid) -> Result<Parent, Setback> {
        let found = self.store.find_parents(&[id]).await;
        let found = found.map_err(|error| Setback::from(NotAppended::from(error)))?;
        let missing = || Setback::Doubtful("parent event does not exist".to_owned());
        found.first().copied().ok_or_else(missing)
    }

    async fn carry_out(&self, verdicts: Verdicts) -> Result<(), BacklogError> {
        let count = |entries: usize, what| {
            catalog::replayed(self.name, what).increment(u64::try_from(entries).unwrap_or(0));
        };
        let Verdicts {
            store_works: _,
            settled,
            deferred,
            buried,
            released,
        } = verdicts;
        if !settled.is_empty() {
            self.backlog.settle(&settled).await?;
            count(settled.len(), Replayed::Stored);
        }
        if !buried.is_empty() {
            self.backlog.bury(&buried).await?;
            count(buried.len(), Replayed::Buried);
            for Burial { id, reason } in &buried {
                let backlog = self.name.as_str();
                tracing::error!(backlog, entry = %id, reason, "Entry became a dead letter");
            }
        }
        if !deferred.is_empty() {
            self.backlog.defer(&deferred).await?;
            count(deferred.len(), Replayed::Deferred);
        }
        if !released.is_empty() {
            self.backlog.release(&released).await?;
        }
        Ok(())
    }
}

/// Why an entry was not stored this time.
#[derive(Debug)]
enum Setback {
    /// It never will be.
    Permanent(String),
    /// It may be when somebody has mended something.
    Passing(String),
    /// It may be, or may not: after many attempts it is given up.
    Doubtful(String),
    /// The store is away; the entry has nothing to do with it.
    Away,
    /// Either that, or only the table of the entry is.
    TableAway(String),
}

impl From<NotAppended> for Setback {
    fn from(error: NotAppended) -> Self {
        match error {
            NotAppended::Conflict { .. } => {
                Self::Permanent("event id is taken by an event with other content".to_owned())
            }
            NotAppended::Refused { cause, .. } => Self::Permanent(chain(&*cause)),
            NotAppended::Partition { cause, .. } => Self::Passing(chain(&*cause)),
            NotAppended::Internal(cause) => Self::Doubtful(chain(&*cause)),
            NotAppended::Unavailable(_) | NotAppended::Overloaded => Self::Away,
        }
    }
}

impl From<NotInserted> for Setback {
    fn from(error: NotInserted) -> Self {
        match error {
            NotInserted::Refused { cause, .. } => Self::Permanent(chain(&*cause)),
            NotInserted::Unavailable(cause) => Self::TableAway(chain(&*cause)),
            NotInserted::Internal(cause) => Self::Doubtful(chain(&*cause)),
        }
    }
}

impl Verdicts {
    fn add(&mut self, id: EntryId, attempts: u32, outcome: Result<(), Setback>) {
        let outcome = match outcome {
            // Taken again at once they would keep others out, for as long as their table is away.
            Err(Setback::TableAway(error)) if self.store_works => Err(Setback::Passing(error)),
            Err(Setback::TableAway(_)) => Err(Setback::Away),
            outcome => outcome,
        };
        match outcome {
            Ok(()) => self.settled.push(id),
            Err(Setback::Permanent(reason)) => self.buried.push(Burial { id, reason }),
            Err(Setback::Doubtful(reason)) if attempts + 1 >= ATTEMPTS_MAX => {
                self.buried.push(Burial { id, reason });
            }
            Err(Setback::Doubtful(error) | Setback::Passing(error)) => {
                let wait = wait_of(&id, attempts);
                self.deferred.push(Deferral { id, wait, error });
            }
            Err(Setback::Away | Setback::TableAway(_)) => self.released.push(id),
        }
    }
}

/// The wait after `attempts` earlier ones: doubled each time up to a bound, and between half of that
/// and all of it, so that entries that failed together do not all come back together. The entry's
/// own name decides, which needs no source of chance.
fn wait_of(id: &EntryId, attempts: u32) -> Duration {
    let whole = DEFER_MIN
        .saturating_mul(1 << attempts.min(20))
        .min(DEFER_MAX);
    let mut hasher = DefaultHasher::new();
    (id, attempts).hash(&mut hasher);
    let [low, ..] = hasher.finish().to_ne_bytes();
    whole / 2 + whole / 2 * u32::from(low) / 255
}

/// An error and its causes on one line; of each the first line, because what a database adds below
/// repeats values.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(error.to_string().lines().next().unwrap_or_default());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
