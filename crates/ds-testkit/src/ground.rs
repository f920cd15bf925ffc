//! Where servers keep their data: under `target/xtask/`, or in the temporary directory when the
//! servers' account cannot reach it.

use std::fs::{DirBuilder, create_dir_all, read_dir};
use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::account::Account;
use crate::signal;

/// Where ports are looked for.
const PORTS: Range<u16> = 12_000..16_000;

/// The root of the workspace.
///
/// Cargo says at run time which checkout it works on. What was compiled in may be another one that
/// shares the target directory.
pub fn workspace_root() -> PathBuf {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = told.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let is_root = |directory: &&Path| directory.join("Cargo.lock").is_file();
    let root = manifest.ancestors().find(is_root);
    root.unwrap_or(&manifest).to_path_buf()
}

/// `target/xtask`.
pub fn root() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(
            || workspace_root().join("target"),
            |target| workspace_root().join(target),
        )
        .join("xtask")
}

/// A directory that servers started here can enter.
pub fn reachable_directory(name: &str) -> Result<PathBuf> {
    reachable(name, Account::find()?)
}

/// A fresh directory for one process of this run.
pub fn run_directory(prefix: &str) -> Result<PathBuf> {
    fresh(prefix, Account::find()?)
}

/// Directories of runs whose process is gone; what still runs in them is killed.
pub fn abandoned_directories() -> Result<Vec<PathBuf>> {
    let directory = reachable_directory("run")?;
    let listed =
        read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut abandoned = Vec::new();
    for path in listed.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let owner = name.rsplit('-').nth(1).and_then(|pid| pid.parse().ok());
        if owner.is_some_and(signal::is_alive) {
            continue;
        }
        for pid_file in ["data/postmaster.pid", "redis.pid", "server.pid"] {
            if let Some(pid) = signal::running(&path.join(pid_file)) {
                signal::send("KILL", &[pid])?;
            }
        }
        if name.starts_with("disk-") {
            // It is no mount point any more unless the machine lost its keeper, too.
            let _ = Command::new("umount").arg("--lazy").arg(&path).output();
        }
        abandoned.push(path);
    }
    Ok(abandoned)
}

/// A directory under [`root`] (or its stand-in) that the servers' account can enter; made when missing.
pub(crate) fn reachable(name: &str, account: Account) -> Result<PathBuf> {
    for base in [root(), stand_in()?] {
        let directory = base.join(name);
        create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        if account.can_enter(&directory) {
            return Ok(directory);
        }
    }
    bail!(
        "the servers' account can enter neither {} nor {}",
        root().display(),
        std::env::temp_dir().display()
    )
}

/// Named after the owner of the checkout, so that people who share a machine stay apart.
fn stand_in() -> Result<PathBuf> {
    let owner = std::fs::metadata(workspace_root())
        .context("the checkout is gone")?
        .uid();
    Ok(std::env::temp_dir().join(format!("ds-xtask-{owner}")))
}

/// A fresh directory for one server, owned by the servers' account and closed to others.
pub(crate) fn fresh(prefix: &str, account: Account) -> Result<PathBuf> {
    let name = format!(
        "{prefix}-{}-{}",
        std::process::id(),
        &Uuid::new_v4().simple().to_string()[..8]
    );
    let directory = reachable("run", account)?.join(name);
    private(&directory, account)?;
    Ok(directory)
}

/// Makes `directory`, owned by the servers' account and closed to others.
pub(crate) fn private(directory: &Path, account: Account) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    account.own(directory)
}

/// A TCP port that was free on 127.0.0.1 a moment ago.
///
/// Below the range from which the kernel gives ports to clients: while a server is away, one of its
/// own clients could otherwise be given its port, and even be connected to itself. Tests that number
/// their own ports use those from 20,000 on.
pub fn free_port() -> Result<u16> {
    let width = u128::from(PORTS.end - PORTS.start);
    for _ in 0..100 {
        let offset = u16::try_from(Uuid::new_v4().as_u128() % width).context("no free port")?;
        let port = PORTS.start + offset;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", PORTS.start, PORTS.end)
}
