#![doc = include_str!("../README.md")]

mod append;
mod connect;
pub mod error;
mod filter;
mod jsonb;
pub mod migrate;
mod partition;
mod pool;
mod read;
mod row;
pub mod settings;
mod statement;
mod tls;
mod transaction;

use std::time::Duration;

use ds_domain::event::StoredEvent;
use jiff::civil::Date;

use pool::Pool;
use settings::{Settings, SettingsError};

/// The audit store. Clones share its pools.
#[derive(Clone)]
pub struct Repository {
    write: Pool,
    read: Pool,
    append_timeout: Duration,
    query_timeout: Duration,
    connection_age_max: Duration,
    connection_idle_max: Duration,
    idle_connections_max: usize,
}

/// What an append did with one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Appended {
    /// It was stored now.
    Now,
    /// The same event, with the same content, was stored before.
    Before,
}

/// One page of a query's answer, and the size of the whole answer, from one snapshot.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The page, newest first.
    pub events: Vec<StoredEvent>,
    /// How many events the filter matches in all.
    pub total: u64,
}

/// What a partition pass found and did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartitionReport {
    /// Partitions made by this pass.
    pub created: Vec<String>,
    /// First day that has no partition: the end of the covered range that holds today.
    pub covered_until: Date,
}

impl Repository {
    /// Prepares the pools. No connection is made before one is needed.
    #[expect(clippy::needless_pass_by_value, reason = "the settings end here")]
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let connector = tls::connector(&settings)?;
        Ok(Self {
            write: Pool::new(&settings, ds_metrics::Pool::Write, connector.clone())?,
            read: Pool::new(&settings, ds_metrics::Pool::Read, connector)?,
            append_timeout: settings.append_timeout,
            query_timeout: settings.query_timeout,
            connection_age_max: settings.connection_age_max,
            connection_idle_max: settings.connection_idle_max,
            idle_connections_max: settings.idle_connections_max,
        })
    }

    /// Closes connections that are too old or idle for too long, and samples the pools into the metrics.
    pub fn tend_pools(&self) {
        let idle = self.read.idle() + self.write.idle();
        let mut excess = idle.saturating_sub(self.idle_connections_max);
        // Queries first: the next append must not pay for a connection.
        for pool in [&self.read, &self.write] {
            excess = pool.close_idle(self.connection_age_max, self.connection_idle_max, excess);
            pool.sample();
        }
    }

    /// Closes the pools: idle connections now, those in use when they come back.
    pub fn close(&self) {
        self.read.close();
        self.write.close();
    }
}
