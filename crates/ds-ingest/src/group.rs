//! Group commit: requests that come at the same time share a transaction.
//!
//! There is no timer. A writer that becomes free takes what was queued while it was busy, so that a
//! lone request waits for nobody, and a crowd is flushed together.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ds_metrics::{BreakerName, catalog};
use ds_repository::Appended;
use ds_validation::NewEvent;
use futures_util::FutureExt;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    breaker::{Breaker, BreakerState, Pass, Temper},
    months::{EVENTS, Months},
    outcome::{NotAppended, Outcome, Unasked},
    port::{EventStore, EventWriter},
    queue::{Found, Lane, Level, NotQueued, Queue, Request, Work},
    settings::Settings,
};

/// A request of so many rows is flushed on its own.
const ALONE_ROWS_MIN: usize = 64;

/// How often what waited for too long is looked for, and the gauges are set.
const TICK: Duration = Duration::from_millis(50);

/// Three failures in a row are no accident; a second later the store may be back.
pub(crate) const STORE: Temper = Temper {
    failures_max: 3,
    pause_min: Duration::from_secs(1),
    pause_max: Duration::from_secs(2),
};

/// Who wants something stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// A client that waits.
    Live,
    /// A backlog.
    Replay,
}

/// The writers and what waits for them.
pub(crate) struct GroupCommit {
    shared: Arc<Shared>,
    writers: TaskTracker,
    ticking: CancellationToken,
}

struct Shared {
    queue: Queue,
    store: Breaker,
    months: Months,
    /// Rows that were stored since the start.
    stored: AtomicU64,
}

/// A request's way to the writers, and what it probes on it.
struct Permit {
    lane: Lane,
    store: Pass,
    months: Pass,
}

impl GroupCommit {
    /// Starts the writers. They connect when there is something to write.
    pub(crate) fn start<S: EventStore>(store: &Arc<S>, settings: Settings) -> Self {
        let shared = Arc::new(Shared {
            queue: Queue::new(settings),
            store: Breaker::new(STORE),
            months: Months::of(EVENTS),
            stored: AtomicU64::new(0),
        });
        let writers = TaskTracker::new();
        for _ in 0..settings.writers_max.max(1) {
            writers.spawn(write(Arc::clone(store), Arc::clone(&shared)));
        }
        writers.close();
        let ticking = CancellationToken::new();
        let (stop, ticks) = (ticking.clone(), Arc::clone(&shared));
        tokio::spawn(async move { stop.run_until_cancelled(tick(&ticks)).await });
        Self {
            shared,
            writers,
            ticking,
        }
    }

    /// Stores all of `events` or none. `bytes` is about what they hold in memory.
    pub(crate) async fn append(
        &self,
        events: &Arc<Vec<NewEvent>>,
        bytes: usize,
        origin: Origin,
    ) -> Outcome {
        let permit = self.shared.admit(events, origin)?;
        let (answer, answered) = oneshot::channel();
        let request = Request {
            events: Arc::clone(events),
            bytes,
            queued: Instant::now(),
            answer,
        };
        if let Err(reason) = self.shared.queue.push(permit.lane, request) {
            self.shared.give_back(&permit, events);
            return Err(match reason {
                NotQueued::Full => NotAppended::Overloaded,
                NotQueued::Closed => Unasked::Closed.into(),
            });
        }
        let lost = || Err(Unasked::WriterLost.into());
        answered.await.unwrap_or_else(|_| lost())
    }

    /// Whether the store takes anything.
    pub(crate) fn breaker(&self) -> BreakerState {
        self.shared.store.state()
    }

    /// Partitions that fail at present.
    pub(crate) fn failing_partitions(&self) -> Vec<String> {
        self.shared.months.failing()
    }

    /// Whether requests of clients are coming in.
    pub(crate) fn has_live_traffic(&self) -> bool {
        self.shared.queue.has_live_traffic()
    }

    /// How full the queue is.
    pub(crate) fn level(&self) -> Level {
        self.shared.queue.level()
    }

    /// Rows that were stored since the start, so that others know whether there is new work.
    pub(crate) fn stored(&self) -> u64 {
        self.shared.stored.load(Ordering::Relaxed)
    }

    /// Takes nothing more in, and waits until what is in has been flushed.
    pub(crate) async fn close(&self) {
        self.shared.queue.close();
        self.writers.wait().await;
        self.ticking.cancel();
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        self.shared.queue.close();
        self.ticking.cancel();
    }
}

impl Shared {
    /// Finds the lane for these events, if they may pass at all.
    fn admit(&self, events: &[NewEvent], origin: Origin) -> Result<Permit, NotAppended> {
        let store = self.store.ask();
        if store == Pass::Refused {
            return Err(Unasked::BreakerOpen.into());
        }
        let months = self.months.ask(events);
        let is_small = events.len() < ALONE_ROWS_MIN;
        let lane = match (months, origin) {
            // It may hang on a lock: nobody else must hang with it.
            (Pass::Probe | Pass::Refused, _) => Lane::Alone,
            (Pass::Free, Origin::Replay) => Lane::Replay,
            (Pass::Free, Origin::Live) if is_small => Lane::Live,
            (Pass::Free, Origin::Live) => Lane::Alone,
        };
        let permit = Permit {
            lane,
            store,
            months,
        };
        if months == Pass::Refused {
            self.give_back(&permit, events);
            return Err(Unasked::PartitionOpen.into());
        }
        Ok(permit)
    }

    /// Lets somebody else make the probes that `permit` stood for.
    fn give_back(&self, permit: &Permit, events: &[NewEvent]) {
        if permit.store == Pass::Probe {
            self.store.give_back();
        }
        if permit.months == Pass::Probe {
            self.months.give_back(events);
        }
    }

    /// Learns from a flush.
    fn judge(&self, requests: &[Request], outcomes: &[Outcome]) {
        let is_away = |outcome: &Outcome| matches!(outcome, Err(NotAppended::Unavailable(_)));
        if !outcomes.is_empty() && outcomes.iter().all(is_away) {
            if self.store.fail() {
                self.opened(outcomes);
            }
            return;
        }
        if self.store.succeed() {
            tracing::info!("Store works again");
        }
        for (request, outcome) in requests.iter().zip(outcomes) {
            match outcome {
                Ok(appended) => {
                    let rows = u64::try_from(appended.len()).unwrap_or(0);
                    self.stored.fetch_add(rows, Ordering::Relaxed);
                    self.months.succeed(&request.events);
                }
                Err(NotAppended::Partition { month, .. }) => {
                    self.months.fail(*month, &request.events);
                }
                Err(_) => {}
            }
        }
    }

    /// Tells everybody who waits that waiting is of no use.
    fn opened(&self, outcomes: &[Outcome]) {
        catalog::breaker_opened(BreakerName::Store).increment(1);
        let cause = outcomes.iter().find_map(|outcome| match outcome {
            Err(NotAppended::Unavailable(cause)) => Some(cause),
            Ok(_) | Err(_) => None,
        });
        tracing::error!(
            error = cause.map(|cause| &**cause as &dyn std::error::Error),
            "Store is unavailable: events are parked until it works again"
        );
        for request in self.queue.clear() {
            let _ = request.answer.send(Err(Unasked::BreakerOpen.into()));
        }
    }
}

/// The life of one writer.
async fn write<S: EventStore>(store: Arc<S>, shared: Arc<Shared>) {
    let mut writer = store.writer();
    loop {
        match shared.queue.take() {
            Found::Work(work) => {
                if !flush(&shared, &mut writer, work).await {
                    writer = store.writer();
                }
            }
            Found::Nothing => shared.queue.changed().await,
            Found::End => return,
        }
    }
}

/// Flushes `work` and answers everybody. Says whether the writer is still good.
async fn flush<W: EventWriter>(shared: &Shared, writer: &mut W, work: Work) -> bool {
    let started = Instant::now();
    let groups: Vec<&[NewEvent]> = work.requests.iter().map(|r| r.events.as_slice()).collect();
    // What a panic leaves behind is the writer, which is replaced.
    let appended = AssertUnwindSafe(writer.append(&groups))
        .catch_unwind()
        .await;
    let elapsed = started.elapsed();
    observe(&work, started, elapsed);
    let is_good = appended.is_ok();
    let mut outcomes: Vec<Outcome> = appended
        .unwrap_or_default()
        .into_iter()
        .map(|outcome: Result<Vec<Appended>, _>| outcome.map_err(NotAppended::from))
        .collect();
    outcomes.resize_with(work.requests.len(), || Err(Unasked::WriterLost.into()));
    if outcomes.iter().any(has_waited_in_vain) {
        shared.queue.fail(work.lane);
    } else {
        shared.queue.finish(work.lane, work.rows, elapsed);
    }
    shared.judge(&work.requests, &outcomes);
    for (request, outcome) in work.requests.into_iter().zip(outcomes) {
        // Nobody waits for it any more when the whole process is ending.
        let _ = request.answer.send(outcome);
    }
    is_good
}

/// Whether a flush took as long as it did because the store was waited for, not because it worked.
fn has_waited_in_vain(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Err(NotAppended::Unavailable(_) | NotAppended::Partition { .. } | NotAppended::Internal(_))
    )
}

fn observe(work: &Work, started: Instant, elapsed: Duration) {
    catalog::flush_rows().record(f64::from(u32::try_from(work.rows).unwrap_or(u32::MAX)));
    catalog::flush_duration().record(elapsed);
    if let Some(first) = work.requests.first() {
        catalog::queue_wait().record(started.duration_since(first.queued));
    }
}

/// Answers what has waited for too long, and sets the gauges, for ever.
async fn tick(shared: &Shared) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for request in shared.queue.expire() {
            catalog::queue_expired().increment(1);
            let _ = request.answer.send(Err(Unasked::Waited.into()));
        }
        shared.queue.nudge();
        let level = shared.queue.level();
        catalog::queue_rows().set(gauge(level.rows));
        catalog::queue_bytes().set(gauge(level.bytes));
        catalog::queue_delay().set(level.delay.as_secs_f64());
        catalog::writers_active().set(gauge(level.writers_active));
        catalog::writers_wanted().set(gauge(level.writers_wanted));
        catalog::breaker_state(BreakerName::Store).set(shared.store.state().gauge());
    }
}

fn gauge(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
