//! What can be asked of the binary on its command line.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use ds_repository::Repository;

use crate::{
    chain::Chain,
    config::{self, ConfigError, Loaded},
    dlq::Dlq,
    exit::Exit,
    healthcheck, migrate, run,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done; for `serve`: stopped by a signal, and everything in flight was finished
  1    failed; one sentence on standard error says why
  2    stopped by a signal, but not everything in flight could be finished in time
  64   the arguments are wrong
  78   the configuration is refused; one line on standard error for every problem
  130  ended at once by a second SIGINT
  143  ended at once by a second SIGTERM";

/// The audit store: takes events over HTTP and keeps them in PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "ds-server", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Configuration file in YAML, laid over the built-in defaults.
    #[arg(
        long,
        global = true,
        env = "CONFIG_PATH",
        hide_env_values = true,
        value_name = "FILE"
    )]
    config: Option<OsString>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Default, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (the default).
    #[default]
    Serve,
    /// Bring the database to this binary's schema; safe to run any number of times at once.
    Migrate {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check the configuration and print what is in effect, without secrets.
    CheckConfig,
    /// Ask the server of this configuration whether it is ready; for container probes.
    Healthcheck,
    /// Look at the dead letter queue in Redis, and replay or purge what failed for good.
    #[command(subcommand)]
    Dlq(Dlq),
}

impl Cli {
    /// Does it. `environment` are the variables of the process.
    #[expect(
        clippy::print_stderr,
        reason = "the reasons of a refusal belong to the operator"
    )]
    pub(crate) fn execute(
        self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Exit {
        // An empty variable is one that a template left empty.
        let file = self.config.filter(|file| !file.is_empty());
        let file = file.map(PathBuf::from);
        let command = self.command.unwrap_or_default();
        let loaded = config::load(file.as_deref(), environment).and_then(|loaded| {
            command.prepare(&loaded)?;
            Ok(loaded)
        });
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                for problem in &error.0 {
                    eprintln!("ds-server: configuration: {problem}");
                }
                return Exit::Configuration;
            }
        };
        command.execute(loaded).unwrap_or_else(|error| {
            eprintln!("ds-server: {}", Chain(error.as_ref()));
            Exit::Failed
        })
    }
}

impl Command {
    /// Finds out what can only be found out by making something, which checks and repairs do not.
    fn prepare(&self, loaded: &Loaded) -> Result<(), ConfigError> {
        match (self, &loaded.settings.spool) {
            (Self::Serve, Some(spool)) => config::prepare_spool(spool),
            _ => Ok(()),
        }
    }

    fn execute(self, loaded: Loaded) -> anyhow::Result<Exit> {
        match self {
            Self::Serve => in_runtime(run::serve(loaded.settings)),
            Self::Migrate { dry_run: false } => in_runtime(migrate::run(&loaded.settings)),
            Self::Migrate { dry_run: true } => in_runtime(migrate::plan(&loaded.settings)),
            Self::CheckConfig => check(&loaded),
            Self::Healthcheck => in_runtime(healthcheck::ask(&loaded.settings.server)),
            Self::Dlq(command) => in_runtime(command.run(&loaded.settings)),
        }
    }
}

fn in_runtime(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(work);
    // What was to be awaited has been; a name lookup that hangs is no reason to stay.
    runtime.shutdown_background();
    outcome
}

/// Prints the effective configuration. Passwords are not part of it: it only says where they are.
fn check(loaded: &Loaded) -> anyhow::Result<Exit> {
    // Reads certificates and builds pools, which is all that can be checked without connecting.
    Repository::new(loaded.settings.database.store.clone()).context("configuration cannot work")?;
    let text = config::effective(loaded)?;
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot print configuration")?;
    Ok(Exit::Done)
}

/// Prints why the arguments are wrong, or the help that was asked for.
pub(crate) fn explain(error: &clap::Error) -> Exit {
    // Nobody is left to tell when even that fails.
    let _: std::io::Result<()> = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_arguments_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
