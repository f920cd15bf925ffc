//! `cargo xtask clean`: stops what other commands left running and removes its data.

use std::fs::remove_dir_all;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{db, environment};

/// Stops by pid file, never by name; packages that were fetched stay.
pub(crate) fn run() -> Result<ExitCode> {
    db::reset()?;
    environment::withdraw();
    for directory in ds_testkit::abandoned_directories()? {
        remove_dir_all(&directory)
            .with_context(|| format!("cannot remove {}", directory.display()))?;
        println!("Removed {}.", directory.display());
    }
    match ds_testkit::remove_labelled() {
        Ok(count) => println!("Removed {count} containers."),
        Err(reason) => println!("No containers removed: {reason:#}."),
    }
    Ok(ExitCode::SUCCESS)
}
