//! A PostgreSQL server of one's own, for tests that take it away.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::task::spawn_blocking;
use tokio_postgres::Config;

use crate::backend::Backend;
use crate::database::{TestDatabase, succeed};
use crate::durability::Durability;
use crate::postgres::{Binaries, Cluster};

/// A private server. Its methods panic with the reason when they fail: tests have no use for it else.
#[derive(Debug)]
pub struct PostgresServer {
    cluster: Arc<Mutex<Cluster>>,
    url: String,
}

impl PostgresServer {
    /// Starts one from installed or fetched programs; containers cannot be stopped and paused this way.
    pub async fn start(durability: Durability) -> Self {
        let started = spawn_blocking(move || Cluster::start(&binaries()?, durability));
        let cluster = succeed(succeed(started.await));
        let url = cluster.url();
        Self {
            cluster: Arc::new(Mutex::new(cluster)),
            url,
        }
    }

    /// `postgres://user@127.0.0.1:port/postgres`; stays the same for the life of this value.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same, for the driver.
    pub fn config(&self) -> Config {
        succeed(self.url.parse())
    }

    /// A migrated database on this server.
    pub async fn create_database(&self) -> TestDatabase {
        succeed(TestDatabase::on(&self.url, true).await)
    }

    /// Stops it in an orderly way; sessions are ended.
    pub async fn stop(&self) {
        self.with(Cluster::stop).await;
    }

    /// Kills every process of it, as a crash of the machine would.
    pub async fn kill(&self) {
        self.with(Cluster::kill).await;
    }

    /// Freezes it: connections stay open and nothing answers.
    pub async fn pause(&self) {
        self.with(|cluster| cluster.pause()).await;
    }

    /// Ends a pause.
    pub async fn resume(&self) {
        self.with(|cluster| cluster.resume()).await;
    }

    /// Starts it again on the same port and data, stopping it first if it runs.
    pub async fn restart(&self) {
        self.with(|cluster| {
            cluster.stop()?;
            cluster.launch()
        })
        .await;
    }

    /// These calls wait for processes, so they are kept off the test's own threads.
    async fn with(&self, action: impl FnOnce(&mut Cluster) -> Result<()> + Send + 'static) {
        let cluster = Arc::clone(&self.cluster);
        let acting = spawn_blocking(move || {
            action(&mut cluster.lock().unwrap_or_else(PoisonError::into_inner))
        });
        succeed(succeed(acting.await));
    }
}

fn binaries() -> Result<Binaries> {
    match Backend::forced_by_environment()? {
        Some(Backend::Local) => Binaries::local(),
        Some(Backend::Fetch) => Binaries::fetched(),
        // The other two offer no process that could be taken away.
        None | Some(Backend::Env | Backend::Docker) => {
            Binaries::local().or_else(|_| Binaries::fetched())
        }
    }
}
