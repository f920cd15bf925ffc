//! PostgreSQL servers started from programs on this machine.

mod binaries;
mod fault;

use std::fs::read_to_string;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

pub use binaries::Binaries;

use crate::account::Account;
use crate::durability::Durability;
use crate::ground;
use crate::keeper::Keeper;
use crate::log;
use crate::signal;

/// The superuser of every cluster made here; connections from 127.0.0.1 are trusted.
pub(crate) const USER: &str = "ds";

/// How long a server may take to come up or to go down.
const PATIENCE: Duration = Duration::from_secs(30);

// === impl Cluster ===

/// A PostgreSQL server with a data directory of its own; both go away with this value or with this process.
#[derive(Debug)]
pub struct Cluster {
    home: Home,
    durability: Durability,
    process: Option<Child>,
    keeper: Keeper,
}

impl Cluster {
    /// Initialises a data directory and starts a server on it.
    pub fn start(binaries: &Binaries, durability: Durability) -> Result<Self> {
        let account = Account::find()?;
        let directory = ground::fresh("postgres", account)?;
        let home = Home {
            binaries: binaries.clone(),
            account,
            directory,
            port: ground::free_port()?,
        };
        // The data is thrown away, so the server is stopped without a last checkpoint.
        let keeper = Keeper::start(&home.directory, "QUIT", &home.pid_file())?;
        let mut cluster = Self {
            home,
            durability,
            process: None,
            keeper,
        };
        cluster.home.initialise(durability)?;
        cluster.launch_on_free_port()?;
        Ok(cluster)
    }

    /// `postgres://…/postgres`.
    pub fn url(&self) -> String {
        self.home.url()
    }

    /// What the server writes to, for a look at why it did something.
    pub fn log(&self) -> PathBuf {
        self.home.log()
    }

    /// Process id of the postmaster, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Another process may take the port between our asking and the server's binding.
    fn launch_on_free_port(&mut self) -> Result<()> {
        for _ in 0..3 {
            match self.home.launch(self.durability) {
                Ok(process) => {
                    self.process = Some(process);
                    return Ok(());
                }
                Err(error) if format!("{error:#}").contains("Address already in use") => {
                    self.home.port = ground::free_port()?;
                }
                Err(error) => return Err(error),
            }
        }
        bail!("three ports in a row were taken before PostgreSQL could bind them")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.keeper.release();
        if let Some(mut process) = self.process.take() {
            // The keeper stops it; reaping is ours to do.
            let _ = process.wait();
        }
    }
}

// === impl DetachedPostgres ===

/// A server that outlives the command that started it, found again by its directory.
#[derive(Debug)]
pub struct DetachedPostgres {
    /// `postgres://…/postgres`.
    pub url: String,
    /// Process id of the postmaster.
    pub pid: u32,
}

impl DetachedPostgres {
    /// Starts the server in `directory`, making it first where it does not exist; no-op when it runs.
    pub fn start(directory: &Path, binaries: &Binaries, durability: Durability) -> Result<Self> {
        if let Some(running) = Self::find(directory) {
            return Ok(running);
        }
        let account = Account::find()?;
        let mut home = Home {
            binaries: binaries.clone(),
            account,
            directory: directory.to_path_buf(),
            port: ground::free_port()?,
        };
        match read_to_string(home.data().join("PG_VERSION")) {
            Ok(version) if version.trim() != binaries.version().to_string() => bail!(
                "{} was made by PostgreSQL {}, this is {} (cargo xtask db reset)",
                directory.display(),
                version.trim(),
                binaries.describe()
            ),
            Ok(_) => {}
            Err(_) => {
                ground::private(directory, account)?;
                home.initialise(durability)?;
            }
        }
        if let Some(port) = read_port(directory) {
            home.port = port;
        }
        let pid = home.launch(durability)?.id();
        std::fs::write(directory.join("port"), home.port.to_string())
            .context("cannot write the port down")?;
        Ok(Self {
            url: home.url(),
            pid,
        })
    }

    /// The server of `directory`, if it runs.
    pub fn find(directory: &Path) -> Option<Self> {
        let pid = signal::running(&directory.join("data/postmaster.pid"))?;
        Some(Self {
            url: url(read_port(directory)?),
            pid,
        })
    }

    /// Stops the server of `directory`; whether there was one.
    pub fn stop(directory: &Path) -> Result<bool> {
        stop_by_pid_file(&directory.join("data/postmaster.pid"), "INT")
    }
}

/// Stops the process a pid file names and waits for its end.
pub(crate) fn stop_by_pid_file(pid_file: &Path, by: &str) -> Result<bool> {
    let Some(pid) = signal::running(pid_file) else {
        return Ok(false);
    };
    signal::send(by, &[pid])?;
    let deadline = Instant::now() + PATIENCE;
    while signal::is_alive(pid) {
        if Instant::now() > deadline {
            bail!("process {pid} of {} did not end", pid_file.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

fn read_port(directory: &Path) -> Option<u16> {
    read_to_string(directory.join("port"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

// === impl Home ===

/// Everything that stays the same when a server is started again.
#[derive(Debug)]
struct Home {
    binaries: Binaries,
    account: Account,
    directory: PathBuf,
    port: u16,
}

impl Home {
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    fn url(&self) -> String {
        url(self.port)
    }

    fn initialise(&self, durability: Durability) -> Result<()> {
        let mut command = self.command("initdb");
        command.arg("-D").arg(self.data()).args([
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        if durability == Durability::Off {
            command.arg("--no-sync");
        }
        let output = command.output().context("cannot run initdb")?;
        if !output.status.success() {
            bail!(
                "initdb failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    fn launch(&self, durability: Durability) -> Result<Child> {
        let log = log::appended(&self.log())?;
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()]);
        command.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        for setting in durability.postgres_settings() {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(log).process_group(0);
        let mut process = command.spawn().context("cannot start postgres")?;
        match self.wait_until_ready(&mut process) {
            Ok(()) => Ok(process),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                let log = log::tail(&self.log());
                Err(anyhow!(
                    "PostgreSQL did not come up: {error:#}; the end of its log:\n{log}"
                ))
            }
        }
    }

    /// The eighth line of `postmaster.pid` turns to `ready` when connections are accepted.
    fn wait_until_ready(&self, process: &mut Child) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = process
                .try_wait()
                .context("cannot ask for the server's state")?
            {
                bail!("the server ended with {status}");
            }
            let text = read_to_string(self.pid_file()).unwrap_or_default();
            let mut lines = text.lines().map(str::trim);
            let ours = lines.next() == Some(&process.id().to_string());
            if ours && lines.nth(6) == Some("ready") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server was not ready after {} s", PATIENCE.as_secs())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(&self.directory).stdin(Stdio::null());
        self.account.apply(&mut command);
        command
    }
}

fn url(port: u16) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/postgres")
}
