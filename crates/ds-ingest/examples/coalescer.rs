//! The write path without HTTP: validation and group commit on a real store. `cargo xtask bench` runs
//! it; `coalescer <database> <waiters> <warm-up s> <measured s>` prints events a second.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ds_domain::{
    id::IdSource,
    time::{Clock, truncate_to_micros},
};
use ds_ingest::{Ingest, Parts, Settings, port::Ports, testing::MemoryBacklog};
use ds_repository::{Repository, settings::Settings as StoreSettings};
use jiff::Timestamp;
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Live remediations.
const CORRELATIONS: u64 = 20_000;

struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "ds-server's clock is above us")]
    fn now(&self) -> Timestamp {
        truncate_to_micros(Timestamp::now())
    }
}

struct Ids;

impl IdSource for Ids {
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

struct OnPostgres;

impl Ports for OnPostgres {
    type Store = Repository;
    type Queue = MemoryBacklog;
    type Spool = MemoryBacklog;
    type Clock = WallClock;
    type Ids = Ids;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let database = next()?;
    let waiters: usize = next()?.parse()?;
    let warm_up = Duration::from_secs_f64(next()?.parse()?);
    let time = Duration::from_secs_f64(next()?.parse()?);

    let settings = Settings::default();
    let mut store = StoreSettings::from_url(&database)?;
    store.write_connections_max = settings.writers_max;
    let ingest: Ingest<OnPostgres> = Ingest::start(Parts {
        store: Repository::new(store)?,
        queue: None,
        spool: None,
        notification_queue: None,
        clock: WallClock,
        ids: Ids,
        limits: ds_validation::Limits::default(),
        settings,
    });
    let (ingest, stored) = (Arc::new(ingest), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..waiters {
        tasks.spawn(wait_over_and_over(Arc::clone(&ingest), Arc::clone(&stored)));
    }
    tokio::select! {
        rate = measure(&stored, warm_up, time) => println!("{rate}"),
        // Waiters end only when an event is not stored.
        Some(ended) = tasks.join_next() => return Err(ended?.into()),
    }
    Ok(())
}

async fn measure(stored: &AtomicU64, warm_up: Duration, time: Duration) -> f64 {
    tokio::time::sleep(warm_up).await;
    let (before, begun) = (stored.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(time).await;
    let events = stored.load(Ordering::Relaxed) - before;
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    f64::from(events) / begun.elapsed().as_secs_f64()
}

/// Records events, each after the one before is durable; why one was not.
async fn wait_over_and_over(ingest: Arc<Ingest<OnPostgres>>, stored: Arc<AtomicU64>) -> String {
    loop {
        match ingest.record(body().as_bytes()).await {
            Ok(_) => stored.fetch_add(1, Ordering::Relaxed),
            Err(error) => return format!("an event was not stored: {error:?}"),
        };
    }
}

/// An event like those of the other measurements.
fn body() -> String {
    let now = WallClock.now();
    let (a, b) = Uuid::new_v4().as_u64_pair();
    let correlation = a % CORRELATIONS;
    let node = b % 256;
    format!(
        r#"{{"version":"1.0","event_type":"gateway.signal.received","event_timestamp":"{now}","event_category":"gateway","event_action":"received","event_outcome":"success","actor_type":"service","actor_id":"gateway-service","resource_type":"Signal","resource_id":"fp-{b:016x}","correlation_id":"bench-{correlation:05}","namespace":"shop-{node:02x}","cluster_name":"edge-1","severity":"info","event_data":{{"alert_name":"KubePodCrashLooping","signal_type":"prometheus-alert","signal_fingerprint":"{a:024x}","namespace":"shop-{node:02x}","cluster":"edge-1","resource":{{"kind":"Deployment","name":"checkout-{node:03x}","api_version":"apps/v1"}},"labels":{{"app":"checkout","team":"payments","severity":"critical","pod":"checkout-7d9f8b-{correlation:05}","node":"node-{node:02x}"}},"is_duplicate":false,"occurrences":{node},"action":"created_crd","crd_name":"rr-{b:012x}","latency_ms":1{node},"annotations":{{"runbook":"KubePodCrashLooping"}}}}}}"#
    )
}
