//! Section `server`: the HTTP interface.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    problem::{Problems, set},
    scalar,
};

/// Head timeouts longer than this only serve clients that dribble.
const HEADER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

pub(super) const TIMEOUT_MIN: Duration = Duration::from_millis(1);
pub(super) const TIMEOUT_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Server {
    host: String,
    #[serde(deserialize_with = "scalar::integer")]
    port: i64,
    read_timeout: String,
    write_timeout: String,
    header_timeout: Option<String>,
    idle_timeout: String,
    ping_timeout: String,
    #[serde(deserialize_with = "scalar::integer")]
    body_bytes_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    connections_max: i64,
    #[serde(deserialize_with = "scalar::integer")]
    exports_max: i64,
}

/// The HTTP interface.
#[derive(Clone, Debug)]
pub(crate) struct ServerSettings {
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
    /// Longest time to receive a body.
    pub read_timeout: Duration,
    /// Longest time for a client to take the next piece of an answer.
    pub write_timeout: Duration,
    /// Longest time to receive a head.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// Longest wait of a health check for the store.
    pub ping_timeout: Duration,
    /// Largest request body in bytes.
    pub body_bytes_max: usize,
    /// Most open connections.
    pub connections_max: usize,
    /// Most streams of events at a time.
    pub exports_max: usize,
}

impl Server {
    pub(super) fn settings(&self, problems: &mut Problems) -> ServerSettings {
        let mut timeout = |key: &str, text: &str| {
            problems.duration(&format!("server.{key}"), text, TIMEOUT_MIN..=TIMEOUT_MAX)
        };
        let read_timeout = timeout("read_timeout", &self.read_timeout);
        let write_timeout = timeout("write_timeout", &self.write_timeout);
        let header_timeout = match set(self.header_timeout.as_ref()) {
            Some(text) => timeout("header_timeout", text),
            None => read_timeout.min(HEADER_TIMEOUT_DEFAULT),
        };
        let idle_timeout = timeout("idle_timeout", &self.idle_timeout);
        let ping_timeout = timeout("ping_timeout", &self.ping_timeout);
        ServerSettings {
            host: self.host.clone(),
            port: port(problems, "server.port", self.port),
            read_timeout,
            write_timeout,
            header_timeout,
            idle_timeout,
            ping_timeout,
            body_bytes_max: problems.integer(
                "server.body_bytes_max",
                self.body_bytes_max,
                1_024..=1 << 30,
            ),
            connections_max: problems.integer(
                "server.connections_max",
                self.connections_max,
                1..=1_000_000,
            ),
            exports_max: problems.integer("server.exports_max", self.exports_max, 1..=1_000),
        }
    }
}

/// A port to listen on. Zero is what files say that leave it out.
pub(super) fn port(problems: &mut Problems, path: &str, value: i64) -> u16 {
    if value == 0 {
        problems.add(path, format!("{} required", path.replacen('.', " ", 1)));
        return 0;
    }
    problems.integer(path, value, 1_024..=65_535)
}
