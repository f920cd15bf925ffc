//! One round: some faults, a while, and everything as it was.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::fault::{self, Fault};
use super::random::Random;
use super::stage::Stage;

/// How long a fault lasts.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(3);

/// Faults of one round begin and end so far from each other at most.
const APART: Duration = Duration::from_millis(400);

/// What will happen.
pub(super) struct Round {
    pub(super) faults: Vec<Fault>,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    /// From the first fault to the last repair.
    pub(super) broken: Duration,
    /// From then on until the service was ready.
    pub(super) recovery: Duration,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.faults.iter().map(|fault| fault.name).collect();
        f.write_str(&names.join(" + "))
    }
}

impl Round {
    pub(super) fn draw(random: &mut Random, stage: &Stage) -> Self {
        Self {
            faults: fault::draw(random, stage),
        }
    }

    /// Lets it happen, and waits until the service is ready again.
    pub(super) async fn run(&self, random: &mut Random, stage: &mut Stage) -> Result<Passed> {
        let begun = Instant::now();
        let mut held = Vec::new();
        for fault in &self.faults {
            let name = || format!("cannot begin: {}", fault.name);
            held.extend(fault.apply(stage).await.with_context(name)?);
            tokio::time::sleep(random.duration(Duration::ZERO, APART)).await;
        }
        tokio::time::sleep(random.duration(SHORTEST, LONGEST)).await;
        drop(held);
        let mut left = self.faults.clone();
        while !left.is_empty() {
            let fault = left.swap_remove(random.below(left.len()));
            let name = || format!("cannot end: {}", fault.name);
            fault.heal(stage).await.with_context(name)?;
            tokio::time::sleep(random.duration(Duration::ZERO, APART)).await;
        }
        let healed = Instant::now();
        stage.service.until_ready().await?;
        Ok(Passed {
            broken: healed - begun,
            recovery: healed.elapsed(),
        })
    }
}
