//! The trail that the service itself leaves: events about what it was asked to do, written through
//! the same path as those of any other sender, but behind the answer.
//!
//! Whoever leaves an event does not wait: it goes into a buffer, from which one worker takes what is
//! there and records it as a batch. A full buffer drops the newest, which is counted. While neither
//! the store nor a backlog takes anything the worker tries again; at the end of the process it gets
//! what is left to a safe place before the stores are closed.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ds_metrics::catalog::{self, TRAIL};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{Ingest, RecordError, port::Ports};

/// Most events that are recorded together.
const BATCH_EVENTS_MAX: usize = 100;

/// Most bytes of them.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Wait after an attempt that failed, and the longest one after several.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Bounds of the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrailBounds {
    /// Most events that wait.
    pub(crate) events_max: usize,
    /// Most bytes that wait.
    pub(crate) bytes_max: usize,
}

impl Default for TrailBounds {
    fn default() -> Self {
        Self {
            events_max: 50_000,
            bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// The buffer.
#[derive(Debug)]
pub(crate) struct Trail {
    bounds: TrailBounds,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Whether the last event was dropped.
    is_dropping: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// Events come and go.
    #[default]
    Open,
    /// The worker records what is left, until then.
    Closing(Instant),
    /// Nobody takes what is left here.
    Closed,
}

impl Trail {
    /// An empty buffer.
    pub(crate) fn new(bounds: TrailBounds) -> Self {
        catalog::audit_buffer_capacity(TRAIL).set(gauge(bounds.events_max));
        let trail = Self {
            bounds,
            state: Mutex::default(),
            changed: Notify::new(),
        };
        trail.measure(&trail.state());
        trail
    }

    /// Leaves an event, as any sender writes it, with an id of its own. It never waits.
    pub(crate) fn leave(&self, event: Vec<u8>) {
        let mut state = self.state();
        let is_full = state.waiting.len() >= self.bounds.events_max
            || state.bytes.saturating_add(event.len()) > self.bounds.bytes_max;
        if is_full || matches!(state.phase, Phase::Closed) {
            catalog::audit_events_dropped(TRAIL).increment(1);
            // Once, and not for each of thousands.
            if !std::mem::replace(&mut state.is_dropping, true) {
                tracing::error!(
                    "Events of the service itself are dropped: their buffer is full, or closed"
                );
            }
            return;
        }
        state.is_dropping = false;
        state.bytes += event.len();
        state.waiting.push_back(event);
        catalog::audit_events_buffered(TRAIL).increment(1);
        self.measure(&state);
        drop(state);
        self.changed.notify_one();
    }

    /// Asks the worker to record what is left within `budget`, and to end then.
    pub(crate) fn close(&self, budget: Duration) {
        self.state().phase = Phase::Closing(Instant::now() + budget);
        self.changed.notify_one();
    }

    /// Records what is left, until the trail is closed and nothing is left or time is up. Says how
    /// many events were lost.
    pub(crate) async fn run<P: Ports>(&self, ingest: &Ingest<P>) -> usize {
        let mut in_hand: Vec<Vec<u8>> = Vec::new();
        let mut pause = RETRY_MIN;
        loop {
            if in_hand.is_empty() {
                in_hand = self.take(ingest.limits.batch_events_max.min(BATCH_EVENTS_MAX));
            }
            if in_hand.is_empty() {
                if self.is_at_end() {
                    return 0;
                }
                self.changed.notified().await;
                continue;
            }
            let until = self.until();
            if until.is_some_and(|until| until <= Instant::now()) {
                return self.lose(in_hand.len());
            }
            in_hand = record(ingest, in_hand).await;
            if in_hand.is_empty() {
                pause = RETRY_MIN;
                continue;
            }
            // The end makes it try again at once, and more often.
            let pausing = match until {
                Some(_) => RETRY_MIN,
                None => pause,
            };
            pause = (pause * 2).min(RETRY_MAX);
            self.pause(pausing, until.is_some()).await;
        }
    }

    /// Waits before the next attempt; the end of the process cuts that short, but new events do not.
    async fn pause(&self, pause: Duration, is_closing: bool) {
        let ends = async {
            while self.until().is_none() {
                self.changed.notified().await;
            }
        };
        match is_closing {
            true => tokio::time::sleep(pause).await,
            // An elapsed pause is what is waited for.
            false => drop(timeout(pause, ends).await),
        }
    }

    /// What is recorded together next.
    fn take(&self, max: usize) -> Vec<Vec<u8>> {
        let mut state = self.state();
        let mut bytes = 0;
        let fits = |event: &&Vec<u8>| {
            bytes += event.len();
            bytes <= BATCH_BYTES_MAX
        };
        let fitting = state.waiting.iter().take(max).take_while(fits).count();
        // One that fits into no batch has one for itself.
        let count = fitting.max(1).min(state.waiting.len());
        let taken: Vec<_> = state.waiting.drain(..count).collect();
        state.bytes -= taken.iter().map(Vec::len).sum::<usize>();
        self.measure(&state);
        taken
    }

    /// Whether nothing more will come: then nothing is left either.
    fn is_at_end(&self) -> bool {
        let mut state = self.state();
        let is_at_end = state.waiting.is_empty() && !matches!(state.phase, Phase::Open);
        if is_at_end {
            state.phase = Phase::Closed;
        }
        is_at_end
    }

    /// Until when what is left may be recorded; `None` while there is no end in sight.
    fn until(&self) -> Option<Instant> {
        match self.state().phase {
            Phase::Closing(until) => Some(until),
            Phase::Open | Phase::Closed => None,
        }
    }

    /// Gives up what is left.
    fn lose(&self, in_hand: usize) -> usize {
        let mut state = self.state();
        let lost = in_hand + state.waiting.len();
        state.waiting.clear();
        state.bytes = 0;
        state.phase = Phase::Closed;
        self.measure(&state);
        catalog::audit_events_dropped(TRAIL).increment(u64::try_from(lost).unwrap_or(u64::MAX));
        tracing::error!(
            events = lost,
            "Events of the service itself are lost: no place took them before the end"
        );
        lost
    }

    fn measure(&self, state: &State) {
        let size = gauge(state.waiting.len());
        catalog::audit_buffer_size(TRAIL).set(size);
        let capacity = gauge(self.bounds.events_max.max(1));
        catalog::audit_buffer_utilization(TRAIL).set(size / capacity);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panics while it is locked leaves counts that are at most one event off.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Ports> Ingest<P> {
    /// Leaves an event of the service itself, as any sender writes it, with an id of its own. It is
    /// recorded behind the answer, or dropped and counted when too many wait.
    pub fn leave(&self, event: Vec<u8>) {
        self.trail.leave(event);
    }

    /// Records the events that are left, until [`close_trail`](Self::close_trail). Says how many were
    /// lost at the end. Once polled it must be driven to its end.
    pub async fn keep_trail(&self) -> usize {
        self.trail.run(self).await
    }

    /// Has what is left recorded within `budget`; what comes later is dropped.
    pub fn close_trail(&self, budget: Duration) {
        self.trail.close(budget);
    }
}

/// Records events; returns those that no place takes now.
async fn record<P: Ports>(ingest: &Ingest<P>, events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let started = Instant::now();
    let recorded = ingest.record_batch(&array(&events)[..]).await;
    catalog::audit_write_duration(TRAIL).record(started.elapsed());
    match recorded {
        Ok(_receipt) => {
            written(events.len());
            Vec::new()
        }
        Err(error) => {
            catalog::audit_batches_failed(TRAIL).increment(1);
            if is_refusal(&error) {
                // One of them is at fault: the others must not suffer for it.
                return record_each(ingest, events).await;
            }
            report(&error);
            events
        }
    }
}

async fn record_each<P: Ports>(ingest: &Ingest<P>, events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut left = Vec::new();
    for event in events {
        match ingest.record(&event[..]).await {
            Ok(_receipt) => written(1),
            Err(error) if is_refusal(&error) => {
                catalog::audit_events_dropped(TRAIL).increment(1);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "An event of the service itself is refused, which is a defect"
                );
            }
            Err(_) => left.push(event),
        }
    }
    left
}

/// Whether it is the event that is at fault, so that trying again does not help.
fn is_refusal(error: &RecordError) -> bool {
    match error {
        RecordError::Rejected(_)
        | RecordError::ParentNotFound(_)
        | RecordError::Conflict(_)
        | RecordError::Refused { .. } => true,
        RecordError::Overloaded(_) | RecordError::Unavailable(_) | RecordError::Internal(_) => {
            false
        }
    }
}

fn report(error: &RecordError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "Events of the service itself are not recorded yet: they wait"
    );
}

fn written(count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    catalog::audit_events_written(TRAIL).increment(count);
}

/// The events as one array.
fn array(events: &[Vec<u8>]) -> Vec<u8> {
    let mut array = vec![b'['];
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        array.extend_from_slice(event);
    }
    array.push(b']');
    array
}

fn gauge(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests;
