//! A server's processes: the first one and those it forked.

use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::signal;

/// Asks a server to end by a signal of its own and waits for it; one that is frozen is woken for that.
pub(crate) fn end(first: &mut Child, by: &str, patience: Duration) -> Result<()> {
    let everyone = members(first.id());
    signal::send(by, &[first.id()])?;
    signal::send("CONT", &everyone)?;
    let deadline = Instant::now() + patience;
    while first
        .try_wait()
        .context("cannot ask for the server's state")?
        .is_none()
    {
        if Instant::now() > deadline {
            bail!("the server did not stop within {} s", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Kills every process and waits until all are gone, as after a crash of the machine.
pub(crate) fn kill(first: &mut Child, patience: Duration) -> Result<()> {
    // The first one is frozen, so that nobody is born while the others are being counted.
    signal::send("STOP", &[first.id()])?;
    let everyone = members(first.id());
    signal::send("KILL", &everyone)?;
    first.wait().context("cannot wait for the killed server")?;
    let deadline = Instant::now() + patience;
    while everyone.iter().any(|pid| signal::is_alive(*pid)) {
        if Instant::now() > deadline {
            bail!("a process of the killed server is still there");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Freezes every process: connections stay open and answer nothing.
pub(crate) fn freeze(first: u32) -> Result<()> {
    signal::send("STOP", &[first])?;
    signal::send("STOP", &signal::children(first))
}

/// Ends a freeze.
pub(crate) fn thaw(first: u32) -> Result<()> {
    signal::send("CONT", &members(first))
}

fn members(first: u32) -> Vec<u32> {
    let mut pids = vec![first];
    pids.extend(signal::children(first));
    pids
}
