//! Requests that wait for a writer: bounded in rows and bytes, in three lanes.

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

use crate::{outcome::Outcome, pace::Pace, settings::Settings};

/// A flush of so many rows is about as efficient as one can be.
const CROWD_ROWS: usize = 64;

/// Writers that a crowd may have even where one is enough for the usual traffic.
const CROWD_WRITERS: usize = 4;

/// Large flushes keep a processor of the database busy for milliseconds: one more is prepared, sent or
/// committed meanwhile.
const LARGE_WRITERS: usize = 2;

/// Flushes take milliseconds. What has waited for so long waits for one that hangs.
const LONG_WAIT: Duration = Duration::from_millis(50);

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

#[derive(Debug)]
struct State {
    live: VecDeque<Request>,
    alone: VecDeque<Request>,
    replay: VecDeque<Request>,
    /// Over the lanes of live traffic.
    rows: usize,
    /// In the lane of small requests alone.
    live_rows: usize,
    bytes: usize,
    active: usize,
    active_alone: usize,
    active_replay: usize,
    pace: Pace,
    is_closed: bool,
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

impl State {
    /// One writer less is at work.
    fn release(&mut self, lane: Lane) {
        self.active -= 1;
        match lane {
            Lane::Live => {}
            Lane::Alone => self.active_alone -= 1,
            Lane::Replay => self.active_replay -= 1,
        }
    }

    /// Where one more writer should take from.
    fn next_lane(&self, settings: &Settings) -> Option<Lane> {
        if self.active >= settings.writers_max.max(1) {
            return None;
        }
        let small = self.live.front().filter(|_| self.live_may_start(settings));
        let large = self
            .alone
            .front()
            .filter(|_| self.alone_may_start(settings));
        match (small, large) {
            (Some(small), Some(large)) if large.queued < small.queued => Some(Lane::Alone),
            (Some(_), _) if self.replay_starves() => Some(Lane::Replay),
            (Some(_), _) => Some(Lane::Live),
            (None, Some(_)) => Some(Lane::Alone),
            (None, None) => self.replay_may_start().then_some(Lane::Replay),
        }
    }

    /// Small requests never wait for others alone, nor for a flush that hangs; and a crowd may have
    /// more writers than are worth it as long as that does not make the flushes small.
    fn live_may_start(&self, settings: &Settings) -> bool {
        let active = self.active - self.active_alone - self.active_replay;
        let writers = self.pace.writers();
        let crowds = self.live_rows / CROWD_ROWS.min(settings.flush_rows_max).max(1);
        let crowd_writers = (writers + crowds).min(CROWD_WRITERS.max(2 * writers));
        let waits_long = |head: &Request| head.queued.elapsed() >= LONG_WAIT;
        active == 0 || self.active < crowd_writers || self.live.front().is_some_and(waits_long)
    }

    /// Large requests leave a writer to small ones.
    fn alone_may_start(&self, settings: &Settings) -> bool {
        let others = settings.writers_max.saturating_sub(1);
        let writers = self.pace.writers().max(LARGE_WRITERS);
        self.active_alone < writers.min(others).max(1)
    }

    /// Backlogs have what nobody else wants, and one writer where everybody is busy.
    fn replay_may_start(&self) -> bool {
        let is_wanted = !self.live.is_empty() || !self.alone.is_empty();
        let limit = match is_wanted {
            true => 1,
            false => self.pace.writers().max(LARGE_WRITERS),
        };
        !self.replay.is_empty() && self.active_replay < limit
    }

    /// Whether backlogs would get nowhere behind live traffic.
    fn replay_starves(&self) -> bool {
        self.active > 0 && self.active_replay == 0 && !self.replay.is_empty()
    }

    fn take(&mut self, lane: Lane, settings: &Settings) -> Work {
        let is_busy = self.active > self.active_replay || self.live_rows > 0;
        let (queue, rows_max) = match lane {
            Lane::Live => (&mut self.live, settings.flush_rows_max),
            Lane::Alone => (&mut self.alone, 1),
            // Beside live traffic a flush is short: it competes for the same processors.
            Lane::Replay if is_busy => (&mut self.replay, CROWD_ROWS.min(settings.flush_rows_max)),
            Lane::Replay => (&mut self.replay, settings.flush_rows_max),
        };
        let mut work = Work {
            lane,
            requests: Vec::new(),
            rows: 0,
        };
        let mut bytes = 0;
        while let Some(request) = queue.pop_front_if(|next| {
            let is_first = work.requests.is_empty();
            let fits = work.rows + next.events.len() <= rows_max
                && bytes + next.bytes <= settings.flush_bytes_max;
            is_first || fits
        }) {
            work.rows += request.events.len();
            bytes += request.bytes;
            work.requests.push(request);
        }
        if lane == Lane::Live {
            self.live_rows -= work.rows;
        }
        if lane != Lane::Replay {
            self.rows -= work.rows;
            self.bytes -= bytes;
        }
        work
    }

    fn is_empty(&self) -> bool {
        self.live.is_empty() && self.alone.is_empty() && self.replay.is_empty()
    }
}

#[cfg(test)]
mod tests;
