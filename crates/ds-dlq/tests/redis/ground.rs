//! Queues to test on.

use std::time::{Duration, Instant};

use ds_dlq::{
    Backlog, Delivery, DurabilityPolicy, EntryId, LEASE, Parked, RedisQueue, RedisSettings, Stream,
    testing,
};
use ds_testkit::RedisClient;
use jiff::Timestamp;
use uuid::Uuid;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Settings on the server at `url`, with names of their own.
pub(crate) fn settings(url: &str) -> RedisSettings {
    let address = url.trim_start_matches("redis://");
    let (host, port) = address.split_once(':').unwrap();
    RedisSettings {
        host: host.to_owned(),
        port: port.trim_end_matches('/').parse().unwrap(),
        database: 0,
        password: None,
        prefix: format!("test-{}:dlq", Uuid::new_v4().simple()),
        group: "replay".to_owned(),
        consumer: "one".to_owned(),
        entries_max: 100_000,
        bytes_max: 1 << 30,
        durability: DurabilityPolicy::Report,
        lease: LEASE,
    }
}

/// A connected queue.
pub(crate) async fn open(settings: &RedisSettings) -> RedisQueue {
    let queue = RedisQueue::open(settings.clone(), Stream::Events).unwrap();
    until("the queue is connected", async || queue.is_connected()).await;
    queue
}

/// A connected queue on the shared server, and a client beside it.
pub(crate) async fn shared(
    change: impl FnOnce(&mut RedisSettings),
) -> (RedisSettings, RedisQueue, RedisClient) {
    let url = ds_testkit::redis_url().await;
    let mut settings = settings(&url);
    change(&mut settings);
    let queue = open(&settings).await;
    (settings, queue, RedisClient::connect(&url).await.unwrap())
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T10:00:00.123456Z".parse().unwrap()
}

/// Entries with the given numbers as ids.
pub(crate) fn entries(numbers: std::ops::Range<u128>) -> Vec<Parked> {
    numbers
        .map(|number| testing::parked(Uuid::from_u128(number), now()))
        .collect()
}

/// The numbers of entries.
pub(crate) fn numbers(deliveries: &[Delivery]) -> Vec<u128> {
    let number = |delivery: &Delivery| {
        let parked = delivery.entry.as_ref().unwrap();
        parked.event().unwrap().event().event_id.as_u128()
    };
    deliveries.iter().map(number).collect()
}

pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<EntryId> {
    deliveries
        .iter()
        .map(|delivery| delivery.id.clone())
        .collect()
}

/// Takes until `count` entries have come.
pub(crate) async fn take_all(queue: &RedisQueue, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    until("all entries come", async || {
        taken.extend(queue.take(500).await.unwrap());
        taken.len() >= count
    })
    .await;
    assert_eq!(taken.len(), count);
    taken
}
