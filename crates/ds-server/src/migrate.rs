//! `ds-server migrate`: the schema as a step of a deployment.

use std::io::{self, Write};

use anyhow::Context;
use ds_repository::migrate::{self, Report};
use tracing::Level;

use crate::{
    config::{DatabaseSettings, LoggingSettings, Settings},
    exit::Exit,
    startup, telemetry,
};

/// Brings the database to this binary's schema.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Exit> {
    let database = prepare(settings)?;
    let attempt = async || Ok(migrate::run(&database.store).await?);
    let report = startup::persist(database, attempt).await?;
    print(&report, "applied", "nothing was missing")
}

/// Says what [`run`] would do.
pub(crate) async fn plan(settings: &Settings) -> anyhow::Result<Exit> {
    let database = prepare(settings)?;
    let attempt = async || Ok(migrate::plan(&database.store).await?);
    let report = startup::persist(database, attempt).await?;
    print(&report, "would apply", "nothing is missing")
}

/// Logs only what is unusual, such as waiting for the database: the result is what is printed.
fn prepare(settings: &Settings) -> anyhow::Result<&DatabaseSettings> {
    let level = settings.logging.level.min(Level::WARN);
    telemetry::install(LoggingSettings {
        level,
        ..settings.logging
    })?;
    Ok(&settings.database)
}

fn print(report: &Report, verb: &str, idle: &str) -> anyhow::Result<Exit> {
    let mut text = String::new();
    for migration in &report.migrations {
        text += &format!("{verb} {migration}\n");
    }
    text += &match report.migrations.as_slice() {
        [] => format!("schema version {}, {idle}\n", report.version),
        _ => format!("schema version {}\n", report.version),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print the result")?;
    Ok(Exit::Done)
}
