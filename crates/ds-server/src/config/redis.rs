//! Section `redis`: the dead letter queue.

use std::path::Path;

use ds_dlq::DurabilityPolicy;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;

use super::{
    problem::{Problems, set},
    scalar,
    secrets::Secrets,
};

/// What is meant where existing files say zero, or nothing: ten minutes of 500 events a second.
const ENTRIES_MAX_DEFAULT: u64 = 300_000;

/// More than any Redis holds.
const BYTES_MAX: u64 = 1 << 40;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Redis {
    addr: Option<String>,
    #[serde(deserialize_with = "scalar::integer")]
    db: i64,
    dlq_stream_name: String,
    #[serde(deserialize_with = "scalar::optional_integer")]
    dlq_max_len: Option<i64>,
    #[serde(deserialize_with = "scalar::integer")]
    dlq_max_bytes: i64,
    dlq_durability: String,
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
    /// Most bytes of entries before a new one is refused.
    pub bytes_max: u64,
    /// What is done about a Redis that would forget.
    pub durability: DurabilityPolicy,
    /// Consumer group.
    pub consumer_group: String,
    /// Password, if there is one.
    pub password: Option<SecretString>,
}

impl Redis {
    pub(super) fn settings(&self, problems: &mut Problems) -> Option<RedisSettings> {
        let database = problems.integer("redis.db", self.db, 0..=15);
        let entries_max = match self.dlq_max_len {
            None | Some(..=0) => ENTRIES_MAX_DEFAULT,
            Some(entries) => problems.integer("redis.dlq_max_len", entries, 1..=1_000_000_000),
        };
        let bytes_max = problems.integer(
            "redis.dlq_max_bytes",
            self.dlq_max_bytes,
            1 << 20..=BYTES_MAX,
        );
        let durability = self.durability(problems);
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
            bytes_max,
            durability,
            consumer_group,
            password,
        })
    }

    fn durability(&self, problems: &mut Problems) -> DurabilityPolicy {
        match self.dlq_durability.as_str() {
            "require" => DurabilityPolicy::Require,
            "report" => DurabilityPolicy::Report,
            other => {
                problems.add(
                    "redis.dlq_durability",
                    format!("invalid dlq_durability: {other} (must be require or report)"),
                );
                DurabilityPolicy::Require
            }
        }
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
