//! Requests that wait for a writer: bounded in rows and bytes, in three lanes.

mod state;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ds_validation::NewEvent;
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use self::state::State;
use crate::{outcome::Outcome, pace::Pace, settings::Settings};

/// Events to be stored together or not at all, and who waits for that.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) events: Arc<Vec<NewEvent>>,
    /// About as many bytes as the events hold in memory.
    pub(crate) bytes: usize,
    pub(crate) queued: Instant,
    pub(crate) answer: oneshot::Sender<Outcome>,
}

/// The ways to a writer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lane {
    /// Small requests; a writer takes many at once.
    Live,
    /// Requests that a writer takes alone: large ones, and probes of a month that fails.
    Alone,
    /// Entries of a backlog. Whatever waits elsewhere goes first, but for one writer.
    Replay,
}

/// What one writer flushes at once. Returned to the queue when that is done.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) lane: Lane,
    pub(crate) requests: Vec<Request>,
    pub(crate) rows: usize,
}

/// What a writer finds in the queue.
pub(crate) enum Found {
    /// Something to do.
    Work(Work),
    /// Nothing that it may take at present.
    Nothing,
    /// Nothing, and nothing will come any more.
    End,
}

/// Why a request is not queued.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotQueued {
    /// There is no room.
    Full,
    /// The write path is closing.
    Closed,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) writers_active: usize,
    pub(crate) writers_wanted: usize,
    /// How long a small request that comes now has to expect to wait.
    pub(crate) delay: Duration,
    /// The same for a large one, which waits for other large ones, too.
    pub(crate) large_delay: Duration,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: Settings,
    state: Mutex<State>,
    wake: Notify,
}

impl Queue {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: Mutex::new(State {
                live: VecDeque::new(),
                alone: VecDeque::new(),
                replay: VecDeque::new(),
                rows: 0,
                live_rows: 0,
                bytes: 0,
                active: 0,
                active_alone: 0,
                active_replay: 0,
                live_at: None,
                pace: Pace::new(settings.writers_min, settings.writers_max),
                is_closed: false,
            }),
            wake: Notify::new(),
        }
    }

    /// Queues a request.
    pub(crate) fn push(&self, lane: Lane, request: Request) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(NotQueued::Closed);
        }
        match lane {
            // Bounded by those who replay: they wait for what they have taken.
            Lane::Replay => state.replay.push_back(request),
            Lane::Live | Lane::Alone => {
                let rows = state.rows + request.events.len();
                let bytes = state.bytes + request.bytes;
                if rows > self.settings.queue_rows_max || bytes > self.settings.queue_bytes_max {
                    return Err(NotQueued::Full);
                }
                (state.rows, state.bytes) = (rows, bytes);
                state.live_at = Some(Instant::now());
                match lane {
                    Lane::Alone => state.alone.push_back(request),
                    Lane::Live | Lane::Replay => {
                        state.live_rows += request.events.len();
                        state.live.push_back(request);
                    }
                }
            }
        }
        let is_due = state.next_lane(&self.settings).is_some();
        drop(state);
        if is_due {
            self.wake_one();
        }
        Ok(())
    }

    /// Takes as much as one writer flushes at once. What is taken must be [`finish`](Self::finish)ed,
    /// or have [`fail`](Self::fail)ed.
    pub(crate) fn take(&self) -> Found {
        let mut state = self.lock();
        let Some(lane) = state.next_lane(&self.settings) else {
            if state.is_closed && state.is_empty() {
                drop(state);
                // Others may be asleep since before the queue was empty.
                self.wake_one();
                return Found::End;
            }
            return Found::Nothing;
        };
        let work = state.take(lane, &self.settings);
        state.active += 1;
        match lane {
            Lane::Live => {}
            Lane::Alone => state.active_alone += 1,
            Lane::Replay => state.active_replay += 1,
        }
        let is_more = state.next_lane(&self.settings).is_some();
        drop(state);
        if is_more {
            self.wake_one();
        }
        Found::Work(work)
    }

    /// Notes that a writer is done with what it took, after `elapsed`.
    pub(crate) fn finish(&self, lane: Lane, rows: usize, elapsed: Duration) {
        let mut state = self.lock();
        state.release(lane);
        state.pace.flushed(rows, elapsed);
    }

    /// Notes that a writer is done with what it took, and failed. How long that took says how
    /// patient it was, and nothing about what others have to expect.
    pub(crate) fn fail(&self, lane: Lane) {
        self.lock().release(lane);
    }

    /// Wakes a writer if one should take what has waited for long.
    pub(crate) fn nudge(&self) {
        if self.lock().next_lane(&self.settings).is_some() {
            self.wake_one();
        }
    }

    /// Waits until there may be something to take.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Wakes the writer that was at work last: its session, and all the server keeps for it, are in
    /// the caches. By turns, writers that are not needed would take a fifth of the throughput.
    fn wake_one(&self) {
        self.wake.notify_last();
    }

    /// Wakes every writer, as when the queue is closed.
    fn wake_all(&self) {
        self.wake.notify_waiters();
        self.wake_one();
    }

    /// Takes nothing more in; what is in is still flushed.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.wake_all();
    }

    /// Takes out everything that waits, in order to tell those who wait that it is of no use.
    pub(crate) fn clear(&self) -> Vec<Request> {
        let mut state = self.lock();
        (state.rows, state.live_rows, state.bytes) = (0, 0, 0);
        let mut out: Vec<Request> = state.live.drain(..).collect();
        out.extend(state.alone.drain(..));
        out.extend(state.replay.drain(..));
        out
    }

    /// Takes out what has waited for too long.
    pub(crate) fn expire(&self) -> Vec<Request> {
        let queued_max = self.settings.queue_wait_max;
        let now = Instant::now();
        let mut state = self.lock();
        let mut out = Vec::new();
        let State {
            live,
            alone,
            rows,
            live_rows,
            bytes,
            ..
        } = &mut *state;
        let is_due = |head: &mut Request| head.queued + queued_max < now;
        while let Some(request) = live.pop_front_if(is_due) {
            *live_rows -= request.events.len();
            out.push(request);
        }
        while let Some(request) = alone.pop_front_if(is_due) {
            out.push(request);
        }
        for request in &out {
            *rows -= request.events.len();
            *bytes -= request.bytes;
        }
        out
    }

    /// Whether live requests are at work, wait, or will come in a moment.
    pub(crate) fn has_live_traffic(&self) -> bool {
        self.lock().has_live_traffic()
    }

    /// How full it is.
    pub(crate) fn level(&self) -> Level {
        let state = self.lock();
        // Where so many wait that it matters, they are a crowd.
        let writers = (2 * state.pace.writers()).min(self.settings.writers_max);
        let delay = |rows| {
            let flush_rows_max = self.settings.flush_rows_max;
            state.pace.delay(rows, writers, flush_rows_max)
        };
        Level {
            rows: state.rows,
            bytes: state.bytes,
            writers_active: state.active,
            writers_wanted: state.pace.writers(),
            delay: delay(state.live_rows),
            large_delay: delay(state.rows),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
