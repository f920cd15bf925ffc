//! `target/xtask/env`: where everything is, for shells and for other commands (`. target/xtask/env`).

use std::fs::{create_dir_all, remove_file, write};
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Writes the variables, one `NAME=value` a line.
pub(crate) fn publish(variables: &[(&str, String)]) -> Result<PathBuf> {
    create_dir_all(ds_testkit::ground_root()).context("cannot create target/xtask")?;
    let lines: String = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    write(path(), lines).context("cannot write target/xtask/env")?;
    Ok(path())
}

/// Removes the file: what it named is gone.
pub(crate) fn withdraw() {
    // That it was not there is what is wanted.
    let _ = remove_file(path());
}

fn path() -> PathBuf {
    ds_testkit::ground_root().join("env")
}
