//! A Redis server of one's own.

use super::Private;
use crate::durability::RedisDurability;
use crate::redis::{self, RedisProcess};

/// A private server. Its methods panic with the reason when they fail: tests have no use for it else.
#[derive(Debug)]
pub struct RedisServer {
    process: Private<RedisProcess>,
    url: String,
}

impl RedisServer {
    /// Starts one from an installed or the fetched program; containers cannot be stopped and paused
    /// this way.
    pub async fn start(durability: RedisDurability) -> Self {
        let start = move || RedisProcess::start(&redis::own_program()?, durability);
        let process = Private::start(start).await;
        let url = process.with(|process| Ok(process.url())).await;
        Self { process, url }
    }

    /// `redis://127.0.0.1:port`; stays the same for the life of this value.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it in an orderly way.
    pub async fn stop(&self) {
        self.process.with(RedisProcess::stop).await;
    }

    /// Kills it, as the kernel would when memory runs out.
    pub async fn kill(&self) {
        self.process.with(RedisProcess::kill).await;
    }

    /// Freezes it: connections stay open and nothing answers.
    pub async fn pause(&self) {
        self.process.with(|process| process.pause()).await;
    }

    /// Ends a pause.
    pub async fn resume(&self) {
        self.process.with(|process| process.resume()).await;
    }

    /// Starts it again on the same port and data, stopping it first if it runs.
    pub async fn restart(&self) {
        self.process
            .with(|process| {
                process.stop()?;
                process.launch()
            })
            .await;
    }
}
