//! A PostgreSQL server of one's own.

use tokio_postgres::Config;

use super::Private;
#[cfg(feature = "database")]
use crate::database::TestDatabase;
use crate::durability::Durability;
use crate::outcome::succeed;
use crate::postgres::{Binaries, Cluster};

/// A private server. Its methods panic with the reason when they fail: tests have no use for it else.
#[derive(Debug)]
pub struct PostgresServer {
    cluster: Private<Cluster>,
    url: String,
}

impl PostgresServer {
    /// Starts one from installed or fetched programs; containers cannot be stopped and paused this way.
    pub async fn start(durability: Durability) -> Self {
        let cluster = Private::start(move || Cluster::start(&Binaries::own()?, durability)).await;
        let url = cluster.with(|cluster| Ok(cluster.url())).await;
        Self { cluster, url }
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
    #[cfg(feature = "database")]
    pub async fn create_database(&self) -> TestDatabase {
        succeed(TestDatabase::on(&self.url, true).await)
    }

    /// Stops it in an orderly way; sessions are ended.
    pub async fn stop(&self) {
        self.cluster.with(Cluster::stop).await;
    }

    /// Kills every process of it, as a crash of the machine would.
    pub async fn kill(&self) {
        self.cluster.with(Cluster::kill).await;
    }

    /// Freezes it: connections stay open and nothing answers.
    pub async fn pause(&self) {
        self.cluster.with(|cluster| cluster.pause()).await;
    }

    /// Ends a pause.
    pub async fn resume(&self) {
        self.cluster.with(|cluster| cluster.resume()).await;
    }

    /// Starts it again on the same port and data, stopping it first if it runs.
    pub async fn restart(&self) {
        self.cluster
            .with(|cluster| {
                cluster.stop()?;
                cluster.launch()
            })
            .await;
    }
}
