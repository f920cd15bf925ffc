//! Bytes → a durable event, or the reason why not.
//!
//! Single events and batches take the same way, so that the rare path is the common one: validate,
//! find the parents, identify, append; and when the store is unavailable, park. An event gets its id
//! before the first attempt to store it, and the store recognises an id it has, so that an attempt
//! can be repeated without doubling.

use std::sync::Arc;

use ds_dlq::{Item, Parked, SharedError};
use ds_domain::{id::IdSource, time::Clock};
use ds_metrics::{Refusal, Table, TraceStatus, catalog};
use ds_repository::{Appended, error::StoreError};
use ds_validation::{
    NewEvent, Rejection, TraceContext, ValidEvent, Violations, parse_batch, parse_event,
};
use jiff::Timestamp;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::Instant,
};
use uuid::Uuid;

use crate::{
    Ingest,
    admission::{Overloaded, overloaded},
    group::Origin,
    outcome::NotAppended,
    parent::Parents,
    port::Ports,
    screened::Screened,
    warning::Warnings,
};

/// Larger bodies than this are read beside the threads that requests share. Reading so much takes less
/// than half a millisecond unless somebody makes it difficult.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// What a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'b> {
    /// The body, whole.
    pub body: &'b [u8],
    /// The trace that the request is a part of.
    pub trace: Option<TraceContext>,
}

impl<'b> From<&'b [u8]> for Submission<'b> {
    fn from(body: &'b [u8]) -> Self {
        Self { body, trace: None }
    }
}

impl Submission<'_> {
    /// The event as a part of the trace of the request.
    fn trace(&self, event: ValidEvent) -> ValidEvent {
        match self.trace {
            Some(context) => event.in_trace(context),
            None => event,
        }
    }
}

/// An event that was accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub event_id: Uuid,
    /// When it happened.
    pub event_timestamp: Timestamp,
}

/// Where accepted events are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// In the store.
    Stored,
    /// In a backlog, from which they will be stored.
    Parked,
}

/// What a sender is told about a request that was accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt<T> {
    /// The event, or the events in the order of the request.
    pub recorded: T,
    /// Where they are.
    pub kept: Kept,
    /// In which ways they differ from others of their type.
    pub warnings: Warnings,
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
        #[source]
        cause: SharedError,
    },
    /// More is asked for than can be done now.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// Neither the store nor a backlog could take it; later they may.
    #[error("event was not recorded: no place takes it now")]
    Unavailable(#[source] SharedError),
    /// The store failed in a way that waiting does not mend.
    #[error("event was not recorded: the store failed")]
    Internal(#[source] SharedError),
}

/// Why an event with an unknown parent is not refused for good.
#[derive(Debug, thiserror::Error)]
#[error("parent event is not stored, and may be among those that wait to be")]
struct ParentMayWait;

/// Events of one request that passed validation, on their way to the store.
struct Arrival {
    events: Arc<Vec<NewEvent>>,
    accepted_at: Timestamp,
    bytes: usize,
    table: Table,
}

impl Arrival {
    /// The events as entries of a backlog, where they go because of `cause`.
    fn entries(&self, cause: &SharedError) -> Vec<Parked> {
        let reason = cause.to_string();
        let entry = |event: &NewEvent| Parked {
            item: Item::Event {
                event: event.clone(),
                unresolved_parent: None,
            },
            accepted_at: self.accepted_at,
            reason: reason.clone(),
        };
        self.events.iter().map(entry).collect()
    }
}

impl<P: Ports> Ingest<P> {
    /// Records the one event that was sent. Once polled it must be driven to its end, or a stored
    /// event goes unanswered.
    pub async fn record(
        &self,
        sent: impl Into<Submission<'_>>,
    ) -> Result<Receipt<Recorded>, RecordError> {
        let sent: Submission<'_> = sent.into();
        let now = self.clock().now();
        let event = aside(sent.body, |body| parse_event(body, now, &self.limits))?;
        let events = vec![sent.trace(event)];
        let (warnings, tally) = Warnings::of(&events);
        let screened = Screened::of(events.iter().map(ValidEvent::screening));
        let events = self.identify(events, false).await?;
        // One event in, one event out.
        let recorded = recorded(&events[0]);
        let arrival = arrival(events, now, sent.body, Table::AuditEvents);
        let kept = self.keep(arrival).await?;
        tally.count();
        screened.count();
        Ok(Receipt {
            recorded,
            kept,
            warnings,
        })
    }

    /// Records all events of the JSON array that was sent, or none.
    pub async fn record_batch(
        &self,
        sent: impl Into<Submission<'_>>,
    ) -> Result<Receipt<Vec<Recorded>>, RecordError> {
        let sent: Submission<'_> = sent.into();
        let now = self.clock().now();
        let events = aside(sent.body, |body| parse_batch(body, now, &self.limits))?;
        let events: Vec<ValidEvent> = events.into_iter().map(|event| sent.trace(event)).collect();
        let (warnings, tally) = Warnings::of(&events);
        let screened = Screened::of(events.iter().map(ValidEvent::screening));
        let events = self.identify(events, true).await?;
        let recorded = events.iter().map(recorded).collect();
        let arrival = arrival(events, now, sent.body, Table::AuditEventsBatch);
        let kept = self.keep(arrival).await?;
        tally.count();
        screened.count();
        Ok(Receipt {
            recorded,
            kept,
            warnings,
        })
    }

    /// Gives each event its parent and its id.
    async fn identify(
        &self,
        events: Vec<ValidEvent>,
        is_batch: bool,
    ) -> Result<Vec<NewEvent>, RecordError> {
        let parents = Parents::find(&*self.store, &self.recent, &events).await?;
        if parents.are_missing(&events) && self.holds_entries() {
            return Err(RecordError::Unavailable(Arc::new(ParentMayWait)));
        }
        let parents = parents
            .of_all(&events, is_batch)
            .map_err(RecordError::ParentNotFound)?;
        let pairs = events.into_iter().zip(parents);
        Ok(pairs
            .map(|(event, parent)| event.identify(|| self.ids().next_id(), parent))
            .collect())
    }

    /// Makes the events durable, in the store or else in a backlog.
    async fn keep(&self, arrival: Arrival) -> Result<Kept, RecordError> {
        let started = Instant::now();
        let events = &arrival.events;
        let outcome = self.group.append(events, arrival.bytes, Origin::Live).await;
        catalog::write_duration(arrival.table).record(started.elapsed().as_secs_f64());
        let error = match outcome {
            Ok(appended) => {
                // What was stored before was counted then.
                let pairs = events.iter().zip(appended);
                let new = pairs.filter(|(_, appended)| *appended == Appended::Now);
                self.count(new.map(|(event, _)| event), TraceStatus::Success);
                self.recent.note(events);
                return Ok(Kept::Stored);
            }
            Err(error) => error,
        };
        let cause = match error {
            NotAppended::Conflict { positions } => {
                let id = |at: usize| Some((at, events.get(at)?.event().event_id));
                let taken = positions.into_iter().filter_map(id).collect();
                return Err(RecordError::Conflict(taken));
            }
            NotAppended::Refused { column, cause } => {
                return Err(RecordError::Refused { column, cause });
            }
            NotAppended::Overloaded => {
                let delay = self.group.level().delay;
                return Err(overloaded(Refusal::QueueFull, delay).into());
            }
            NotAppended::Internal(cause) => {
                self.count(events.iter(), TraceStatus::Failure);
                return Err(RecordError::Internal(cause));
            }
            NotAppended::Partition { cause, .. } | NotAppended::Unavailable(cause) => cause,
        };
        let entries = || arrival.entries(&cause);
        match self.park(self.queue.as_ref(), entries).await {
            Ok(()) => {
                self.count(events.iter(), TraceStatus::DlqFallback);
                self.recent.note(events);
                Ok(Kept::Parked)
            }
            Err(parking) => {
                self.count(events.iter(), TraceStatus::Failure);
                Err(RecordError::Unavailable(parking.unwrap_or(cause)))
            }
        }
    }

    fn count<'e>(&self, events: impl Iterator<Item = &'e NewEvent>, status: TraceStatus) {
        let now = self.clock().now();
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

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(Arc::new(error)),
            StoreError::Internal(_) => Self::Internal(Arc::new(error)),
        }
    }
}

/// Reads a body; a large one, which may take a second when it is full of secrets, in such a way that
/// other requests go on: the runtime gives them another thread.
fn aside<T>(body: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if body.len() > INLINE_BYTES_MAX && matches!(flavor, Ok(RuntimeFlavor::MultiThread)) {
        return tokio::task::block_in_place(|| read(body));
    }
    read(body)
}

fn arrival(events: Vec<NewEvent>, accepted_at: Timestamp, body: &[u8], table: Table) -> Arrival {
    Arrival {
        events: Arc::new(events),
        accepted_at,
        bytes: body.len(),
        table,
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
