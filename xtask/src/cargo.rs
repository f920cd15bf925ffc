//! Running cargo, and finding what it built.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The cargo that runs us, in the root of the workspace.
pub(crate) fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(ds_testkit::workspace_root());
    command
}

/// Runs it to its end.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|each| each.to_string_lossy())
            .collect();
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Whether `cargo <name>` is installed.
pub(crate) fn has(name: &str) -> bool {
    command()
        .args([name, "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Builds ds-server; the path of the program.
pub(crate) fn build_server(release: bool) -> Result<PathBuf> {
    let mut build = command();
    build.args(["build", "--package", "ds-server"]);
    if release {
        build.arg("--release");
    }
    succeed(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    let target = ds_testkit::ground_root().with_file_name(profile);
    Ok(target.join("ds-server"))
}
