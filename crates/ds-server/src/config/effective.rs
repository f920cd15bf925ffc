//! The configuration that is in effect, as a document without secrets.

use std::fmt::Write;

use anyhow::Context;

use super::Loaded;

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
    writeln!(
        text,
        "# database connections: {} append, {} answer queries",
        store.write_connections_max, store.read_connections_max
    )?;
    if let Some(queue) = &loaded.settings.redis {
        writeln!(
            text,
            "# dead letter queue, not in use yet: {} port {}, database {}, stream {}, \
             at most {} entries, group {}, password {}",
            queue.host,
            queue.port,
            queue.database,
            queue.stream,
            queue.entries_max,
            queue.consumer_group,
            redacted(queue.password.is_some())
        )?;
    }
    writeln!(
        text,
        "# shutdown: {:?} pause, {:?} drain, {:?} workers",
        shutdown.propagation_pause, shutdown.drain_timeout, shutdown.workers_timeout
    )?;
    Ok(text)
}

fn redacted(is_set: bool) -> &'static str {
    if is_set { "[redacted]" } else { "none" }
}
