#![doc = include_str!("../README.md")]

mod action;
mod connect;
mod cursor_key;
pub mod error;
mod filter;
mod incident;
mod jsonb;
mod list;
pub mod migrate;
mod notification;
mod page;
mod partition;
mod pool;
mod rate;
mod read;
mod row;
mod search;
pub mod settings;
mod sql;
mod statement;
pub mod timeline;
mod tls;
mod transaction;
pub mod workflow;
mod writer;

use std::sync::Arc;

use jiff::civil::Date;
use tokio::sync::OnceCell;
use tokio_postgres_rustls::MakeRustlsConnect;

use pool::{Pool, Purpose};
use search::live::LiveIndex;
use settings::{Settings, SettingsError};
use writer::Tally;

pub use action::{ActionKept, UpdateError};
pub use cursor_key::CursorKey;
pub use incident::IncidentPage;
pub use page::{EventPage, Listing, NotificationPage, Total};
pub use search::{FoundWorkflow, SearchResults};
pub use writer::Writer;

/// The audit store. Clones share its connections.
#[derive(Clone)]
pub struct Repository {
    settings: Arc<Settings>,
    connector: MakeRustlsConnect,
    writers: Arc<Tally>,
    read: Pool,
    records: Pool,
    maintenance: Pool,
    cursor_key: Arc<OnceCell<CursorKey>>,
    search_index: Arc<LiveIndex>,
}

/// What an append did with one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Appended {
    /// It was stored now.
    Now,
    /// The same event, with the same content, was stored before.
    Before,
}

/// What an insert did with one record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Inserted<T> {
    /// It was stored now.
    Now(T),
    /// The same record, with the same content, was stored before.
    Before(T),
    /// Another one has its name.
    Taken(T),
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
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let connector = tls::connector(&settings)?;
        Ok(Self {
            read: Pool::new(&settings, Purpose::Read, connector.clone())?,
            records: Pool::new(&settings, Purpose::Records, connector.clone())?,
            maintenance: Pool::new(&settings, Purpose::Maintenance, connector.clone())?,
            writers: Arc::default(),
            cursor_key: Arc::default(),
            search_index: Arc::default(),
            settings: Arc::new(settings),
            connector,
        })
    }

    /// A way to append that one task has for itself. It connects when it is first used; as many as
    /// there are writers at work append at the same time.
    pub fn writer(&self) -> Writer {
        Writer::new(
            Arc::clone(&self.settings),
            self.connector.clone(),
            Arc::clone(&self.writers),
        )
    }

    /// Closes pooled connections that are too old or idle for too long, and samples all connections
    /// into the metrics.
    pub fn tend_pools(&self) {
        let Settings {
            connection_age_max,
            connection_idle_max,
            idle_connections_max,
            write_connections_max,
            ..
        } = *self.settings;
        let pools = [&self.read, &self.records, &self.maintenance];
        let idle: usize = pools.iter().map(|pool| pool.idle()).sum();
        let mut excess = idle.saturating_sub(idle_connections_max);
        for pool in pools {
            excess = pool.close_idle(connection_age_max, connection_idle_max, excess);
            pool.sample();
        }
        self.writers.sample(write_connections_max);
    }

    /// Closes the pools: idle connections now, those in use when they come back. Writers belong to
    /// the tasks that have them, and end with them.
    pub fn close(&self) {
        self.read.close();
        self.records.close();
        self.maintenance.close();
    }
}
