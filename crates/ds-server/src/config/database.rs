//! Section `database`: PostgreSQL.

use std::{path::Path, time::Duration};

use ds_repository::settings::{Settings, TlsMode};
use serde::{Deserialize, Serialize};

use crate::chain::Chain;

use super::{
    problem::{Problems, set},
    scalar,
    secrets::{self, Secrets},
    server::{TIMEOUT_MAX, TIMEOUT_MIN},
};

/// Connections for partitions, indexes and health: one for what runs long, one for what must not wait.
const MAINTENANCE_CONNECTIONS: usize = 2;

/// Connections that writers never get, so that queries are answered under any load.
const READ_CONNECTIONS_MIN: usize = 2;

/// Stands for "never" where the repository wants a duration.
const NEVER: Duration = Duration::from_hours(24 * 365 * 100);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Database {
    host: String,
    #[serde(deserialize_with = "scalar::integer")]
    port: i64,
    name: String,
    user: String,
    ssl_mode: String,
    ssl_root_cert: Option<String>,
    #[serde(deserialize_with = "scalar::integer")]
    max_open_conns: i64,
    #[serde(deserialize_with = "scalar::integer")]
    max_idle_conns: i64,
    conn_max_lifetime: String,
    conn_max_idle_time: String,
    #[serde(rename = "secretsFile")]
    secrets_file: Option<String>,
    #[serde(rename = "usernameKey")]
    username_key: Option<String>,
    #[serde(rename = "passwordKey")]
    password_key: String,
    connect_timeout: String,
    pool_timeout: String,
    append_timeout: String,
    query_timeout: String,
    lock_timeout: String,
    start_retry_max: String,
    #[serde(deserialize_with = "scalar::switch")]
    migrate_on_start: bool,
}

/// PostgreSQL, and what a start does about it.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseSettings {
    /// How to reach it.
    pub store: Settings,
    /// How long a start tries to reach it.
    pub start_retry_max: Duration,
    /// Whether `serve` applies missing migrations.
    pub migrate_on_start: bool,
}

impl Database {
    pub(super) fn settings(
        &self,
        problems: &mut Problems,
        writers_max: usize,
        flush_timeout: Duration,
    ) -> DatabaseSettings {
        DatabaseSettings {
            store: self.store(problems, writers_max, flush_timeout),
            start_retry_max: problems.duration(
                "database.start_retry_max",
                &self.start_retry_max,
                Duration::ZERO..=Duration::from_hours(24),
            ),
            migrate_on_start: self.migrate_on_start,
        }
    }

    fn store(
        &self,
        problems: &mut Problems,
        writers_max: usize,
        flush_timeout: Duration,
    ) -> Settings {
        let host = problems.required("database.host", &self.host);
        let port = self.port(problems);
        let database = problems.required("database.name", &self.name);
        let secrets = self.secrets(problems);
        let user = secrets.username.unwrap_or_else(|| self.user.clone());
        let user = problems.required("database.user", &user);
        let connections = problems.integer("database.max_open_conns", self.max_open_conns, 5..=500);
        let idle = problems.integer("database.max_idle_conns", self.max_idle_conns, 0..=100_000);
        let (write_connections_max, read_connections_max) = split(connections, writers_max);
        let mut timeout = |key: &str, text: &str| {
            problems.duration(&format!("database.{key}"), text, TIMEOUT_MIN..=TIMEOUT_MAX)
        };
        let connect_timeout = timeout("connect_timeout", &self.connect_timeout);
        let pool_wait_max = timeout("pool_timeout", &self.pool_timeout);
        let append_timeout = timeout("append_timeout", &self.append_timeout);
        let query_timeout = timeout("query_timeout", &self.query_timeout);
        let lock_timeout = timeout("lock_timeout", &self.lock_timeout);
        Settings {
            host,
            port,
            database,
            user,
            password: secrets.password,
            tls: self.tls(problems),
            tls_root_certificates: set(self.ssl_root_cert.as_ref()).map(Into::into),
            write_connections_max,
            read_connections_max,
            idle_connections_max: idle.min(connections),
            connection_age_max: age(problems, "conn_max_lifetime", &self.conn_max_lifetime),
            connection_idle_max: age(problems, "conn_max_idle_time", &self.conn_max_idle_time),
            connect_timeout,
            pool_wait_max,
            append_timeout,
            flush_timeout,
            query_timeout,
            lock_timeout,
        }
    }

    fn port(&self, problems: &mut Problems) -> u16 {
        if self.port == 0 {
            problems.add("database.port", "database port required");
            return 0;
        }
        problems.integer("database.port", self.port, 1..=65_535)
    }

    fn secrets(&self, problems: &mut Problems) -> secrets::Database {
        let Some(path) = set(self.secrets_file.as_ref()) else {
            return secrets::Database::default();
        };
        let read = || {
            let secrets = Secrets::read("database", Path::new(path))?;
            secrets.database(set(self.username_key.as_ref()), &self.password_key)
        };
        read().unwrap_or_else(|error| {
            problems.add("database.secretsFile", Chain(&error).to_string());
            secrets::Database::default()
        })
    }

    fn tls(&self, problems: &mut Problems) -> TlsMode {
        let mode = match self.ssl_mode.as_str() {
            "disable" => TlsMode::Disable,
            // What existing files leave out, and what "first without, then with" amounts to.
            "" | "allow" | "prefer" => TlsMode::Prefer,
            "require" => TlsMode::Require,
            "verify-ca" => TlsMode::VerifyCa,
            "verify-full" => TlsMode::VerifyFull,
            other => {
                problems.add(
                    "database.ssl_mode",
                    format!(
                        "invalid ssl_mode: {other} (must be disable, allow, prefer, require, \
                         verify-ca, or verify-full)"
                    ),
                );
                TlsMode::Prefer
            }
        };
        if matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull)
            && set(self.ssl_root_cert.as_ref()).is_none()
        {
            problems.add(
                "database.ssl_root_cert",
                format!("database ssl_mode {} needs ssl_root_cert", self.ssl_mode),
            );
        }
        mode
    }
}

/// Connections of writers, and those that answer queries.
fn split(connections: usize, writers_max: usize) -> (usize, usize) {
    let rest = connections.saturating_sub(MAINTENANCE_CONNECTIONS);
    let write = writers_max.min(rest.saturating_sub(READ_CONNECTIONS_MIN));
    (write.max(1), rest.saturating_sub(write))
}

fn age(problems: &mut Problems, key: &str, text: &str) -> Duration {
    match problems.duration(&format!("database.{key}"), text, Duration::ZERO..=NEVER) {
        Duration::ZERO => NEVER,
        age => age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_split_between_writers_and_readers() {
        assert_eq!(split(5, 8), (1, 2));
        assert_eq!(split(8, 8), (4, 2));
        assert_eq!(split(12, 8), (8, 2));
        assert_eq!(split(18, 8), (8, 8));
        assert_eq!(split(25, 8), (8, 15));
        assert_eq!(split(25, 3), (3, 20));
        assert_eq!(split(500, 8), (8, 490));
    }
}
