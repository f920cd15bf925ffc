//! Who goes next: how many writers each lane may have at a time.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Lane, Request, Work};
use crate::{pace::Pace, settings::Settings};

/// A flush of so many rows is about as efficient as one can be.
const CROWD_ROWS: usize = 64;

/// Writers that a crowd may have even where one is enough for the usual traffic.
const CROWD_WRITERS: usize = 4;

/// Large flushes keep a processor of the database busy for milliseconds: one more is prepared, sent or
/// committed meanwhile.
const LARGE_WRITERS: usize = 2;

/// Flushes take milliseconds. What has waited for so long waits for one that hangs.
pub(super) const LONG_WAIT: Duration = Duration::from_millis(50);

/// For so long after a live request the next one is expected.
const LIVE_TRAFFIC: Duration = Duration::from_millis(20);

/// What waits, and who is at work.
#[derive(Debug)]
pub(super) struct State {
    pub(super) live: VecDeque<Request>,
    pub(super) alone: VecDeque<Request>,
    pub(super) replay: VecDeque<Request>,
    /// Over the lanes of live traffic.
    pub(super) rows: usize,
    /// In the lane of small requests alone.
    pub(super) live_rows: usize,
    pub(super) bytes: usize,
    pub(super) active: usize,
    pub(super) active_alone: usize,
    pub(super) active_replay: usize,
    /// When the last live request came.
    pub(super) live_at: Option<Instant>,
    pub(super) pace: Pace,
    pub(super) is_closed: bool,
}

impl State {
    /// One writer less is at work.
    pub(super) fn release(&mut self, lane: Lane) {
        self.active -= 1;
        match lane {
            Lane::Live => {}
            Lane::Alone => self.active_alone -= 1,
            Lane::Replay => self.active_replay -= 1,
        }
    }

    /// Where one more writer should take from.
    pub(super) fn next_lane(&self, settings: &Settings) -> Option<Lane> {
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

    /// Backlogs have what nobody else wants, and one writer beside live traffic.
    fn replay_may_start(&self) -> bool {
        let limit = match self.has_live_traffic() {
            true => 1,
            false => self.pace.writers().max(LARGE_WRITERS),
        };
        !self.replay.is_empty() && self.active_replay < limit
    }

    /// Whether backlogs would get nowhere behind live traffic.
    fn replay_starves(&self) -> bool {
        self.active > 0 && self.active_replay == 0 && !self.replay.is_empty()
    }

    /// Whether live requests are at work, wait, or will come in a moment: between two of them there
    /// is no gap for a large flush or a second one.
    pub(super) fn has_live_traffic(&self) -> bool {
        let waits = !self.live.is_empty() || !self.alone.is_empty();
        let came_lately = |at: Instant| at.elapsed() < LIVE_TRAFFIC;
        self.active > self.active_replay || waits || self.live_at.is_some_and(came_lately)
    }

    pub(super) fn take(&mut self, lane: Lane, settings: &Settings) -> Work {
        let is_busy = self.has_live_traffic();
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

    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.alone.is_empty() && self.replay.is_empty()
    }
}
