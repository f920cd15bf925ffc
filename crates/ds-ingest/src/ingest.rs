//! The write path as a whole: its parts, how they start and how they end.

use std::sync::Arc;

use ds_dlq::{Backlog, BacklogError, Parked, SharedError};
use ds_metrics::{BacklogName, BreakerName};
use ds_validation::Limits;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    actions::ActionCommit,
    admission::{Admission, Gate, Overloaded},
    breaker::BreakerState,
    group::GroupCommit,
    guard::Guard,
    notifications::Notifications,
    parking::{BacklogState, Berth},
    port::Ports,
    recent::RecentEvents,
    replay::Replay,
    settings::Settings,
    trail::{Trail, TrailBounds},
};

/// Puts into the queue that are under way at a time: while one waits to be made durable the next
/// one travels.
const QUEUE_PUTS: usize = 2;

/// Replays of the queue at a time: while one waits for the store, the other one reads and settles.
const QUEUE_REPLAYS: usize = 2;

/// The write path.
pub struct Ingest<P: Ports> {
    pub(crate) store: Arc<P::Store>,
    pub(crate) queue: Option<Berth<P::Queue>>,
    pub(crate) spool: Option<Berth<P::Spool>>,
    pub(crate) notification_queue: Option<Berth<P::Queue>>,
    pub(crate) group: Arc<GroupCommit>,
    pub(crate) notifications: Arc<Notifications<P::Store>>,
    pub(crate) actions: ActionCommit<P::Store>,
    pub(crate) workflows: Guard,
    pub(crate) limits: Limits,
    pub(crate) recent: RecentEvents,
    pub(crate) trail: Trail,
    clock: P::Clock,
    ids: P::Ids,
    gate: Arc<Gate>,
    replays: TaskTracker,
    stop_replays: CancellationToken,
}

/// What the write path stands on.
pub struct Parts<P: Ports> {
    /// The store.
    pub store: P::Store,
    /// Where events wait first while the store is away.
    pub queue: Option<Arc<P::Queue>>,
    /// Where they wait when the queue is away, too.
    pub spool: Option<Arc<P::Spool>>,
    /// Where notifications wait first.
    pub notification_queue: Option<Arc<P::Queue>>,
    /// The clock every rule is checked against.
    pub clock: P::Clock,
    /// The source of ids.
    pub ids: P::Ids,
    /// Bounds of events.
    pub limits: Limits,
    /// Bounds of the write path.
    pub settings: Settings,
}

/// Where the write path stands, for operators.
#[derive(Clone, Debug)]
pub struct IngestState {
    /// Whether the store takes events.
    pub store: BreakerState,
    /// Where the queue stands, if there is one.
    pub queue: Option<BacklogState>,
    /// Where the spool stands, if there is one.
    pub spool: Option<BacklogState>,
    /// Where the queue of notifications stands, if there is one.
    pub notification_queue: Option<BacklogState>,
    /// Partitions whose events or actions cannot be stored at present.
    pub failing_partitions: Vec<String>,
    /// Rows that wait for a writer.
    pub queued_rows: usize,
}

impl<P: Ports> Ingest<P> {
    /// Starts the writers. Replaying starts with [`start_replay`](Self::start_replay).
    pub fn start(parts: Parts<P>) -> Self {
        let Parts {
            store,
            queue,
            spool,
            notification_queue,
            clock,
            ids,
            limits,
            settings,
        } = parts;
        let store = Arc::new(store);
        let berth = |queue| Berth::start(BacklogName::Queue, queue, QUEUE_PUTS);
        // The spool has one disk to wait for.
        let locker = |spool| Berth::start(BacklogName::Spool, spool, 1);
        // They come seldom.
        let note = |queue| Berth::start(BacklogName::Notifications, queue, 1);
        let group = Arc::new(GroupCommit::start(&store, settings));
        let notifications = Notifications::new(Arc::clone(&store), Arc::clone(&group));
        let actions = ActionCommit::start(&store, &group);
        Self {
            actions,
            workflows: Guard::new(BreakerName::WorkflowStore, Arc::clone(&group)),
            group,
            notifications: Arc::new(notifications),
            queue: queue.map(berth),
            spool: spool.map(locker),
            notification_queue: notification_queue.map(note),
            store,
            limits,
            recent: RecentEvents::default(),
            trail: Trail::new(TrailBounds::default()),
            clock,
            ids,
            gate: Gate::new(&settings),
            replays: TaskTracker::new(),
            stop_replays: CancellationToken::new(),
        }
    }

    /// Starts replaying the backlogs, once the store is known to have the right schema.
    pub fn start_replay(&self) {
        if let Some(queue) = &self.queue {
            for _ in 0..QUEUE_REPLAYS {
                self.replay(BacklogName::Queue, queue);
            }
        }
        if let Some(spool) = &self.spool {
            // One, so that the order is kept.
            self.replay(BacklogName::Spool, spool);
        }
        if let Some(queue) = &self.notification_queue {
            self.replay(BacklogName::Notifications, queue);
        }
    }

    fn replay<B: Backlog>(&self, name: BacklogName, berth: &Berth<B>) {
        let replay = Replay {
            name,
            backlog: Arc::clone(berth.backlog()),
            store: Arc::clone(&self.store),
            group: Arc::clone(&self.group),
            notifications: Arc::clone(&self.notifications),
        };
        let stop = self.stop_replays.clone();
        self.replays.spawn(async move { replay.run(stop).await });
    }

    /// Asks for the right to send a write of so many bytes, before its body is read.
    pub fn admit(&self, body_bytes: usize) -> Result<Admission, Overloaded> {
        self.gate.admit(body_bytes, || self.group.level())
    }

    /// The clock every rule is checked against.
    pub fn clock(&self) -> &P::Clock {
        &self.clock
    }

    /// The source of ids.
    pub fn ids(&self) -> &P::Ids {
        &self.ids
    }

    /// The queue, for those who administer it.
    pub fn queue(&self) -> Option<&P::Queue> {
        self.queue.as_ref().map(|berth| &**berth.backlog())
    }

    /// The spool, for those who administer it.
    pub fn spool(&self) -> Option<&P::Spool> {
        self.spool.as_ref().map(|berth| &**berth.backlog())
    }

    /// The queue of notifications, likewise.
    pub fn notification_queue(&self) -> Option<&P::Queue> {
        let berth = self.notification_queue.as_ref()?;
        Some(&**berth.backlog())
    }

    /// Where the write path stands.
    pub fn state(&self) -> IngestState {
        let mut failing_partitions = self.group.failing_partitions();
        failing_partitions.extend(self.actions.failing_partitions());
        IngestState {
            store: self.group.breaker(),
            queue: self.queue.as_ref().map(Berth::state),
            spool: self.spool.as_ref().map(Berth::state),
            notification_queue: self.notification_queue.as_ref().map(Berth::state),
            failing_partitions,
            queued_rows: self.group.level().rows,
        }
    }

    /// Rows that were stored since the start.
    pub fn stored(&self) -> u64 {
        self.group.stored()
    }

    /// Refreshes what is known about the backlogs, metrics included.
    pub async fn survey(&self) -> Result<(), BacklogError> {
        let queue = match &self.queue {
            Some(queue) => queue.survey().await,
            None => Ok(()),
        };
        let spool = match &self.spool {
            Some(spool) => spool.survey().await,
            None => Ok(()),
        };
        let notifications = match &self.notification_queue {
            Some(queue) => queue.survey().await,
            None => Ok(()),
        };
        queue.and(spool).and(notifications)
    }

    /// Whether accepted events wait to be stored, as far as is known.
    pub(crate) fn holds_entries(&self) -> bool {
        let queue = self.queue.as_ref().is_some_and(Berth::holds_entries);
        queue || self.spool.as_ref().is_some_and(Berth::holds_entries)
    }

    /// Whether accepted notifications do.
    pub(crate) fn holds_notifications(&self) -> bool {
        let queue = self.notification_queue.as_ref();
        let queue = queue.is_some_and(Berth::holds_entries);
        queue || self.spool.as_ref().is_some_and(Berth::holds_entries)
    }

    /// Puts entries into `queue`, or else into the spool. `None` when there is neither.
    pub(crate) async fn park(
        &self,
        queue: Option<&Berth<P::Queue>>,
        entries: impl Fn() -> Vec<Parked>,
    ) -> Result<(), Option<SharedError>> {
        let mut last: Option<SharedError> = None;
        if let Some(queue) = queue {
            match queue.put(entries()).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(Arc::new(error)),
            }
        }
        if let Some(spool) = &self.spool {
            match spool.put(entries()).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(Arc::new(error)),
            }
        }
        Err(last)
    }

    /// Stops replaying: what a replay has in hand is finished, the rest stays where it is.
    pub async fn stop_replay(&self) {
        self.stop_replays.cancel();
        self.replays.close();
        self.replays.wait().await;
    }

    /// Ends the write path once nobody writes any more: what is queued is flushed, or parked.
    pub async fn close(&self) {
        self.stop_replay().await;
        self.actions.close().await;
        self.group.close().await;
        if let Some(queue) = &self.queue {
            queue.close().await;
        }
        if let Some(spool) = &self.spool {
            spool.close().await;
        }
        if let Some(queue) = &self.notification_queue {
            queue.close().await;
        }
    }
}
