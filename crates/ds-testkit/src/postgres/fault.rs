//! Taking a server away and giving it back, for tests of what depends on it.

use std::fs::remove_file;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Cluster, PATIENCE};
use crate::signal;

impl Cluster {
    /// Starts the server again on the same port and data.
    pub(crate) fn launch(&mut self) -> Result<()> {
        if self.process.is_none() {
            self.process = Some(self.home.launch(self.durability)?);
        }
        Ok(())
    }

    /// Stops the server; sessions are ended, the data is left consistent.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        signal::send("INT", &[process.id()])?;
        wait_for_end(&mut process)
    }

    /// Kills every process of the server, as a crash of the machine would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        let everyone = family(process.id());
        signal::send("KILL", &everyone)?;
        process
            .wait()
            .context("cannot wait for the killed server")?;
        let deadline = Instant::now() + PATIENCE;
        while everyone.iter().any(|pid| signal::is_alive(*pid)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Left behind, it could one day name somebody else's process to the keeper.
        remove_file(self.home.pid_file()).context("cannot remove the pid file of the killed server")
    }

    /// Freezes every process of the server: connections stay open and answer nothing.
    pub(crate) fn pause(&self) -> Result<()> {
        let Some(postmaster) = self.pid() else {
            bail!("the server does not run")
        };
        // The postmaster first, so that nobody is born while the children are being stopped.
        signal::send("STOP", &[postmaster])?;
        signal::send("STOP", &signal::children(postmaster))
    }

    /// Ends a pause.
    pub(crate) fn resume(&self) -> Result<()> {
        let Some(postmaster) = self.pid() else {
            bail!("the server does not run")
        };
        signal::send("CONT", &family(postmaster))
    }
}

fn family(postmaster: u32) -> Vec<u32> {
    let mut pids = vec![postmaster];
    pids.extend(signal::children(postmaster));
    pids
}

fn wait_for_end(process: &mut Child) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while process
        .try_wait()
        .context("cannot ask for the server's state")?
        .is_none()
    {
        if Instant::now() > deadline {
            bail!("the server did not stop within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
