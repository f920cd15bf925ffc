//! Bytes → a durable event, or the reason why not.
//!
//! Single events and batches take the same way, so that the rare path is the common one: validate,
//! find the parents, identify, append. An event gets its id before the first attempt to store it,
//! and the store recognises an id it has, so that an attempt can be repeated without doubling.
//! What to do with events that the store is too [`Unavailable`](StoreError::Unavailable) to take is
//! decided in [`Ingest::append`] and nowhere else: today they are refused with a retryable error.

use ds_metrics::{Table, TraceStatus, catalog};
use ds_repository::{
    Appended,
    error::{AppendError, StoreError},
};
use ds_validation::{
    Limits, NewEvent, Rejection, ValidEvent, Violations, parse_batch, parse_event,
};
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use ds_domain::{id::IdSource, time::Clock};

use crate::{
    parent::Parents,
    port::{EventStore, Ports},
};

/// An event that is durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub event_id: Uuid,
    /// When it happened.
    pub event_timestamp: Timestamp,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The body is not a valid event.
    #[error("request is refused")]
    Rejected(#[from] Rejection),
    /// A parent event is not stored.
    #[error("parent event does not exist")]
    ParentNotFound(#[source] Violations),
    /// Ids are taken by events with other content. Positions in the batch, and the ids.
    #[error("event ids are taken")]
    Conflict(Vec<(usize, Uuid)>),
    /// The table refuses the row although it passed validation.
    #[error("store refuses the event")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the store said.
        source: AppendError,
    },
    /// The store failed; whether it may work later, the source says.
    #[error("event was not recorded")]
    Store(#[from] StoreError),
}

/// The write path.
pub struct Ingest<P: Ports> {
    store: P::Store,
    clock: P::Clock,
    ids: P::Ids,
    limits: Limits,
}

impl<P: Ports> Ingest<P> {
    /// A write path over these ports.
    pub fn new(store: P::Store, clock: P::Clock, ids: P::Ids, limits: Limits) -> Self {
        Self {
            store,
            clock,
            ids,
            limits,
        }
    }

    /// The clock every rule is checked against.
    pub fn clock(&self) -> &P::Clock {
        &self.clock
    }

    /// The source of ids.
    pub fn ids(&self) -> &P::Ids {
        &self.ids
    }

    /// Records the event in `body`. Once polled it must be driven to its end, or a stored event
    /// goes unanswered.
    pub async fn record(&self, body: &[u8]) -> Result<Recorded, RecordError> {
        let event = parse_event(body, self.clock.now(), &self.limits)?;
        let events = self.identify(vec![event], false).await?;
        self.append(&events, Table::AuditEvents).await?;
        // One event in, one event out.
        Ok(recorded(&events[0]))
    }

    /// Records all events of the JSON array in `body`, or none.
    pub async fn record_batch(&self, body: &[u8]) -> Result<Vec<Recorded>, RecordError> {
        let events = parse_batch(body, self.clock.now(), &self.limits)?;
        let events = self.identify(events, true).await?;
        self.append(&events, Table::AuditEventsBatch).await?;
        Ok(events.iter().map(recorded).collect())
    }

    /// Gives each event its parent and its id.
    async fn identify(
        &self,
        events: Vec<ValidEvent>,
        is_batch: bool,
    ) -> Result<Vec<NewEvent>, RecordError> {
        let parents = Parents::find(&self.store, &events).await?;
        let parents = parents
            .of_all(&events, is_batch)
            .map_err(RecordError::ParentNotFound)?;
        let pairs = events.into_iter().zip(parents);
        Ok(pairs
            .map(|(event, parent)| event.identify(|| self.ids.next_id(), parent))
            .collect())
    }

    /// Makes the events durable.
    async fn append(&self, events: &[NewEvent], table: Table) -> Result<(), RecordError> {
        let started = Instant::now();
        let outcome = self.store.append(events).await;
        catalog::write_duration(table).record(started.elapsed().as_secs_f64());
        match outcome {
            Ok(appended) => {
                // What was stored before was counted then.
                let pairs = events.iter().zip(appended);
                let new = pairs.filter(|(_, appended)| *appended == Appended::Now);
                self.count(new.map(|(event, _)| event), TraceStatus::Success);
                Ok(())
            }
            Err(AppendError::Conflict { positions }) => Err(RecordError::Conflict(
                positions
                    .into_iter()
                    .filter_map(|at| Some((at, events.get(at)?.event().event_id)))
                    .collect(),
            )),
            Err(AppendError::Refused { column, cause }) => Err(RecordError::Refused {
                column: column.clone(),
                source: AppendError::Refused { column, cause },
            }),
            Err(AppendError::Store(error)) => {
                self.count(events.iter(), TraceStatus::Failure);
                Err(error.into())
            }
        }
    }

    fn count<'e>(&self, events: impl Iterator<Item = &'e NewEvent>, status: TraceStatus) {
        let now = self.clock.now();
        for event in events.map(NewEvent::event) {
            let service = event.event_category.as_str();
            catalog::audit_traces(service, status).increment(1);
            if status == TraceStatus::Success {
                let lag = now.duration_since(event.event_timestamp).as_secs_f64();
                catalog::audit_lag(service).record(lag.max(0.0));
            }
        }
    }
}

fn recorded(event: &NewEvent) -> Recorded {
    let event = event.event();
    Recorded {
        event_id: event.event_id,
        event_timestamp: event.event_timestamp,
    }
}

#[cfg(test)]
mod tests;
