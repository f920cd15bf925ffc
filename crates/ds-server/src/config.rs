//! What the process is told: defaults, then a file, then the environment.
//!
//! Layers are merged by figment; the result is a [`Config`] of raw values, which becomes
//! [`Settings`] exactly once. Every problem of every layer is collected before anything is refused.

mod admin;
mod database;
mod duration;
mod effective;
mod environment;
mod layers;
mod logging;
mod partitions;
mod problem;
mod redis;
mod scalar;
mod secrets;
mod server;
mod shutdown;
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
    redis: redis::Redis,
    validation: validation::Validation,
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
    /// What is logged, and how.
    pub logging: LoggingSettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// The dead letter queue, if there is one.
    pub redis: Option<RedisSettings>,
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
        let admin = self.admin.settings(problems, server.port);
        Settings {
            server,
            admin,
            logging: self.logging.settings(problems),
            database: self.database.settings(problems),
            redis: self.redis.settings(problems),
            limits: self.validation.settings(problems),
            partitions: self.partitions.settings(problems),
            shutdown: self.shutdown.settings(problems),
        }
    }
}

#[cfg(test)]
mod tests;
