//! A ds-server that is measured.

use std::fs::{File, read_to_string, remove_file, write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::Keeper;

use super::event::{self, Random};
use super::load::Connection;
use crate::server::Settings;

const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(40);
const STEP: Duration = Duration::from_micros(500);

/// What it is started with.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) program: PathBuf,
    pub(super) database: String,
    pub(super) redis: String,
    /// More of its settings.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// A running one; dropped, it is killed.
pub(super) struct Service {
    /// Where its API listens.
    pub(super) address: SocketAddr,
    /// How long it took from exec to the first durable answer.
    pub(super) first_answer_after: Duration,
    process: Option<Child>,
    pid_file: PathBuf,
    log: PathBuf,
    _keeper: Keeper,
}

impl Service {
    /// Starts it and waits until it has stored an event.
    pub(super) async fn start(setup: &Setup) -> Result<Self> {
        let settings = settings(setup)?;
        let pid_file = settings.directory.join("server.pid");
        let log = settings.directory.join("server.log");
        let keeper = Keeper::start(&settings.directory, "TERM", &pid_file)?;
        let output = File::create(&log).context("cannot create the server's log")?;
        let errors = output
            .try_clone()
            .context("cannot create the server's log")?;
        let mut command = settings.command()?;
        command
            .env("DS_LOGGING__LEVEL", "warn")
            .envs(setup.environment.iter().map(|(name, value)| (name, value)))
            .stdout(output)
            .stderr(errors);
        let begun = Instant::now();
        let process = command.spawn().context("cannot start ds-server")?;
        write(&pid_file, format!("{}\n", process.id())).context("cannot write the pid file")?;
        let mut service = Self {
            address: (Ipv4Addr::LOCALHOST, settings.api_port).into(),
            first_answer_after: Duration::ZERO,
            process: Some(process),
            pid_file,
            log,
            _keeper: keeper,
        };
        service.wait_for_first_answer(begun).await?;
        Ok(service)
    }

    pub(super) fn pid(&self) -> Result<u32> {
        let process = self.process.as_ref();
        Ok(process.context("ds-server does not run")?.id())
    }

    /// Asks it to end and waits for it.
    pub(super) async fn stop(mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        ds_testkit::send_signal("TERM", &[process.id()])?;
        let deadline = Instant::now() + STOP_PATIENCE;
        while process
            .try_wait()
            .context("cannot wait for ds-server")?
            .is_none()
        {
            if Instant::now() > deadline {
                process.kill().context("cannot kill ds-server")?;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        remove_file(&self.pid_file).context("cannot remove the pid file")
    }

    /// Posts until an event is stored.
    async fn wait_for_first_answer(&mut self, begun: Instant) -> Result<()> {
        let mut request = event::single(&self.address.to_string(), 0);
        let mut random = Random::new();
        loop {
            if let Ok(mut connection) = Connection::open(self.address).await {
                let request = request.fill(&mut random, event::now());
                let answer = connection.exchange(request).await;
                if matches!(&answer, Ok(answer) if answer.status == 201) {
                    self.first_answer_after = begun.elapsed();
                    return Ok(());
                }
            }
            let process = self.process.as_mut().context("ds-server does not run")?;
            let ended = process.try_wait().context("cannot wait for ds-server")?;
            if ended.is_some() || begun.elapsed() > START_PATIENCE {
                bail!(
                    "ds-server stored nothing; the end of its log:\n{}",
                    self.log_tail()
                );
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// The last lines it has logged.
    pub(super) fn log_tail(&self) -> String {
        let text = read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
            let _ = remove_file(&self.pid_file);
        }
    }
}

/// Applies the migrations.
pub(super) fn migrate(setup: &Setup) -> Result<()> {
    let settings = settings(setup)?;
    let migrated = settings.migrate();
    std::fs::remove_dir_all(&settings.directory).context("cannot remove a directory")?;
    migrated
}

fn settings(setup: &Setup) -> Result<Settings> {
    Ok(Settings {
        program: setup.program.clone(),
        api_port: ds_testkit::free_port()?,
        admin_port: ds_testkit::free_port()?,
        config: None,
        database: setup.database.clone(),
        redis: setup.redis.clone(),
        directory: ds_testkit::run_directory("server")?,
    })
}
