//! The configuration that is in effect, as a document without secrets.

use std::fmt::{self, Write};

use anyhow::Context;

use ds_dlq::DurabilityPolicy;

use super::{Loaded, Settings};

/// A YAML document that could be used as a configuration file, and comments about what is derived.
pub(crate) fn effective(loaded: &Loaded) -> anyhow::Result<String> {
    let mut text = serde_saphyr::to_string(&loaded.config).context("cannot print configuration")?;
    let store = &loaded.settings.database.store;
    let shutdown = &loaded.settings.shutdown;
    // Writing to a String cannot fail, but saying so is longer than passing it on.
    writeln!(text, "# database role: {}", store.user)?;
    writeln!(
        text,
        "# database password: {}",
        redacted(store.password.is_some())
    )?;
    let ingest = &loaded.settings.ingest;
    writeln!(
        text,
        "# database connections: {} to {} write, {} answer queries, the rest is for maintenance",
        ingest.writers_min, ingest.writers_max, store.read_connections_max
    )?;
    backlogs(&mut text, &loaded.settings)?;
    writeln!(
        text,
        "# shutdown: {:?} pause, {:?} drain, {:?} workers",
        shutdown.propagation_pause, shutdown.drain_timeout, shutdown.workers_timeout
    )?;
    Ok(text)
}

/// Where events wait when the database cannot take them.
fn backlogs(text: &mut String, settings: &Settings) -> fmt::Result {
    match &settings.redis {
        None => writeln!(text, "# dead letter queue: none")?,
        Some(queue) => writeln!(
            text,
            "# dead letter queue: {} port {}, database {}, stream {}, group {}, \
             at most {} entries and {} bytes, {}, password {}",
            queue.host,
            queue.port,
            queue.database,
            queue.stream,
            queue.consumer_group,
            queue.entries_max,
            queue.bytes_max,
            match queue.durability {
                DurabilityPolicy::Require => "durable or not used",
                DurabilityPolicy::Report => "used even if it is not durable",
            },
            redacted(queue.password.is_some())
        )?,
    }
    match &settings.spool {
        None => writeln!(text, "# spool: none")?,
        Some(spool) => writeln!(
            text,
            "# spool: {}, at most {} entries, {} bytes and {:?}",
            spool.directory.display(),
            spool.entries_max,
            spool.bytes_max,
            spool.age_max
        )?,
    }
    let token = redacted(settings.admin_token.is_some());
    writeln!(text, "# admin token: {token}")
}

fn redacted(is_set: bool) -> &'static str {
    if is_set { "[redacted]" } else { "none" }
}
