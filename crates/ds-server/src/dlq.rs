//! `ds-server dlq`: looks at the dead letter queue and repairs it, with or without a running server.

mod audit;
mod change;
mod listing;

use std::{
    fmt::Display,
    io::{self, Write},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use ds_dlq::{Backlog, EntryId, RedisQueue, Stream};
use serde::Serialize;

use crate::{
    config::{RedisSettings, Settings},
    exit::Exit,
    telemetry, wiring,
};

use change::Change;
use listing::Listing;

/// What `--help` says after the options.
const SPOOL_NOTE: &str = "\
This works on Redis. The spool is the server's own: its dead letters are reached through the running
server only, with GET /api/v1/admin/dlq/dead-letters and the routes below it.";

/// Most dead letters in one answer of the queue.
const PAGE: usize = 500;

/// Longest wait for Redis, and how often it is looked after.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const CONNECT_POLL: Duration = Duration::from_millis(10);

#[derive(Debug, Subcommand)]
#[command(after_help = SPOOL_NOTE)]
pub(crate) enum Dlq {
    /// Print how full the queue is, who works on it, and its dead letters.
    List {
        #[command(flatten)]
        common: Common,
        /// Most dead letters to print, the oldest ones.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Let dead letters wait for PostgreSQL again, as if they had never failed.
    Replay {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Remove dead letters for good: what is in them is lost.
    Purge {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        chosen: Chosen,
        /// Say that this is meant.
        #[arg(long, required = true)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Which of the two queues.
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Name::Events)]
    stream: Name,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// The queues.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// Audit events.
    Events,
    /// Notifications.
    Notifications,
}

impl Name {
    const fn stream(self) -> Stream {
        match self {
            Self::Events => Stream::Events,
            Self::Notifications => Stream::Notifications,
        }
    }
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    #[command(flatten)]
    which: Which,
    /// Most dead letters of --all, the oldest ones.
    #[arg(long, value_name = "N", conflicts_with = "ids")]
    limit: Option<usize>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Name of a dead letter, as `list` or the admin API prints it; may be repeated.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Every dead letter that is there now.
    #[arg(long)]
    all: bool,
}

impl Chosen {
    fn ids(&self) -> Vec<EntryId> {
        let ids = self.which.ids.iter();
        // The admin API says of each id which backlog it is in; here it is always the queue.
        let bare = |id: &String| id.strip_prefix("queue:").unwrap_or(id).to_owned();
        ids.map(|id| EntryId(bare(id))).collect()
    }
}

impl Dlq {
    /// Does it.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        telemetry::install(settings.logging)?;
        let redis = settings.redis.as_ref().context(
            "there is no dead letter queue: redis.addr is not set (a spool is reached through the \
             running server only)",
        )?;
        let stream = self.common().stream.stream();
        let queue = reach(redis, stream).await?;
        let name = format!("{}:{}", redis.stream, stream.as_str());
        let outcome = self.on(settings, &queue, &name).await;
        queue.close().await;
        outcome
    }

    async fn on(self, settings: &Settings, queue: &RedisQueue, name: &str) -> anyhow::Result<Exit> {
        let about_to = async |change, chosen: &Chosen| {
            audit::leave(settings, queue, name, change, chosen).await
        };
        match self {
            Self::List { common, limit } => {
                let listing = Listing::of(queue, name, limit)
                    .await
                    .with_context(|| format!("cannot read {name}"))?;
                print(&listing, common.json)
            }
            Self::Replay { common, chosen } => {
                about_to(Change::Replay, &chosen).await?;
                repair(queue, name, Change::Replay, chosen, common.json).await
            }
            Self::Purge {
                common,
                chosen,
                yes: _,
            } => {
                about_to(Change::Purge, &chosen).await?;
                repair(queue, name, Change::Purge, chosen, common.json).await
            }
        }
    }

    const fn common(&self) -> &Common {
        match self {
            Self::List { common, .. }
            | Self::Replay { common, .. }
            | Self::Purge { common, .. } => common,
        }
    }
}

/// The queue, once it is connected.
async fn reach(redis: &RedisSettings, stream: Stream) -> anyhow::Result<RedisQueue> {
    let queue = wiring::queue(redis, stream)?;
    let connected = async {
        while !queue.is_connected() {
            tokio::time::sleep(CONNECT_POLL).await;
        }
    };
    match tokio::time::timeout(CONNECT_MAX, connected).await {
        Ok(()) => Ok(queue),
        Err(_elapsed) => {
            let RedisSettings { host, port, .. } = redis;
            anyhow::bail!("cannot connect to Redis on {host} port {port}")
        }
    }
}

async fn repair(
    queue: &impl Backlog,
    name: &str,
    change: Change,
    chosen: Chosen,
    json: bool,
) -> anyhow::Result<Exit> {
    let outcome = if chosen.which.all {
        change::all(queue, change, chosen.limit).await
    } else {
        change::these(queue, change, chosen.ids()).await
    };
    print(&outcome.document(change, name), json)?;
    match (outcome.failure, outcome.missing.as_slice()) {
        (Some(error), _) => Err(error).with_context(|| format!("cannot change {name}")),
        (None, []) => Ok(Exit::Done),
        (None, [id, ..]) => anyhow::bail!("{name} has no dead letter {id}"),
    }
}

fn print(document: &(impl Serialize + Display), json: bool) -> anyhow::Result<Exit> {
    let text = if json {
        serde_json::to_string(document).context("cannot write the result as JSON")? + "\n"
    } else {
        document.to_string()
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print the result")?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
