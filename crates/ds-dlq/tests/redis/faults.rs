//! Servers that die, freeze, come late or forget.

use std::{
    collections::BTreeSet,
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use ds_dlq::{Backlog, DurabilityPolicy, PutError, RedisError, RedisQueue, Stream};
use ds_testkit::{RedisClient, RedisDurability, RedisServer, Reply};

use crate::ground::{entries, ids, numbers, open, settings, take_all, until};

/// No request may have to wait for longer.
const BOUND: Duration = Duration::from_millis(3_000);

fn cause(put: Result<(), PutError>) -> String {
    match put {
        Err(PutError::Unavailable(cause)) => {
            let mut text = cause.to_string();
            let mut source = cause.source();
            while let Some(error) = source {
                text.push_str(&format!(": {error}"));
                source = error.source();
            }
            text
        }
        other => panic!("it must be unavailable: {other:?}"),
    }
}

/// Puts one entry after the other until that fails; returns what was acknowledged.
async fn put_until_it_fails(queue: &RedisQueue, count: &AtomicUsize) -> BTreeSet<u128> {
    let mut acknowledged = BTreeSet::new();
    for number in 0..1_000_000 {
        let start = Instant::now();
        if queue.put(&entries(number..number + 1)).await.is_err() {
            assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
            return acknowledged;
        }
        acknowledged.insert(number);
        count.store(acknowledged.len(), Ordering::SeqCst);
    }
    panic!("it must fail");
}

async fn put_works(queue: &RedisQueue, number: u128) {
    until("it works again", async || {
        queue.put(&entries(number..number + 1)).await.is_ok()
    })
    .await;
}

/// Kills a server under load; everything acknowledged must be there when it is back.
async fn survives_a_kill(durability: RedisDurability) {
    let server = RedisServer::start(durability).await;
    let mut settings = settings(server.url());
    settings.durability = DurabilityPolicy::Require;
    let queue = open(&settings).await;
    queue.put(&entries(2_000_000..2_000_001)).await.unwrap();
    let count = AtomicUsize::new(0);
    let (acknowledged, ()) = tokio::join!(put_until_it_fails(&queue, &count), async {
        until("some are acknowledged", async || {
            count.load(Ordering::SeqCst) >= 3
        })
        .await;
        server.kill().await;
    });
    let start = Instant::now();
    cause(queue.put(&entries(0..1)).await);
    assert!(queue.take(1).await.is_err());
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );

    server.restart().await;
    put_works(&queue, 3_000_000).await;
    until("both connections are back", async || queue.is_connected()).await;
    let mut there = BTreeSet::new();
    loop {
        let taken = queue.take(500).await.unwrap();
        if taken.is_empty() {
            break;
        }
        there.extend(numbers(&taken));
        queue.settle(&ids(&taken)).await.unwrap();
    }
    assert!(there.is_superset(&acknowledged));
    assert!(there.contains(&2_000_000) && there.contains(&3_000_000));
    println!(
        "{} entries acknowledged before the kill",
        acknowledged.len()
    );
}

/// Whether the server can be asked to wait for its disk.
async fn is_awaitable(url: &str) -> bool {
    let mut client = RedisClient::connect(url).await.unwrap();
    let reply = client.command(&["INFO", "server"]).await.unwrap();
    let Reply::Bulk(info) = reply else {
        panic!("{reply:?}")
    };
    let info = String::from_utf8(info).unwrap();
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"))
        .unwrap();
    let mut numbers = version
        .split('.')
        .map(|number| number.parse::<u32>().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap()) >= (7, 2)
}

#[tokio::test]
async fn what_a_server_that_always_syncs_acknowledged_survives_a_kill() {
    survives_a_kill(RedisDurability::Always).await;
}

/// From version 7.2 on, syncing once a second is enough: each answer waits for it.
#[tokio::test]
async fn what_a_server_that_syncs_every_second_acknowledged_survives_a_kill() {
    let server = RedisServer::start(RedisDurability::EverySecond).await;
    if is_awaitable(server.url()).await {
        survives_a_kill(RedisDurability::EverySecond).await;
        // Those who come together wait together.
        let mut settings = settings(server.url());
        settings.durability = DurabilityPolicy::Require;
        let queue = open(&settings).await;
        queue.put(&entries(0..1)).await.unwrap();
        let start = Instant::now();
        let puts = (0..100).map(|n| {
            let queue = &queue;
            async move { queue.put(&entries(n..n + 1)).await }
        });
        for put in futures_util::future::join_all(puts).await {
            put.unwrap();
        }
        println!("100 puts that wait for a sync: {:?}", start.elapsed());
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    } else {
        let mut settings = settings(server.url());
        settings.durability = DurabilityPolicy::Require;
        let queue = open(&settings).await;
        let cause = cause(queue.put(&entries(0..1)).await);
        assert!(cause.contains("appendfsync always"), "{cause}");
    }
}

#[tokio::test]
async fn puts_at_the_same_time_share_the_wait_for_the_disk() {
    let server = RedisServer::start(RedisDurability::Always).await;
    let mut settings = settings(server.url());
    settings.durability = DurabilityPolicy::Require;
    let queue = open(&settings).await;
    let entry = entries(0..1);
    let start = Instant::now();
    let senders = (0..64).map(|_| async {
        for _ in 0..50 {
            queue.put(&entry).await.unwrap();
        }
    });
    futures_util::future::join_all(senders).await;
    let elapsed = start.elapsed();
    println!("3200 puts of 64 senders: {elapsed:?}");
    assert_eq!(queue.status().await.unwrap().entries, 3_200);
}

#[tokio::test]
async fn a_frozen_server_holds_nobody_up() {
    let server = RedisServer::start(RedisDurability::Always).await;
    let queue = open(&settings(server.url())).await;
    queue.put(&entries(0..1)).await.unwrap();
    server.pause().await;
    for _ in 0..2 {
        let start = Instant::now();
        cause(queue.put(&entries(1..2)).await);
        assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
    }
    let start = Instant::now();
    assert!(queue.take(1).await.is_err());
    assert!(queue.settle(&[]).await.is_ok());
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
    server.resume().await;
    put_works(&queue, 2).await;
    until("it answers", async || queue.status().await.is_ok()).await;
    // What was given up may have been put all the same, which is why ids are assigned before.
    let mut there = BTreeSet::new();
    until("all are there", async || {
        there.extend(numbers(&queue.take(500).await.unwrap_or_default()));
        there.contains(&0) && there.contains(&2)
    })
    .await;
}

#[tokio::test]
async fn a_server_may_come_late() {
    let server = RedisServer::start(RedisDurability::Always).await;
    let settings = settings(server.url());
    server.stop().await;
    let queue = RedisQueue::open(settings, Stream::Events).unwrap();
    let start = Instant::now();
    let cause = cause(queue.put(&entries(0..1)).await);
    assert!(cause.contains("not connected"), "{cause}");
    assert!(queue.take(1).await.is_err());
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
    server.restart().await;
    put_works(&queue, 1).await;
    until("both connections are there", async || queue.is_connected()).await;
    assert_eq!(numbers(&take_all(&queue, 1).await), [1]);
}

#[tokio::test]
async fn a_server_that_would_forget_is_used_only_when_told_so() {
    let server = RedisServer::start(RedisDurability::None).await;
    let mut settings = settings(server.url());
    let reporting = open(&settings).await;
    reporting.put(&entries(0..1)).await.unwrap();

    settings.durability = DurabilityPolicy::Require;
    let requiring = open(&settings).await;
    let put = requiring.put(&entries(1..2)).await;
    let Err(PutError::Unavailable(cause)) = put else {
        panic!("{put:?}");
    };
    let cause: &(dyn Error + 'static) = cause.as_ref();
    let cause = cause.downcast_ref::<RedisError>().unwrap();
    assert!(matches!(cause, RedisError::NotDurable), "{cause:?}");
    assert!(
        cause.to_string().contains("appendonly yes"),
        "says what to set"
    );
    assert_eq!(
        numbers(&take_all(&requiring, 1).await),
        [0],
        "replay goes on"
    );

    // It comes back empty.
    server.restart().await;
    put_works(&reporting, 2).await;
    until("both connections are back", async || {
        reporting.is_connected()
    })
    .await;
    assert_eq!(numbers(&take_all(&reporting, 1).await), [2]);
}

#[tokio::test]
async fn a_password_is_used() {
    let server = RedisServer::start(RedisDurability::None).await;
    let mut client = RedisClient::connect(server.url()).await.unwrap();
    client
        .command(&["CONFIG", "SET", "requirepass", "s3cret"])
        .await
        .unwrap();
    let mut settings = settings(server.url());
    settings.password = Some("s3cret".into());
    let queue = open(&settings).await;
    queue.put(&entries(0..1)).await.unwrap();
    assert!(!format!("{settings:?}").contains("s3cret"));
}
