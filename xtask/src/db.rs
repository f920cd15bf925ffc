//! `cargo xtask db`: a PostgreSQL and a Redis that stay, for development.

use std::fs::remove_dir_all;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use ds_testkit::{Backend, Binaries, DetachedPostgres, DetachedRedis, Durability};

use crate::{BackendArgument, environment};

/// Arguments of `db`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Starts both servers, or says where they are.
    Start(BackendArgument),
    /// Stops both servers; their data stays.
    Stop,
    /// Opens a prompt on the database, or passes arguments on to psql.
    Psql {
        /// For psql, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Stops both servers and removes their data.
    Reset,
}

/// Does what was asked.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.action {
        Action::Start(argument) => start(*argument),
        Action::Stop => stop(),
        Action::Psql { arguments } => return psql(arguments),
        Action::Reset => reset(),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Whether anything was running.
pub(crate) fn stop_servers() -> Result<bool> {
    let Some(home) = existing_home() else {
        return Ok(false);
    };
    let postgres = DetachedPostgres::stop(&home.join("postgres"))?;
    let redis = DetachedRedis::stop(&home.join("redis"))?;
    Ok(postgres || redis)
}

/// Stops the servers and removes their data.
pub(crate) fn reset() -> Result<()> {
    stop_servers()?;
    if let Some(home) = existing_home() {
        remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        println!("Removed {}.", home.display());
    }
    Ok(())
}

fn start(argument: BackendArgument) -> Result<()> {
    let binaries = || match argument.backend {
        None => Binaries::local().or_else(|_| Binaries::fetched()),
        Some(Backend::Local) => Binaries::local(),
        Some(Backend::Fetch) => Binaries::fetched(),
        Some(other @ (Backend::Env | Backend::Docker)) => bail!("db runs no servers from {other}"),
    };
    let home = ds_testkit::reachable_directory("db")?;
    let postgres_home = home.join("postgres");
    let postgres = match DetachedPostgres::find(&postgres_home) {
        Some(running) => running,
        None => DetachedPostgres::start(&postgres_home, &binaries()?, Durability::Production)?,
    };
    let redis = DetachedRedis::start(&home.join("redis"), Durability::Production)?;
    println!("PostgreSQL  {}  (process {})", postgres.url, postgres.pid);
    println!("Redis       {}  (process {})", redis.url, redis.pid);
    let file = environment::publish(&[
        ("DS_PG_URL", postgres.url.clone()),
        ("DS_REDIS_URL", redis.url.clone()),
        ("DS_TEST_PG_URL", postgres.url),
        ("DS_TEST_REDIS_URL", redis.url),
        ("DS_PG_PID", postgres.pid.to_string()),
        ("DS_REDIS_PID", redis.pid.to_string()),
    ])?;
    println!("For a shell: set -a; . {}; set +a", file.display());
    Ok(())
}

fn stop() -> Result<()> {
    let stopped = stop_servers()?;
    environment::withdraw();
    println!(
        "{}",
        if stopped {
            "Stopped."
        } else {
            "Nothing was running."
        }
    );
    Ok(())
}

fn psql(arguments: &[String]) -> Result<ExitCode> {
    let home = existing_home().context("no database yet: cargo xtask db start")?;
    let running = DetachedPostgres::find(&home.join("postgres"));
    let running = running.context("the database does not run: cargo xtask db start")?;
    let installed = Binaries::local().or_else(|_| Binaries::fetched())?;
    let status = Command::new(installed.program("psql"))
        .arg(running.url)
        .args(arguments)
        .status()
        .context("cannot run psql")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn existing_home() -> Option<PathBuf> {
    let home = ds_testkit::reachable_directory("db").ok()?;
    home.join("postgres").exists().then_some(home)
}
