//! The pace of an open loop.
//!
//! A thread of its own sleeps until requests fall due, because the runtime's timer counts in
//! milliseconds, which is longer than most requests take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::count;

/// Shortest sleep of the thread: it costs a wake-up each, and several requests may fall due at once.
const NAP_MIN: Duration = Duration::from_micros(100);
/// And the longest, so that it notices the end.
const NAP_MAX: Duration = Duration::from_millis(20);

/// How requests fall due.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) enum Pace {
    /// So many a second. One that finds no free client is sent late, and its latency shows it.
    Steady(f64),
    /// So many a second while clients are free. What finds none is not sent, and latency counts from
    /// the sending: for offering more than can be answered.
    Flood(f64),
}

/// A pace being kept.
pub(super) struct Pacing {
    pace: Pace,
    due: Semaphore,
    begun: Instant,
    next: AtomicU64,
    ends: AtomicBool,
}

impl Pacing {
    /// Begins.
    pub(super) fn start(pace: Pace) -> Arc<Self> {
        let pacing = Arc::new(Self {
            pace,
            due: Semaphore::new(0),
            begun: Instant::now(),
            next: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        });
        let keeping = Arc::clone(&pacing);
        thread::spawn(move || keeping.keep());
        pacing
    }

    /// Waits for the next request to fall due; says when it did, `None` at the end.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some(match self.pace {
            Pace::Steady(rate) => self.begun + Duration::from_secs_f64(count(number) / rate),
            Pace::Flood(_) => Instant::now(),
        })
    }

    /// Ends.
    pub(super) fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
        self.due.close();
    }

    fn keep(&self) {
        let (rate, backlog_max) = match self.pace {
            Pace::Steady(rate) => (rate, Semaphore::MAX_PERMITS),
            // What falls due during one nap finds its clients after it.
            Pace::Flood(rate) => (rate, whole(rate * 2e-3).max(16)),
        };
        let mut released = 0;
        while !self.ends.load(Ordering::Relaxed) {
            let due = whole(self.begun.elapsed().as_secs_f64() * rate) + 1;
            let room = backlog_max.saturating_sub(self.due.available_permits());
            self.due.add_permits((due - released).min(room));
            released = due;
            let at = self.begun + Duration::from_secs_f64(count(released as u64) / rate);
            let nap = at.saturating_duration_since(Instant::now());
            thread::sleep(nap.clamp(NAP_MIN, NAP_MAX));
        }
    }
}

/// The whole part of a number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts to integers saturate"
)]
fn whole(number: f64) -> usize {
    number as usize
}
