//! The programs that are measured: the service, and examples of its crates that are parts of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load::Connection;
use super::row::NotMeasured;
use crate::cargo;

const START_PATIENCE: Duration = Duration::from_secs(10);

/// Where they are. All are built before anything is measured, for building takes every core.
pub(super) struct Programs {
    /// ds-server.
    pub(super) server: PathBuf,
    noop: Result<PathBuf, String>,
    coalescer: Result<PathBuf, String>,
}

impl Programs {
    /// Builds them in release mode; the service only where none is given.
    pub(super) fn build(server: Option<&Path>) -> Result<Self> {
        let built = |package, name| {
            let built = example(package, name);
            built.map_err(|error| format!("the example {name} cannot be built: {error:#}"))
        };
        Ok(Self {
            server: match server {
                Some(server) => std::path::absolute(server).context("not a path")?,
                None => cargo::build_server(true)?,
            },
            noop: built("ds-http", "noop"),
            coalescer: built("ds-ingest", "coalescer"),
        })
    }
}

fn example(package: &str, name: &str) -> Result<PathBuf> {
    let mut build = cargo::command();
    build.args(["build", "--release", "--quiet"]);
    build.args(["--package", package, "--example", name]);
    cargo::succeed(&mut build)?;
    let target = ds_testkit::ground_root().with_file_name("release");
    Ok(target.join("examples").join(name))
}

/// The program, or the reason why there is none.
fn existing(program: &Result<PathBuf, String>) -> Result<&PathBuf> {
    let missing = |reason: &String| NotMeasured(reason.clone());
    Ok(program.as_ref().map_err(missing)?)
}

/// The service's HTTP path over a store that accepts everything at once.
pub(super) struct Noop {
    pub(super) address: SocketAddr,
    process: Child,
}

impl Noop {
    /// Starts it.
    pub(super) async fn start(programs: &Programs) -> Result<Self> {
        let program = existing(&programs.noop)?;
        let port = ds_testkit::free_port()?;
        let process = Command::new(program)
            .arg(port.to_string())
            // It ends with this pipe, and so with us.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the example noop")?;
        let noop = Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            process,
        };
        let begun = Instant::now();
        while let Err(error) = Connection::open(noop.address).await {
            if begun.elapsed() > START_PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(noop)
    }
}

impl Drop for Noop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The group commit without HTTP.
pub(super) struct Coalescer {
    program: PathBuf,
    database: String,
}

impl Coalescer {
    /// On a database.
    pub(super) fn new(programs: &Programs, database: String) -> Result<Self> {
        Ok(Self {
            program: existing(&programs.coalescer)?.clone(),
            database,
        })
    }

    /// Events a second that it stores for so many callers that wait for each of theirs.
    pub(super) fn rate(&self, waiters: usize, warm_up: Duration, time: Duration) -> Result<f64> {
        let output = Command::new(&self.program)
            .arg(&self.database)
            .arg(waiters.to_string())
            .arg(warm_up.as_secs_f64().to_string())
            .arg(time.as_secs_f64().to_string())
            .output()
            .context("cannot run the example coalescer")?;
        if !output.status.success() {
            bail!(
                "the example coalescer failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.trim().parse();
        rate.with_context(|| format!("the example coalescer printed {text:?}"))
    }
}
