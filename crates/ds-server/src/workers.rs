//! The background workers: a table, one file each, one loop that runs them all.

mod backlogs;
mod metrics_upkeep;
pub(crate) mod partitions;
pub(crate) mod pending_lists;
mod pools;

use std::{error::Error, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use ds_domain::time::Clock;
use ds_http::Service;
use ds_metrics::{Exporter, Outcome, Worker, catalog};
use ds_repository::Repository;
use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{chain::Chain, clock::SystemClock, config::PartitionSettings, wiring::Production};

use pending_lists::PendingLists;

/// Longest wait after a failed pass; a shorter period stays as it is.
const RETRY: Duration = Duration::from_secs(15);

/// Shortest wait after a failed pass, however short the period: an outage is not a reason to knock and
/// to log several times a second.
const RETRY_MIN: Duration = Duration::from_secs(5);

/// What workers work on. They take no other input: what to do is read from the store.
pub(crate) struct Ground {
    /// The store.
    pub repository: Repository,
    /// How far ahead the table is prepared.
    pub partitions: PartitionSettings,
    /// What inserts have left beside the indexes.
    pub pending_lists: PendingLists,
    /// The write path, and what stands on it.
    pub service: Arc<Service<Production>>,
    /// The recorder of metrics.
    pub exporter: Exporter,
}

/// Why a pass failed.
type Failure = Box<dyn Error + Send + Sync>;

/// One pass of a worker.
type Pass = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// One line of the table.
struct Row {
    worker: Worker,
    /// Time from the end of a pass to the start of the next.
    period: fn(&Ground) -> Duration,
    /// Longest pass.
    budget: Duration,
    pass: fn(Arc<Ground>) -> Pass,
}

const WORKERS: &[Row] = &[
    Row {
        worker: Worker::Partitions,
        period: |ground| ground.partitions.interval,
        budget: Duration::from_secs(30),
        pass: |ground| {
            Box::pin(async move {
                Ok(partitions::pass(&ground.repository, &ground.partitions, &SystemClock).await?)
            })
        },
    },
    Row {
        worker: Worker::PendingLists,
        period: |_| Duration::from_millis(200),
        budget: Duration::from_secs(10),
        pass: |ground| {
            Box::pin(async move {
                let lists = &ground.pending_lists;
                Ok(pending_lists::pass(&ground.repository, lists, &SystemClock).await?)
            })
        },
    },
    Row {
        worker: Worker::Backlogs,
        period: |_| Duration::from_secs(2),
        budget: Duration::from_secs(10),
        pass: |ground| Box::pin(async move { Ok(backlogs::pass(&ground.service).await?) }),
    },
    Row {
        worker: Worker::Pools,
        period: |_| Duration::from_secs(5),
        budget: Duration::from_secs(5),
        pass: |ground| Box::pin(async move { Ok(pools::pass(&ground.repository).await?) }),
    },
    Row {
        worker: Worker::MetricsUpkeep,
        period: |_| Duration::from_secs(5),
        budget: Duration::from_secs(5),
        pass: |ground| Box::pin(async move { Ok(metrics_upkeep::pass(&ground.exporter).await?) }),
    },
];

/// The running workers.
pub(crate) struct Workers {
    stop: CancellationToken,
    running: TaskTracker,
}

impl Workers {
    /// Starts every worker of the table; the first passes are one period away.
    pub(crate) fn start(ground: Ground) -> Self {
        let ground = Arc::new(ground);
        let workers = Self {
            stop: CancellationToken::new(),
            running: TaskTracker::new(),
        };
        for row in WORKERS {
            let ground = Arc::clone(&ground);
            let period = (row.period)(&ground);
            let pass = move || (row.pass)(Arc::clone(&ground));
            let stop = workers.stop.clone();
            workers
                .running
                .spawn(run(row.worker, period, row.budget, SystemClock, stop, pass));
        }
        workers.running.close();
        workers
    }

    /// Asks all workers to stop and waits until they have: a pass that runs is finished.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.running.wait().await;
    }
}

/// Runs one worker until it is stopped.
async fn run<F>(
    worker: Worker,
    period: Duration,
    budget: Duration,
    clock: impl Clock,
    stop: CancellationToken,
    pass: impl Fn() -> F,
) where
    F: Future<Output = Result<(), Failure>>,
{
    let mut wait = period;
    while stop
        .run_until_cancelled(tokio::time::sleep(wait))
        .await
        .is_some()
    {
        let is_done = match tokio::time::timeout(budget, attempt(&pass)).await {
            Ok(Ok(Ok(()))) => true,
            // The panic has been reported where it happened, and the worker lives on.
            Ok(Err(_panic)) => false,
            Ok(Ok(Err(error))) => {
                report(worker, &Chain(&*error).to_string());
                false
            }
            Err(_elapsed) => {
                report(worker, &format!("took longer than {budget:?}"));
                false
            }
        };
        count(worker, is_done, &clock);
        wait = if is_done {
            period
        } else {
            period.clamp(RETRY_MIN, RETRY)
        };
    }
}

/// One pass, panics included.
async fn attempt<F: Future>(pass: &impl Fn() -> F) -> std::thread::Result<F::Output> {
    // A pass shares nothing with the next but pools and atomics, which stay usable.
    AssertUnwindSafe(pass()).catch_unwind().await
}

fn report(worker: Worker, error: &str) {
    let name = worker.as_str();
    tracing::warn!(
        worker = name,
        error,
        "Pass of worker {name} failed: {error}"
    );
}

/// Counts a pass of `worker`.
pub(crate) fn count(worker: Worker, is_done: bool, clock: &impl Clock) {
    let outcome = if is_done {
        Outcome::Success
    } else {
        Outcome::Failure
    };
    catalog::worker_passes(worker, outcome).increment(1);
    if is_done {
        let seconds = clock.now().as_duration().as_secs_f64();
        catalog::worker_last_success(worker).set(seconds);
    }
}

#[cfg(test)]
mod tests;
