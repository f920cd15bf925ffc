//! The stores of one test, which it takes away and gives back, and what was written to them.

use std::sync::Arc;

use ds_testkit::{
    PostgresServer, RedisClient, RedisDurability, RedisServer, Reply, TestDatabase,
    checker::{Checker, Finding, Journal},
};
use tempfile::TempDir;

use crate::{
    program::{PATIENCE, Program, eventually},
    service::Service,
};

/// A database, a queue and a spool of one's own.
pub(crate) struct Stage {
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) redis: RedisServer,
    pub(crate) journal: Arc<Journal>,
    spool: TempDir,
}

impl Stage {
    /// On the PostgreSQL that all tests share.
    pub(crate) async fn shared() -> Self {
        Self::new(TestDatabase::create().await).await
    }

    /// On a PostgreSQL of one's own.
    pub(crate) async fn on(postgres: &PostgresServer) -> Self {
        Self::new(postgres.create_database().await).await
    }

    async fn new(database: TestDatabase) -> Self {
        Self {
            database: Arc::new(database),
            redis: RedisServer::start(RedisDurability::Always).await,
            journal: Arc::new(Journal::new("system")),
            spool: TempDir::new().unwrap(),
        }
    }

    /// The server with all of these stores.
    pub(crate) fn program(&self) -> Program {
        self.program_without_spool()
            .with("DS_SPOOL__DIRECTORY", self.spool.path())
    }

    /// The server without a spool: two servers cannot share one.
    pub(crate) fn program_without_spool(&self) -> Program {
        Program::on(&self.database, &[]).with("DS_REDIS__ADDR", self.redis_address())
    }

    /// `host:port` of Redis.
    pub(crate) fn redis_address(&self) -> &str {
        let url = self.redis.url();
        url.trim_start_matches("redis://").trim_end_matches('/')
    }

    /// The service with all of these stores, ready.
    pub(crate) async fn service(&self) -> Service {
        Service::of(self.program(), &self.database).await
    }

    /// Everything in the files of the spool.
    pub(crate) fn spooled(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.spool.path()).unwrap();
        let files = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file());
        files
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// One command to Redis.
    pub(crate) async fn redis(&self, words: &[&str]) -> Reply {
        let mut client = RedisClient::connect(self.redis.url()).await.unwrap();
        client.command(words).await.unwrap()
    }

    /// Waits until so many events are answered 202.
    pub(crate) async fn accepted(&self, count: u64) {
        eventually("events are parked", async || {
            (self.journal.tally().accepted >= count).then_some(())
        })
        .await;
    }

    /// Waits until so many more events are answered 201.
    pub(crate) async fn stored_more(&self, count: u64) {
        let before = self.journal.tally().stored;
        eventually("events are stored", async || {
            (self.journal.tally().stored >= before + count).then_some(())
        })
        .await;
    }

    /// What looks for broken promises.
    pub(crate) fn checker(&self) -> Checker {
        Checker {
            postgres: self.database.url().to_owned(),
            redis: Some(self.redis.url().to_owned()),
            spool: Some(self.spool.path().to_owned()),
        }
    }

    /// Waits until everything that was acknowledged is stored: once, as it was sent, and nothing of
    /// it is left in the queue.
    pub(crate) async fn check_delivered(&self) {
        let checker = self.checker();
        let (is_drained, findings) = checker.drained(&self.journal, PATIENCE).await.unwrap();
        check_none(&findings);
        check_none(&checker.check_stored(&self.journal).await.unwrap());
        assert!(is_drained, "the queue is empty in time");
    }

    /// Everything that was acknowledged is somewhere, now.
    pub(crate) async fn check_kept(&self) {
        let look = self.checker().check_now(&self.journal).await.unwrap();
        check_none(&look.findings);
    }

    /// Every answer there was had one of these statuses, and each of them was given.
    pub(crate) fn check_statuses(&self, expected: &[u16]) {
        let statuses = self.journal.statuses();
        let given: Vec<u16> = statuses.iter().map(|(status, _)| *status).collect();
        assert_eq!(given, expected, "{statuses:?}");
    }
}

/// No promise is broken.
pub(crate) fn check_none(findings: &[Finding]) {
    let texts: Vec<String> = findings.iter().take(10).map(Finding::to_string).collect();
    assert!(
        findings.is_empty(),
        "{} findings, such as\n{}",
        findings.len(),
        texts.join("\n")
    );
}
