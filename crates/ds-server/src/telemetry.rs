//! Logs: one line per event on standard error, never sampled.
//!
//! Standard output belongs to what a command was asked for.

mod line;

use std::panic::PanicHookInfo;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::LoggingSettings;

/// Starts logging. Lines of dependencies pass the same level, but for those that repeat every notice
/// of the database.
pub(crate) fn install(settings: LoggingSettings) -> anyhow::Result<()> {
    let level = LevelFilter::from_level(settings.level);
    let quiet = level.min(LevelFilter::WARN);
    let targets = Targets::new()
        .with_default(level)
        .with_target("refinery_core", quiet)
        .with_target("tokio_postgres", quiet);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .event_format(line::Lines(settings.format))
        .finish()
        .with(targets)
        .try_init()
        .map_err(|error| anyhow::anyhow!(error).context("cannot start logging"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is a defect: it belongs where the other lines are, not on a stream nobody collects.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        panic.message = panic.payload_as_str().unwrap_or("not a text"),
        panic.location = place,
        "Panicked"
    );
}
