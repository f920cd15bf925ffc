//! `ds-server dlq` on a real Redis.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use ds_dlq::{
    Backlog, Burial, Deferral, DurabilityPolicy, EntryId, LEASE, RedisQueue, RedisSettings, Stream,
};
use ds_testkit::TestDatabase;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::program::{Ended, Program, eventually};

/// A queue that no other test uses.
struct Queue {
    address: String,
    prefix: String,
    /// Where changes are audited.
    database: TestDatabase,
}

impl Queue {
    async fn new() -> Self {
        let url = ds_testkit::redis_url().await;
        let database = TestDatabase::create().await;
        let make = "SELECT audit_events_ensure_partition((now() AT TIME ZONE 'UTC')::date)";
        database.connect().await.batch_execute(make).await.unwrap();
        let address = url.strip_prefix("redis://").unwrap().trim_end_matches('/');
        Self {
            address: address.to_owned(),
            prefix: format!("test:{}", Uuid::new_v4()),
            database,
        }
    }

    fn name(&self) -> String {
        format!("{}:events", self.prefix)
    }

    /// Puts something that nobody can read.
    fn put_rubbish(&self, stream: &str) {
        let mut redis = TcpStream::connect(&self.address).unwrap();
        let prefix = &self.prefix;
        write!(redis, "XADD {prefix}:{stream} * message rubbish\r\n").unwrap();
        let mut answer = String::new();
        BufReader::new(redis).read_line(&mut answer).unwrap();
        assert!(answer.starts_with('$'), "{answer}");
    }

    /// The queue as a server has it.
    async fn open(&self, stream: Stream) -> RedisQueue {
        let (host, port) = self.address.rsplit_once(':').unwrap();
        let settings = RedisSettings {
            host: host.to_owned(),
            port: port.parse().unwrap(),
            database: 0,
            password: None,
            prefix: self.prefix.clone(),
            group: "audit-dlq-workers".to_owned(),
            consumer: "a-server".to_owned(),
            entries_max: 1_000,
            bytes_max: 1 << 20,
            durability: DurabilityPolicy::Report,
            lease: LEASE,
        };
        let queue = RedisQueue::open(settings, stream).unwrap();
        eventually("Redis is connected", async || {
            queue.is_connected().then_some(())
        })
        .await;
        queue
    }

    /// Makes so many dead letters, each with one attempt before.
    async fn bury(&self, stream: Stream, count: usize) -> Vec<EntryId> {
        for _ in 0..count {
            self.put_rubbish(stream.as_str());
        }
        let queue = self.open(stream).await;
        let deferral = |id| Deferral {
            id,
            wait: Duration::ZERO,
            error: "not yet".to_owned(),
        };
        let taken = take(&queue, count).await;
        let deferrals: Vec<_> = taken.into_iter().map(deferral).collect();
        queue.defer(&deferrals).await.unwrap();
        let burial = |id| Burial {
            id,
            reason: "never".to_owned(),
        };
        let taken = take(&queue, count).await;
        let burials: Vec<_> = taken.into_iter().map(burial).collect();
        queue.bury(&burials).await.unwrap();
        let letters = queue.dead_letters(None, count).await.unwrap();
        queue.close().await;
        letters.into_iter().map(|letter| letter.id).collect()
    }

    /// What audit events of this type are about.
    async fn traces(&self, event_type: &str) -> Vec<String> {
        let select = "SELECT resource_id FROM audit_events WHERE event_type = $1";
        let client = self.database.connect().await;
        let rows = client.query(select, &[&event_type]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        Program::on(&self.database, &[&["dlq"], arguments].concat())
            .with("DS_REDIS__ADDR", &self.address)
            .with("DS_REDIS__DLQ_STREAM_NAME", &self.prefix)
            .run()
            .await
    }

    /// What `list --json` says.
    async fn list(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[&["list", "--json"], arguments].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

async fn take(queue: &RedisQueue, count: usize) -> Vec<EntryId> {
    let mut taken = Vec::new();
    eventually("all are taken", async || {
        taken.extend(queue.take(count).await.unwrap());
        (taken.len() == count).then_some(())
    })
    .await;
    taken.into_iter().map(|delivery| delivery.id).collect()
}

#[tokio::test]
async fn a_list_shows_depths_and_dead_letters() {
    let queue = Queue::new().await;
    let ids = queue.bury(Stream::Events, 3).await;
    queue.put_rubbish("events");
    let listed = queue.list(&["--limit", "2"]).await;
    assert_eq!(listed["stream"], queue.name());
    assert_eq!(listed["entries"], 1);
    assert_eq!(listed["entries_max"], 300_000);
    assert_eq!(listed["bytes_max"], 671_088_640);
    assert_eq!(listed["dead"], 3);
    assert!(listed["oldest"].is_string(), "{listed}");
    let letters = listed["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["id"], ids[0].0);
    assert_eq!(letters[0]["reason"], "never");
    assert_eq!(letters[0]["history"][0]["error"], "not yet");

    let text = queue.run(&["list", "--limit", "2"]).await;
    assert_eq!(text.code, Some(0), "{text:?}");
    for line in [
        format!("stream        {}\n", queue.name()),
        "entries       1 of 300000\n".to_owned(),
        "dead letters  3\n".to_owned(),
        format!("  {}  event unknown  buried ", ids[1]),
        "  attempts 1  never\n".to_owned(),
        "  and 1 more (--limit)\n".to_owned(),
    ] {
        assert!(text.stdout.contains(&line), "{line} in {}", text.stdout);
    }
    assert!(!text.stdout.contains(&ids[2].0), "{}", text.stdout);
}

#[tokio::test]
async fn the_other_stream_is_another_queue() {
    let queue = Queue::new().await;
    queue.bury(Stream::Notifications, 1).await;
    assert_eq!(queue.list(&[]).await["dead"], 0);
    assert_eq!(queue.list(&["--stream", "notifications"]).await["dead"], 1);
}

#[tokio::test]
async fn a_replayed_dead_letter_waits_again() {
    let queue = Queue::new().await;
    let ids = queue.bury(Stream::Events, 3).await;
    let one = queue.run(&["replay", "--id", &ids[1].0]).await;
    assert_eq!(one.code, Some(0), "{one:?}");
    assert_eq!(
        one.stdout,
        format!("replayed {}\n1 dead letters replayed\n", ids[1])
    );
    let traced = queue.traces("datastorage.dead_letter.replayed").await;
    assert_eq!(traced, [ids[1].0.as_str()], "a trace is left");
    let listed = queue.list(&[]).await;
    assert_eq!(
        (&listed["entries"], &listed["dead"]),
        (&json!(1), &json!(2))
    );
    let rest = queue.run(&["replay", "--all", "--json"]).await;
    assert_eq!(rest.code, Some(0), "{rest:?}");
    let document: Value = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!(document["ids"], json!([ids[0].0, ids[2].0]));
    let listed = queue.list(&[]).await;
    assert_eq!(
        (&listed["entries"], &listed["dead"]),
        (&json!(3), &json!(0))
    );
}

#[tokio::test]
async fn a_purge_is_for_good_and_has_to_be_meant() {
    let queue = Queue::new().await;
    let ids = queue.bury(Stream::Events, 3).await;
    let unmeant = queue.run(&["purge", "--all"]).await;
    assert_eq!(unmeant.code, Some(64), "{unmeant:?}");
    assert!(unmeant.stderr.contains("--yes"), "{unmeant:?}");
    assert_eq!(queue.list(&[]).await["dead"], 3);
    let one = queue.run(&["purge", "--id", &ids[0].0, "--yes"]).await;
    assert_eq!(one.code, Some(0), "{one:?}");
    let some = queue
        .run(&["purge", "--all", "--limit", "1", "--yes"])
        .await;
    assert_eq!(some.code, Some(0), "{some:?}");
    let listed = queue.list(&[]).await;
    assert_eq!(
        (&listed["entries"], &listed["dead"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(listed["dead_letters"][0]["id"], ids[2].0);
    assert_eq!(
        queue.traces("datastorage.dead_letter.purged").await.len(),
        2
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_audited_is_not_made() {
    let queue = Queue::new().await;
    let ids = queue.bury(Stream::Events, 1).await;
    let unaudited = Program::new(&["dlq", "purge", "--id", &ids[0].0, "--yes"])
        .with("DS_REDIS__ADDR", &queue.address)
        .with("DS_REDIS__DLQ_STREAM_NAME", &queue.prefix)
        .with("DS_DATABASE__HOST", "127.0.0.1")
        .with("DS_DATABASE__PORT", "1")
        .run()
        .await;
    assert_eq!(unaudited.code, Some(1), "{unaudited:?}");
    assert!(
        unaudited
            .stderr
            .contains("the change cannot be audited and is not made"),
        "{unaudited:?}"
    );
    assert_eq!(queue.list(&[]).await["dead"], 1);
}

#[tokio::test]
async fn a_name_of_nothing_is_told_and_the_others_are_done() {
    let queue = Queue::new().await;
    let ids = queue.bury(Stream::Events, 1).await;
    let arguments = ["replay", "--id", "1-1", "--id", &ids[0].0, "--json"];
    let ended = queue.run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["ids"], json!([ids[0].0]));
    assert_eq!(document["missing"], json!(["1-1"]));
    let expected = format!("ds-server: {} has no dead letter 1-1\n", queue.name());
    assert!(ended.stderr.ends_with(&expected), "{ended:?}");
}

#[tokio::test]
async fn what_is_to_be_changed_must_be_named() {
    for arguments in [
        ["dlq", "replay"].as_slice(),
        &["dlq", "replay", "--all", "--id", "1-1"],
        &["dlq", "replay", "--id", "1-1", "--limit", "3"],
        &["dlq", "list", "--stream", "others"],
    ] {
        let ended = Program::new(arguments).run().await;
        assert_eq!(ended.code, Some(64), "{arguments:?}: {ended:?}");
    }
    let help = Program::new(&["dlq", "--help"]).run().await;
    assert!(
        help.stdout.contains("GET /api/v1/admin/dlq/dead-letters"),
        "{help:?}"
    );
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_a_failure_with_a_sentence() {
    let none = Program::new(&["dlq", "list"]).run().await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    assert!(
        none.stderr
            .contains("ds-server: there is no dead letter queue: redis.addr is not set"),
        "{none:?}"
    );
    let away = Program::new(&["dlq", "list"])
        .with("DS_REDIS__ADDR", "127.0.0.1:1")
        .run()
        .await;
    assert_eq!((away.code, away.stdout.as_str()), (Some(1), ""));
    assert!(
        away.stderr
            .ends_with("ds-server: cannot connect to Redis on 127.0.0.1 port 1\n"),
        "{away:?}"
    );
}
