//! Taking a server away and giving it back, for tests of what depends on it.

use std::fs::remove_file;

use anyhow::{Context, Result};

use super::{PATIENCE, RedisProcess};
use crate::family;

impl RedisProcess {
    /// Starts the server again on the same port and data; no-op when it runs.
    pub fn launch(&mut self) -> Result<()> {
        if self.process.is_none() {
            self.process = Some(self.home.launch(self.durability)?);
        }
        Ok(())
    }

    /// Stops the server in an orderly way.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => family::end(&mut process, "TERM", PATIENCE),
            None => Ok(()),
        }
    }

    /// Kills every process of the server.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        family::kill(&mut process, PATIENCE)?;
        // Left behind, it could one day name somebody else's process to the keeper.
        remove_file(self.home.pid_file()).context("cannot remove the pid file of the killed server")
    }

    /// Freezes every process of the server: connections stay open and answer nothing.
    pub fn pause(&self) -> Result<()> {
        family::freeze(self.pid().context("the server does not run")?)
    }

    /// Ends a pause.
    pub fn resume(&self) -> Result<()> {
        family::thaw(self.pid().context("the server does not run")?)
    }
}
