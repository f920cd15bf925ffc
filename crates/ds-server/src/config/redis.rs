//! Section `redis`: the dead letter queue, checked now and used by it later.

use std::path::Path;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;

use super::{
    problem::{Problems, set},
    scalar,
    secrets::Secrets,
};

/// What existing files mean by zero.
const ENTRIES_MAX_DEFAULT: u64 = 10_000;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Redis {
    addr: Option<String>,
    #[serde(deserialize_with = "scalar::integer")]
    db: i64,
    dlq_stream_name: String,
    #[serde(deserialize_with = "scalar::integer")]
    dlq_max_len: i64,
    dlq_consumer_group: String,
    #[serde(rename = "secretsFile")]
    secrets_file: Option<String>,
    #[serde(rename = "passwordKey")]
    password_key: String,
}

/// The dead letter queue.
#[derive(Clone, Debug)]
pub(crate) struct RedisSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Number of the database.
    pub database: u8,
    /// Name that the streams' names start with.
    pub stream: String,
    /// Most entries before a new one is refused.
    pub entries_max: u64,
    /// Consumer group.
    pub consumer_group: String,
    /// Password, if there is one.
    pub password: Option<SecretString>,
}

impl Redis {
    pub(super) fn settings(&self, problems: &mut Problems) -> Option<RedisSettings> {
        let database = problems.integer("redis.db", self.db, 0..=15);
        let entries_max =
            match problems.integer("redis.dlq_max_len", self.dlq_max_len, 0..=1_000_000_000) {
                0 => ENTRIES_MAX_DEFAULT,
                entries => entries,
            };
        let stream = problems.required("redis.dlq_stream_name", &self.dlq_stream_name);
        let consumer_group =
            problems.required("redis.dlq_consumer_group", &self.dlq_consumer_group);
        let password = self.password(problems);
        let Some(addr) = set(self.addr.as_ref()) else {
            if set(self.secrets_file.as_ref()).is_some() {
                problems.add("redis.addr", "redis address required");
            }
            return None;
        };
        let Some((host, port)) = address(addr) else {
            problems.add(
                "redis.addr",
                format!("redis address must be host:port, got: {addr}"),
            );
            return None;
        };
        Some(RedisSettings {
            host: host.to_owned(),
            port,
            database,
            stream,
            entries_max,
            consumer_group,
            password,
        })
    }

    fn password(&self, problems: &mut Problems) -> Option<SecretString> {
        let path = set(self.secrets_file.as_ref())?;
        let read = || {
            let secrets = Secrets::read("redis", Path::new(path))?;
            secrets.text("password", &self.password_key).cloned()
        };
        match read() {
            Ok(password) => Some(password),
            Err(error) => {
                problems.add("redis.secretsFile", Chain(&error).to_string());
                None
            }
        }
    }
}

/// Splits `host:port`; an IPv6 address stands in brackets.
fn address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(address("redis:6379"), Some(("redis", 6379)));
        assert_eq!(address("10.0.0.1:1"), Some(("10.0.0.1", 1)));
        assert_eq!(address("[::1]:6379"), Some(("::1", 6379)));
        for wrong in [
            "redis",
            "redis:",
            ":6379",
            "redis:0",
            "redis:70000",
            "::1:6379",
            "[::1",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
