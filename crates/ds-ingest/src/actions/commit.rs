//! Group commit of actions: requests that come at the same time share a statement.
//!
//! As with events there is no timer: a worker that becomes free takes what was queued while it was
//! busy. It is a smaller thing than the writers of events, because the store does more of the work: one
//! statement is the whole transaction, so a pooled connection will do, and there is one lane. It shares
//! the connections of records, so that actions never take a writer from events.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use ds_domain::month::Month;
use ds_metrics::{BreakerName, Refusal, catalog};
use ds_repository::ActionKept;
use ds_validation::ValidAction;
use futures_util::FutureExt;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::ActionError;
use crate::{
    admission::overloaded,
    breaker::{Breaker, BreakerState, Pass},
    group::GroupCommit,
    months::{ACTIONS, Months},
    outcome::{NotAppended, Unasked},
    port::ActionStore,
};

/// Workers: as many as there are connections for records.
const WORKERS: usize = 2;

/// Most rows of one statement, unless a single request has more.
const ROWS_MAX: usize = 500;

/// Requests that wait; one more is refused as overload. What they hold is bounded with all bodies that
/// are being answered.
const REQUESTS_MAX: usize = 1_024;

/// Most months that one request can need: what is accepted spans less than two.
const MONTHS_MAX: usize = 3;

/// What became of a request.
pub(super) type Outcome = Result<Vec<ActionKept>, NotAppended>;

/// Actions to be stored together or not at all, and who waits for that.
struct Request {
    actions: Arc<Vec<ValidAction>>,
    answer: oneshot::Sender<Outcome>,
}

/// The way to the table of actions.
pub(crate) struct ActionCommit<S> {
    shared: Arc<Shared<S>>,
    requests: mpsc::Sender<Request>,
    workers: TaskTracker,
    stop: CancellationToken,
}

struct Shared<S> {
    store: Arc<S>,
    group: Arc<GroupCommit>,
    breaker: Breaker,
    months: Months,
    waiting: Mutex<Waiting>,
}

/// What a worker takes from, one at a time.
struct Waiting {
    requests: mpsc::Receiver<Request>,
    /// One that found no room in the last flush.
    next: Option<Request>,
}

impl<S: ActionStore> ActionCommit<S> {
    /// Starts the workers.
    pub(crate) fn start(store: &Arc<S>, group: &Arc<GroupCommit>) -> Self {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let shared = Arc::new(Shared {
            store: Arc::clone(store),
            group: Arc::clone(group),
            breaker: Breaker::new(crate::group::STORE),
            months: Months::of(ACTIONS),
            waiting: Mutex::new(Waiting {
                requests: receiver,
                next: None,
            }),
        });
        let (workers, stop) = (TaskTracker::new(), CancellationToken::new());
        for _ in 0..WORKERS {
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            workers.spawn(async move { work(&shared, &stop).await });
        }
        workers.close();
        Self {
            shared,
            requests,
            workers,
            stop,
        }
    }

    /// Stores all of `actions` or none.
    pub(super) async fn insert(
        &self,
        actions: Arc<Vec<ValidAction>>,
    ) -> Result<Vec<ActionKept>, ActionError> {
        if self.shared.months.ask(&actions) == Pass::Refused {
            return Err(NotAppended::from(Unasked::PartitionOpen).into());
        }
        let (answer, answered) = oneshot::channel();
        if let Err(refused) = self.requests.try_send(Request { actions, answer }) {
            return Err(match refused {
                mpsc::error::TrySendError::Full(_) => {
                    let delay = self.shared.group.level().delay;
                    overloaded(Refusal::QueueFull, delay).into()
                }
                mpsc::error::TrySendError::Closed(_) => NotAppended::from(Unasked::Closed).into(),
            });
        }
        let lost = || Err(Unasked::WriterLost.into());
        Ok(answered.await.unwrap_or_else(|_| lost())?)
    }

    /// Asks the store for something else, when it is worth it.
    pub(super) async fn ask<T, E>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
        is_away: impl Fn(&E) -> bool,
    ) -> Result<Result<T, E>, NotAppended> {
        self.shared.admit()?;
        let outcome = asking.await;
        self.shared.judge(outcome.as_ref().is_err_and(is_away));
        Ok(outcome)
    }

    /// Partitions that fail at present.
    pub(crate) fn failing_partitions(&self) -> Vec<String> {
        self.shared.months.failing()
    }

    /// Takes nothing more in, and waits until what is in has been answered.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.workers.wait().await;
    }
}

impl<S> Drop for ActionCommit<S> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl<S> Shared<S> {
    /// Whether the store is worth asking. What the writers of events know holds here, too; the other
    /// way round it does not, because this table can fail alone.
    fn admit(&self) -> Result<(), NotAppended> {
        let is_away = self.group.breaker() == BreakerState::Open;
        if is_away || self.breaker.ask() == Pass::Refused {
            return Err(Unasked::BreakerOpen.into());
        }
        Ok(())
    }

    fn judge(&self, is_away: bool) {
        if is_away {
            if self.breaker.fail() {
                catalog::breaker_opened(BreakerName::ActionStore).increment(1);
                tracing::error!("Actions cannot be stored: they are refused until they can");
            }
        } else if self.breaker.succeed() {
            tracing::info!("Actions can be stored again");
        }
        let state = self.breaker.state().gauge();
        catalog::breaker_state(BreakerName::ActionStore).set(state);
    }

    /// The next request, and what else there is room for beside it.
    async fn take(&self) -> Option<Vec<Request>> {
        let mut waiting = self.waiting.lock().await;
        let first = match waiting.next.take() {
            Some(request) => request,
            None => waiting.requests.recv().await?,
        };
        let mut rows = first.actions.len();
        let mut taken = vec![first];
        while let Ok(request) = waiting.requests.try_recv() {
            rows += request.actions.len();
            if rows > ROWS_MAX {
                waiting.next = Some(request);
                break;
            }
            taken.push(request);
        }
        Some(taken)
    }
}

impl<S: ActionStore> Shared<S> {
    /// Makes the partition of a month that was missing; says whether it is there.
    async fn make(&self, month: Month) -> bool {
        let partition = self.months.partition(month);
        match self.store.ensure_action_partition(month).await {
            Ok(is_new) => {
                if is_new {
                    catalog::partition_failures(partition.clone()).increment(1);
                    tracing::warn!(partition, "Partition {partition} was missing: it is made");
                }
                true
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    partition,
                    "Partition {partition} is missing and cannot be made"
                );
                false
            }
        }
    }
}

/// The life of one worker. Asked to stop it answers what waits, and lets nothing more in.
async fn work<S: ActionStore>(shared: &Shared<S>, stop: &CancellationToken) {
    loop {
        let taken = match stop.run_until_cancelled(shared.take()).await {
            Some(taken) => taken,
            None => {
                shared.waiting.lock().await.requests.close();
                shared.take().await
            }
        };
        let Some(requests) = taken else { return };
        if let Err(refused) = shared.admit() {
            for request in requests {
                let _ = request.answer.send(Err(refused.clone()));
            }
            continue;
        }
        flush(shared, requests).await;
    }
}

/// Stores the requests and answers everybody.
async fn flush<S: ActionStore>(shared: &Shared<S>, requests: Vec<Request>) {
    let mut outcomes = insert(shared, &requests.iter().collect::<Vec<_>>()).await;
    for _ in 0..MONTHS_MAX {
        if !mend(shared, &requests, &mut outcomes).await {
            break;
        }
    }
    let is_away = |outcome: &Outcome| matches!(outcome, Err(NotAppended::Unavailable(_)));
    shared.judge(outcomes.iter().all(is_away));
    for (request, outcome) in requests.into_iter().zip(outcomes) {
        match &outcome {
            Ok(_) => shared.months.succeed(&request.actions),
            Err(NotAppended::Partition { month, .. }) => {
                shared.months.fail(*month, &request.actions);
            }
            Err(_) => {}
        }
        // Nobody waits for it any more when the whole process is ending.
        let _ = request.answer.send(outcome);
    }
}

/// Makes the partitions that were missing, and stores what was refused for that. Says whether anything
/// was done.
async fn mend<S: ActionStore>(
    shared: &Shared<S>,
    requests: &[Request],
    outcomes: &mut [Outcome],
) -> bool {
    let mut made = BTreeMap::new();
    for outcome in outcomes.iter() {
        if let Err(NotAppended::Partition { month, .. }) = outcome
            && !made.contains_key(month)
        {
            made.insert(*month, shared.make(*month).await);
        }
    }
    let is_mended = |outcome: &Outcome| match outcome {
        Err(NotAppended::Partition { month, .. }) => made.get(month) == Some(&true),
        Ok(_) | Err(_) => false,
    };
    let pairs = requests.iter().zip(outcomes.iter_mut());
    let (again, places): (Vec<_>, Vec<_>) = pairs.filter(|(_, it)| is_mended(it)).unzip();
    if again.is_empty() {
        return false;
    }
    let stored = insert(shared, &again).await;
    for (place, outcome) in places.into_iter().zip(stored) {
        *place = outcome;
    }
    true
}

/// Asks the store to keep the requests, each whole or not at all.
async fn insert<S: ActionStore>(shared: &Shared<S>, requests: &[&Request]) -> Vec<Outcome> {
    let groups: Vec<&[ValidAction]> = requests.iter().map(|it| it.actions.as_slice()).collect();
    let inserting = AssertUnwindSafe(shared.store.insert_actions(&groups));
    // A panic leaves nothing behind: the connection is dropped with the statement.
    let inserted = inserting.catch_unwind().await.unwrap_or_default();
    let mut outcomes: Vec<Outcome> = inserted
        .into_iter()
        .map(|outcome| outcome.map_err(NotAppended::from))
        .collect();
    outcomes.resize_with(requests.len(), || Err(Unasked::WriterLost.into()));
    outcomes
}
