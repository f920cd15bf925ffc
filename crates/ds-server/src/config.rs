//! What the process is told: defaults, then a file, then the environment.
//!
//! Layers are merged by figment; the result is a [`Config`] of raw values, which becomes
//! [`Settings`] exactly once. Every problem of every layer is collected before anything is refused.

mod admin;
mod catalogue;
mod database;
mod duration;
mod effective;
mod environment;
mod ingest;
mod layers;
mod logging;
mod partitions;
mod problem;
mod redis;
mod scalar;
mod secrets;
mod server;
mod shutdown;
mod spool;
mod token;
mod validation;
mod yaml;

use serde::{Deserialize, Serialize};

pub(crate) use admin::AdminSettings;
pub(crate) use database::DatabaseSettings;
pub(crate) use effective::effective;
pub(crate) use layers::{Loaded, load};
pub(crate) use logging::{Format, LoggingSettings};
pub(crate) use partitions::PartitionSettings;
pub(crate) use problem::ConfigError;
pub(crate) use redis::RedisSettings;
pub(crate) use server::ServerSettings;
pub(crate) use shutdown::ShutdownSettings;
pub(crate) use spool::prepare as prepare_spool;
pub(crate) use token::TokenFile;

use ingest::Largest;
use problem::Problems;

/// The configuration as it is written: shapes are right, meanings are not checked yet.
///
/// There are no defaults here. They are in `default.yaml`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    server: server::Server,
    admin: admin::Admin,
    logging: logging::Logging,
    database: database::Database,
    ingest: ingest::Ingest,
    redis: redis::Redis,
    spool: spool::Spool,
    validation: validation::Validation,
    catalogue: catalogue::Catalogue,
    partitions: partitions::Partitions,
    shutdown: shutdown::Shutdown,
}

/// The configuration as the program uses it: no value in it is invalid.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The HTTP interface.
    pub server: ServerSettings,
    /// The second listener, if there is one.
    pub admin: Option<AdminSettings>,
    /// What allows a client to change something through the admin routes; without it nobody may.
    pub admin_token: Option<TokenFile>,
    /// What is logged, and how.
    pub logging: LoggingSettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// The write path.
    pub ingest: ds_ingest::Settings,
    /// The dead letter queue, if there is one.
    pub redis: Option<RedisSettings>,
    /// The spool, if there is one.
    pub spool: Option<ds_dlq::SpoolSettings>,
    /// Bounds of what is accepted.
    pub limits: ds_validation::Limits,
    /// Monthly partitions.
    pub partitions: PartitionSettings,
    /// What happens after a signal.
    pub shutdown: ShutdownSettings,
}

impl Config {
    /// Checks every meaning and reads the secret files.
    fn settings(&self, problems: &mut Problems) -> Settings {
        let server = self.server.settings(problems);
        let mut limits = self.validation.settings(problems);
        limits.content_hash = self.catalogue.content_hash(problems);
        let largest = Largest {
            body_bytes: server.body_bytes_max,
            batch_events: limits.batch_events_max,
        };
        let mut ingest = self.ingest.settings(problems, &largest);
        let flush_timeout = self.ingest.flush_timeout(problems);
        let database = self
            .database
            .settings(problems, ingest.writers_max, flush_timeout);
        // Each writer has a connection of its own, so there are no more writers than those.
        ingest.writers_max = database.store.write_connections_max;
        ingest.writers_min = ingest.writers_min.min(ingest.writers_max);
        Settings {
            admin: self.admin.settings(problems, server.port),
            admin_token: self.admin.token(problems),
            server,
            logging: self.logging.settings(problems),
            database,
            ingest,
            redis: self.redis.settings(problems),
            spool: self.spool.settings(problems),
            limits,
            partitions: self.partitions.settings(problems),
            shutdown: self.shutdown.settings(problems),
        }
    }
}

#[cfg(test)]
mod tests;
