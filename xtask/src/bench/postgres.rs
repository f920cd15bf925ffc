//! A PostgreSQL of the benchmark's own: configured like a production server, and ours to kill, to
//! start again and to slow down.

use std::ffi::OsString;
use std::fs::{File, metadata, read_dir, read_to_string, remove_file};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::{Backend, Binaries, Keeper};

/// How long the server may take to come up, recovery included.
const PATIENCE: Duration = Duration::from_secs(120);

/// Durable, and large enough that no checkpoint falls into one measurement and spares the next. The
/// log keeps all the files it once had, see [`FILL_LOG`].
const SETTINGS: [&str; 10] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "min_wal_size=8GB",
    "checkpoint_timeout=15min",
];

/// Gives the log as many files as it will ever have. A server that has run for a while writes into
/// files it used before; a new one makes each, zeroed and synced, while every commit waits.
pub(super) const FILL_LOG: [&str; 2] = [
    "SELECT count(pg_logical_emit_message(false, 'fill', repeat('x', 16000000)))
     FROM generate_series(1, 500)",
    "CHECKPOINT",
];

/// A server; dropped, it is stopped and its data removed.
pub(super) struct Postgres {
    binaries: Binaries,
    directory: PathBuf,
    port: u16,
    url: String,
    environment: Vec<(&'static str, OsString)>,
    process: Option<Child>,
    _keeper: Keeper,
}

impl Postgres {
    /// Starts one from installed or fetched programs, with more variables in its environment.
    pub(super) fn start(
        backend: Option<Backend>,
        environment: Vec<(&'static str, OsString)>,
    ) -> Result<Self> {
        let binaries = match backend {
            Some(Backend::Fetch) => Binaries::fetched()?,
            _ => Binaries::local().or_else(|_| Binaries::fetched())?,
        };
        let directory = ds_testkit::run_directory("postgres")?;
        let keeper = Keeper::start(&directory, "QUIT", &directory.join("data/postmaster.pid"))?;
        let port = ds_testkit::free_port()?;
        let mut server = Self {
            binaries,
            directory,
            port,
            url: format!("postgres://ds@127.0.0.1:{port}/postgres"),
            environment,
            process: None,
            _keeper: keeper,
        };
        server.initialise()?;
        server.launch()?;
        Ok(server)
    }

    /// `postgres://…/postgres`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts the server, on the data it had.
    pub(super) fn launch(&mut self) -> Result<()> {
        let log = File::create(self.directory.join("log")).context("cannot create the log")?;
        let mut command = self.command("postgres")?;
        command
            .args(["-p", &self.port.to_string()])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        let mut process = command.spawn().context("cannot start postgres")?;
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready(process.id()) {
            let ended = process.try_wait().context("cannot wait for postgres")?;
            if ended.is_some() || Instant::now() > deadline {
                let _ = process.kill();
                let log = read_to_string(self.directory.join("log")).unwrap_or_default();
                bail!("PostgreSQL did not come up; its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Kills every process of it, as a crash of the machine would.
    pub(super) fn kill(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let mut everyone = vec![process.id()];
        everyone.extend(children(process.id()));
        ds_testkit::send_signal("KILL", &everyone)?;
        process.wait().context("cannot wait for postgres")?;
        // Left behind, it could one day name somebody else's process to the keeper.
        remove_file(self.pid_file()).context("cannot remove the pid file")
    }

    fn initialise(&self) -> Result<()> {
        let mut command = self.command("initdb")?;
        command.args(["-U", "ds", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        let output = command.output().context("cannot run initdb")?;
        if !output.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// A program of PostgreSQL on our data, as the account the directory was made for.
    fn command(&self, program: &str) -> Result<Command> {
        let owner = metadata(&self.directory).context("the directory is gone")?;
        let mut command = Command::new(self.binaries.program(program));
        command
            .arg("-D")
            .arg(self.directory.join("data"))
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        if metadata("/proc/self").context("no /proc")?.uid() != owner.uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        Ok(command)
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("data/postmaster.pid")
    }

    /// The eighth line of `postmaster.pid` turns to `ready` when connections are accepted.
    fn is_ready(&self, pid: u32) -> bool {
        let text = read_to_string(self.pid_file()).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Reaped here; the keeper waits for the end of it and removes the data.
            let _ = ds_testkit::send_signal("QUIT", &[process.id()]);
            let _ = process.wait();
        }
    }
}

/// The processes whose parent is `pid`.
fn children(pid: u32) -> Vec<u32> {
    let parent = |child: &u32| -> Option<u32> {
        let stat = read_to_string(format!("/proc/{child}/stat")).ok()?;
        let rest = stat.rsplit_once(')')?.1;
        rest.split_whitespace().nth(1)?.parse().ok()
    };
    let Ok(entries) = read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|child| parent(child) == Some(pid))
        .collect()
}
