//! Load: many clients at work, measured over windows of time.
//!
//! In a closed loop each client sends as soon as its answer is there, which finds the most that can
//! be served. In an open loop requests fall due at a fixed rate and their latency counts from then,
//! so that a stall is felt by all that should have been sent during it.

mod http;
mod pace;
mod tally;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};
use tokio::task::JoinHandle;

pub(super) use http::{Connection, HttpClient};
pub(super) use pace::Pace;
pub(super) use tally::{BROKEN, Done, Measured, count};

use pace::Pacing;
use tally::Tally;

/// Tallies the clients share, so that they seldom meet and the histograms stay in the caches.
const SHARDS: usize = 8;

/// How often a measurement looks whether a client has failed.
const GLANCE: Duration = Duration::from_millis(50);

/// Who asks.
pub(super) trait Client: Send + 'static {
    /// One request and its answer. An error ends the run.
    fn once(&mut self) -> impl Future<Output = Result<Done>> + Send;
}

/// Clients at work. Dropped, they are cut off.
pub(super) struct Load {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    pacing: Option<Arc<Pacing>>,
}

struct Shared {
    shards: [Mutex<Tally>; SHARDS],
    /// When the measurement began that is going on.
    since: Mutex<Instant>,
    ends: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Load {
    /// Every client asks again as soon as it is answered.
    pub(super) fn closed<C: Client>(clients: Vec<C>) -> Self {
        Self::start(clients, None)
    }

    /// Requests fall due at a pace, and the next free client sends them.
    pub(super) fn open<C: Client>(clients: Vec<C>, pace: Pace) -> Self {
        Self::start(clients, Some(Pacing::start(pace)))
    }

    fn start<C: Client>(clients: Vec<C>, pacing: Option<Arc<Pacing>>) -> Self {
        let shared = Arc::new(Shared {
            shards: std::array::from_fn(|_| Mutex::new(Tally::new())),
            since: Mutex::new(Instant::now()),
            ends: AtomicBool::new(false),
            failure: Mutex::default(),
        });
        let work = |(number, client)| {
            let worker = Worker {
                client,
                shared: Arc::clone(&shared),
                shard: number % SHARDS,
            };
            match &pacing {
                None => tokio::spawn(worker.run()),
                Some(pacing) => tokio::spawn(worker.run_at_pace(Arc::clone(pacing))),
            }
        };
        let tasks = clients.into_iter().enumerate().map(work).collect();
        Self {
            shared,
            tasks,
            pacing,
        }
    }

    /// Measures for `time`, and what was answered since the last measurement with it.
    pub(super) async fn measure(&self, time: Duration) -> Result<Measured> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(left.min(GLANCE)).await;
            self.check()?;
        }
        Ok(self.shared.drain())
    }

    /// Lets the clients finish what they have begun.
    pub(super) async fn stop(self) -> Result<()> {
        self.finish().await.map(|_| ())
    }

    /// The same; what was measured since the last measurement.
    pub(super) async fn finish(mut self) -> Result<Measured> {
        self.end();
        for task in std::mem::take(&mut self.tasks) {
            task.await.map_err(|error| anyhow!(error))?;
        }
        self.check()?;
        Ok(self.shared.drain())
    }

    /// Warms up, measures and stops.
    pub(super) async fn run(self, warm_up: Duration, time: Duration) -> Result<Measured> {
        self.measure(warm_up).await?;
        let measured = self.measure(time).await?;
        self.stop().await?;
        Ok(measured)
    }

    fn end(&self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(pacing) = &self.pacing {
            pacing.end();
        }
    }

    fn check(&self) -> Result<()> {
        let failure = self.shared.failure.lock();
        match failure.unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn drain(&self) -> Measured {
        let mut sum = Tally::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.drain_into(&mut sum);
        }
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = std::mem::replace(&mut *since, Instant::now());
        Measured::new(sum, begun.elapsed())
    }

    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }
}

struct Worker<C> {
    client: C,
    shared: Arc<Shared>,
    shard: usize,
}

impl<C: Client> Worker<C> {
    async fn run(mut self) {
        while !self.shared.ends() {
            let begun = Instant::now();
            if self.once(begun).await.is_err() {
                return;
            }
        }
    }

    async fn run_at_pace(mut self, pacing: Arc<Pacing>) {
        while let Some(due) = pacing.next().await {
            if self.shared.ends() || self.once(due).await.is_err() {
                return;
            }
        }
    }

    /// `Err` when the run is over because of this request.
    async fn once(&mut self, since: Instant) -> Result<(), ()> {
        match self.client.once().await {
            Ok(done) => {
                let shard = self.shared.shards[self.shard].lock();
                let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
                shard.count(done, since.elapsed());
                Ok(())
            }
            Err(error) => {
                let failure = self.shared.failure.lock();
                // The first says why; those after it only follow.
                failure
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
                self.shared.ends.store(true, Ordering::Relaxed);
                Err(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
