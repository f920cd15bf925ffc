//! The ds-server under test: a process that is taken away in every way a process can be.

use std::fs::{File, OpenOptions, remove_file, write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ds_testkit::Keeper;

use crate::http::HttpClient;
use crate::server::Settings;

/// A start waits for PostgreSQL, which may have to recover first.
const START_PATIENCE: Duration = Duration::from_secs(90);
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// The process, or the lack of one.
pub(super) struct Service {
    settings: Settings,
    variables: Vec<(&'static str, String)>,
    log: PathBuf,
    running: Option<Running>,
}

/// What there is while it runs.
struct Running {
    process: Child,
    pid_file: PathBuf,
    _keeper: Keeper,
}

impl Service {
    /// One that does not run yet.
    pub(super) fn new(
        settings: Settings,
        variables: Vec<(&'static str, String)>,
        log: &Path,
    ) -> Self {
        Self {
            settings,
            variables,
            log: log.to_path_buf(),
            running: None,
        }
    }

    /// `host:port` of the API.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.settings.api_port)
    }

    /// Process id, if it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.process.id())
    }

    /// Starts it, without waiting until it is ready; no-op when it runs.
    pub(super) fn start(&mut self) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        // The keeper removes the directory, so each start has its own.
        let settings = Settings {
            directory: ds_testkit::run_directory("server")?,
            ..self.settings.clone()
        };
        let pid_file = settings.directory.join("server.pid");
        let keeper = Keeper::start(&settings.directory, "KILL", &pid_file)?;
        let process = settings
            .command()?
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(self.open_log()?)
            .stderr(self.open_log()?)
            .spawn()
            .context("cannot start ds-server")?;
        write(&pid_file, format!("{}\n", process.id())).context("cannot write the pid file")?;
        self.running = Some(Running {
            process,
            pid_file,
            _keeper: keeper,
        });
        Ok(())
    }

    /// Waits until it takes requests; an error if it ends instead.
    pub(super) async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        let address = self.address();
        loop {
            self.must_run()?;
            let asking = tokio::time::timeout(Duration::from_secs(2), readiness(&address)).await;
            let reason = match asking {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) => format!("{reason:#}"),
                Err(_) => "no answer within 2 s".to_owned(),
            };
            if Instant::now() > deadline {
                bail!(
                    "ds-server is not ready after {} s: {reason}",
                    START_PATIENCE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An error if it ended although nobody asked it to.
    pub(super) fn must_run(&mut self) -> Result<()> {
        let running = self.running.as_mut().context("ds-server does not run")?;
        let ended = running.process.try_wait();
        match ended.context("cannot ask for the state of ds-server")? {
            Some(status) => bail!("ds-server ended by itself with {status}"),
            None => Ok(()),
        }
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.process.kill().context("cannot kill ds-server")?;
        running
            .process
            .wait()
            .context("cannot wait for ds-server")?;
        remove_file(&running.pid_file).context("cannot remove the pid file")
    }

    /// SIGTERM, without waiting for the end.
    pub(super) fn terminate(&self) -> Result<()> {
        match self.pid() {
            Some(pid) => ds_testkit::send_signal("TERM", &[pid]),
            None => Ok(()),
        }
    }

    /// Waits for the end of one that was told to end; none if it had to be killed.
    pub(super) fn wait(&mut self) -> Result<Option<ExitStatus>> {
        let Some(mut running) = self.running.take() else {
            return Ok(None);
        };
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            let ended = running.process.try_wait();
            if let Some(status) = ended.context("cannot wait for ds-server")? {
                remove_file(&running.pid_file).context("cannot remove the pid file")?;
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.running = Some(running);
        self.kill()?;
        Ok(None)
    }

    /// SIGSTOP.
    pub(super) fn pause(&self) -> Result<()> {
        ds_testkit::send_signal("STOP", &self.pid().into_iter().collect::<Vec<_>>())
    }

    /// SIGCONT.
    pub(super) fn resume(&self) -> Result<()> {
        ds_testkit::send_signal("CONT", &self.pid().into_iter().collect::<Vec<_>>())
    }

    fn open_log(&self) -> Result<File> {
        let mut options = OpenOptions::new();
        options
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot open {}", self.log.display()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The keeper would do it, too; but it cannot reap.
        let _ = self.kill();
    }
}

async fn readiness(address: &str) -> Result<()> {
    let mut client = HttpClient::connect(address).await?;
    let answer = client.get("/health/ready").await?;
    if answer.status != 200 {
        bail!("{}: {}", answer.status, answer.body.trim());
    }
    Ok(())
}
