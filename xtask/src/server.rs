//! A ds-server process, and the database it works on.

use std::fs::{File, read_to_string, remove_file, write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::{Keeper, PostgresUrl, Stores, with_database};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::http::HttpClient;

const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// What ds-server is told through its environment.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) program: PathBuf,
    pub(crate) api_port: u16,
    pub(crate) admin_port: u16,
    pub(crate) config: Option<PathBuf>,
    /// `postgres://…/database`
    pub(crate) database: String,
    pub(crate) redis: String,
    /// A directory of this run, removed with it: the pid file and the password file.
    pub(crate) directory: PathBuf,
}

impl Settings {
    /// The program with its environment, ready for arguments.
    pub(crate) fn command(&self) -> Result<Command> {
        let database =
            PostgresUrl::parse(&self.database).context("cannot read the database's address")?;
        let mut command = Command::new(&self.program);
        command
            .current_dir(ds_testkit::workspace_root())
            .env("DS_SERVER__HOST", "127.0.0.1")
            .env("DS_SERVER__PORT", self.api_port.to_string())
            .env("DS_ADMIN__ENABLED", "true")
            .env("DS_ADMIN__HOST", "127.0.0.1")
            .env("DS_ADMIN__PORT", self.admin_port.to_string())
            .env("DS_DATABASE__HOST", &database.host)
            .env("DS_DATABASE__PORT", database.port.to_string())
            .env("DS_DATABASE__NAME", &database.database)
            .env("DS_DATABASE__USER", &database.user)
            .env("DS_DATABASE__SSL_MODE", "disable")
            .env("DS_REDIS__ADDR", host_and_port(&self.redis))
            .env("DS_SHUTDOWN__PROPAGATION_PAUSE", "0s")
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(config) = &self.config {
            command.env("CONFIG_PATH", config);
        }
        if let Some(password) = &database.password {
            let file = self.directory.join("secrets.yaml");
            write(&file, format!("password: {password}\n"))
                .context("cannot write the secrets file")?;
            command
                .env("DS_DATABASE__SECRETSFILE", file)
                .env("DS_DATABASE__PASSWORDKEY", "password");
        }
        Ok(command)
    }

    /// Runs `ds-server migrate`.
    pub(crate) fn migrate(&self) -> Result<()> {
        let output = self
            .command()?
            .arg("migrate")
            .output()
            .context("cannot run ds-server")?;
        if !output.status.success() {
            bail!(
                "ds-server migrate failed ({})\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}

// === impl Server ===

/// A running ds-server.
pub(crate) struct Server {
    process: Child,
    pid_file: PathBuf,
    log: PathBuf,
    _keeper: Keeper,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(settings: &Settings) -> Result<Self> {
        let pid_file = settings.directory.join("server.pid");
        let keeper = Keeper::start(&settings.directory, "TERM", &pid_file)?;
        let log = ds_testkit::ground_root().join("server.log");
        let output = File::create(&log).context("cannot create the server's log")?;
        let errors = output
            .try_clone()
            .context("cannot create the server's log")?;
        let mut command = settings.command()?;
        let process = command
            .stdout(output)
            .stderr(errors)
            .spawn()
            .context("cannot start ds-server")?;
        write(&pid_file, format!("{}\n", process.id())).context("cannot write the pid file")?;
        let mut server = Self {
            process,
            pid_file,
            log,
            _keeper: keeper,
        };
        let address = format!("127.0.0.1:{}", settings.api_port);
        match server.wait_until_ready(&address).await {
            Ok(()) => Ok(server),
            Err(error) => {
                let log = server.log_tail();
                // What matters is why it did not start.
                let _ = server.stop();
                Err(error.context(format!(
                    "ds-server is not ready; the end of its log:\n{log}"
                )))
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// Asks it to end and waits for it; an error if it must be killed or ends with one.
    pub(crate) fn stop(&mut self) -> Result<()> {
        ds_testkit::send_signal("TERM", &[self.process.id()])?;
        let deadline = Instant::now() + STOP_PATIENCE;
        let status = loop {
            if let Some(status) = self
                .process
                .try_wait()
                .context("cannot wait for ds-server")?
            {
                break status;
            }
            if Instant::now() > deadline {
                self.process.kill().context("cannot kill ds-server")?;
                self.process.wait().context("cannot wait for ds-server")?;
                remove_file(&self.pid_file).context("cannot remove the pid file")?;
                bail!(
                    "ds-server did not stop within {} s and was killed",
                    STOP_PATIENCE.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        remove_file(&self.pid_file).context("cannot remove the pid file")?;
        if !status.success() {
            bail!(
                "ds-server ended with {status}; the end of its log:\n{}",
                self.log_tail()
            );
        }
        Ok(())
    }

    async fn wait_until_ready(&mut self, address: &str) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if self.has_ended() {
                bail!("it has ended");
            }
            let reason = match ready(address).await {
                Ok(()) => return Ok(()),
                Err(reason) => reason,
            };
            if Instant::now() > deadline {
                return Err(reason);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn log_tail(&self) -> String {
        let text = read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

async fn ready(address: &str) -> Result<()> {
    let answer = HttpClient::connect(address)
        .await?
        .get("/health/ready")
        .await?;
    if answer.status != 200 {
        bail!("/health/ready answers {}: {}", answer.status, answer.body);
    }
    Ok(())
}

// === impl Database ===

/// A database for one run of a command.
pub(crate) struct Database {
    admin: String,
    name: String,
    /// Its address.
    pub(crate) url: String,
}

impl Database {
    /// Creates it under a name of its own, for the server may be somebody's.
    pub(crate) async fn create(stores: &Stores) -> Result<Self> {
        let admin = stores.postgres.url.clone();
        let name = format!("data_storage_{}", &Uuid::new_v4().simple().to_string()[..8]);
        execute(&admin, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self {
            url: with_database(&admin, &name),
            admin,
            name,
        })
    }

    /// Drops it.
    pub(crate) async fn drop(self) -> Result<()> {
        execute(
            &self.admin,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        )
        .await
    }
}

/// `host:port` of `redis://[user:password@]host:port[/database]`.
fn host_and_port(redis: &str) -> &str {
    let rest = redis.trim_start_matches("redis://");
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    place.split_once('/').map_or(place, |(place, _)| place)
}

async fn execute(url: &str, statement: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    client
        .batch_execute(statement)
        .await
        .with_context(|| format!("cannot {statement}"))
}
