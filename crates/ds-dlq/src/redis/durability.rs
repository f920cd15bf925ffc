//! Whether what Redis acknowledges survives the loss of power, and how to wait until it does.

use std::{
    fmt,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use ds_metrics::catalog;
use tokio::{sync::Mutex, time::Instant};

use super::{
    connection::{COMMAND, Connection},
    error::RedisError,
    reply,
    settings::DurabilityPolicy,
};

/// How long an assessment is believed. Settings can be changed while the server runs.
const BELIEVED: Duration = Duration::from_secs(10);

/// The first version that can be asked to wait for its disk.
const AWAITABLE: (u32, u32) = (7, 2);

/// What an acknowledgement of the server is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Durability {
    /// It is worth something once the server was asked to wait for its disk.
    Awaited,
    /// The disk has it.
    Always,
    /// The server may forget it.
    None,
}

/// What was found out about a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Assessment {
    pub(super) durability: Durability,
    /// Names the server process.
    pub(super) run_id: String,
    /// The policy by which it throws keys away when memory runs out, if it does.
    eviction: Option<String>,
}

/// Finds out, and remembers for a while.
#[derive(Debug)]
pub(super) struct Assessor {
    policy: DurabilityPolicy,
    last: Mutex<Option<(Instant, Assessment)>>,
    /// What was found out last, for those who only report it.
    known: std::sync::Mutex<Option<Durability>>,
}

impl Assessor {
    pub(super) fn new(policy: DurabilityPolicy) -> Self {
        Self {
            policy,
            last: Mutex::default(),
            known: std::sync::Mutex::default(),
        }
    }

    /// What the server's word is worth; an error when that is not enough.
    pub(super) async fn assess(&self, connection: &Connection) -> Result<Assessment, RedisError> {
        let mut last = self.last.lock().await;
        let believed = last.as_ref().filter(|(at, _)| at.elapsed() < BELIEVED);
        let assessment = match believed {
            Some((_, assessment)) => assessment.clone(),
            None => {
                let found = ask(connection).await?;
                self.report(last.as_ref().map(|(_, before)| before), &found);
                *self.known() = Some(found.durability);
                *last = Some((Instant::now(), found.clone()));
                found
            }
        };
        match (assessment.durability, self.policy) {
            (Durability::None, DurabilityPolicy::Require) => Err(RedisError::NotDurable),
            _ => Ok(assessment),
        }
    }

    /// What the server's word was worth when it was asked last.
    pub(super) fn last_known(&self) -> Option<Durability> {
        *self.known()
    }

    fn known(&self) -> MutexGuard<'_, Option<Durability>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was found out: the server is another one.
    pub(super) async fn doubt(&self) {
        *self.last.lock().await = None;
    }

    fn report(&self, before: Option<&Assessment>, found: &Assessment) {
        let is_durable = found.durability != Durability::None;
        catalog::dlq_durable().set(f64::from(u8::from(is_durable)));
        if before.map(|before| before.durability) != Some(found.durability) {
            match found.durability {
                // Said below.
                Durability::None if found.eviction.is_some() => {}
                Durability::None => tracing::warn!(
                    policy = ?self.policy,
                    "Redis would lose acknowledged entries with its power: set `appendonly yes`, before version 7.2 also `appendfsync always`"
                ),
                Durability::Awaited | Durability::Always => {
                    tracing::info!(durability = %found.durability, "Redis keeps acknowledged entries");
                }
            }
        }
        if let Some(policy) = &found.eviction
            && before.is_none_or(|before| before.eviction.as_ref() != Some(policy))
        {
            tracing::warn!(
                policy = policy.as_str(),
                "Redis would throw acknowledged entries away when its memory runs out: set `maxmemory-policy noeviction`"
            );
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Awaited => "awaited",
            Self::Always => "always",
            Self::None => "none",
        })
    }
}

async fn ask(connection: &Connection) -> Result<Assessment, RedisError> {
    let info = reply::text(connection.command("INFO", Vec::new(), COMMAND).await?)?;
    let words = vec!["GET".into(), "*appendfsync*".into()];
    // Hosted servers often forbid this command; then we know less.
    let settings = match connection.command("CONFIG", words, COMMAND).await {
        Ok(answer) => reply::list(answer)?,
        Err(RedisError::Command(_)) if connection.is_connected() => Vec::new(),
        Err(error) => return Err(error),
    };
    let settings: Result<Vec<_>, _> = settings.into_iter().map(reply::text).collect();
    Ok(judge(&info, &settings?))
}

/// `settings` are names and values, in turn.
fn judge(info: &str, settings: &[String]) -> Assessment {
    let has = |name: &str, value: &str| settings.chunks_exact(2).any(|pair| pair == [name, value]);
    // It can be told to sync always, but for minutes at a time when it rewrites its file.
    let syncs = has("appendfsync", "always") && has("no-appendfsync-on-rewrite", "no");
    let keeps_log = field(info, "aof_enabled") == Some("1");
    let is_bounded = field(info, "maxmemory").is_some_and(|bytes| bytes != "0");
    // The others spare keys that do not expire, as ours.
    let eviction = field(info, "maxmemory_policy").filter(|policy| policy.starts_with("allkeys"));
    let eviction = eviction.filter(|_| is_bounded);
    let durability = match (keeps_log, syncs, version(info) >= AWAITABLE) {
        _ if eviction.is_some() => Durability::None,
        (true, true, _) => Durability::Always,
        (true, false, true) => Durability::Awaited,
        (true, false, false) | (false, _, _) => Durability::None,
    };
    Assessment {
        durability,
        run_id: run_id(info).to_owned(),
        eviction: eviction.map(str::to_owned),
    }
}

/// The name of the server process in an answer to `INFO`.
pub(super) fn run_id(info: &str) -> &str {
    field(info, "run_id").unwrap_or_default()
}

fn version(info: &str) -> (u32, u32) {
    let mut numbers = field(info, "redis_version")
        .unwrap_or_default()
        .split('.')
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, aof: &str, settings: &[&str], expected: Durability) {
        let info = format!("# Server\r\nredis_version:{version}\r\naof_enabled:{aof}\r\n");
        let settings: Vec<_> = settings.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(judge(&info, &settings).durability, expected);
    }

    #[test]
    fn an_acknowledgement_is_worth_what_version_and_settings_say() {
        let always = ["appendfsync", "always", "no-appendfsync-on-rewrite", "no"];
        let mostly = ["no-appendfsync-on-rewrite", "yes", "appendfsync", "always"];
        let secondly = ["appendfsync", "everysec", "no-appendfsync-on-rewrite", "no"];
        check("7.2.4", "1", &secondly, Durability::Awaited);
        check("8.0.1", "1", &[], Durability::Awaited);
        check("10.0.0", "1", &mostly, Durability::Awaited);
        check("8.0.1", "1", &always, Durability::Always);
        check("7.0.15", "1", &always, Durability::Always);
        check("7.2.4", "0", &always, Durability::None);
        check("6.2.14", "1", &mostly, Durability::None);
        check("6.2.14", "1", &secondly, Durability::None);
        check("6.2.14", "1", &[], Durability::None);
        check("", "1", &[], Durability::None);
    }

    #[test]
    fn a_server_that_throws_keys_away_is_noticed() {
        let info =
            |max: &str, policy: &str| format!("maxmemory:{max}\nmaxmemory_policy:{policy}\n");
        assert_eq!(judge(&info("100", "noeviction"), &[]).eviction, None);
        assert_eq!(judge(&info("0", "allkeys-lru"), &[]).eviction, None);
        assert_eq!(judge(&info("100", "volatile-lru"), &[]).eviction, None);
        let durable = "redis_version:8.0.1\naof_enabled:1\n";
        let found = judge(&(info("100", "allkeys-lru") + durable), &[]);
        assert_eq!(found.eviction.as_deref(), Some("allkeys-lru"));
        assert_eq!(found.durability, Durability::None);
    }
}
