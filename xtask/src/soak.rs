//! `cargo xtask soak`: the promise under random faults.
//!
//! Events and notifications are written all the time while the service, PostgreSQL, Redis, the ways between them and the
//! disk of the spool fail, alone and together. A checker that knows every answer looks after each round
//! whether what was acknowledged is there.

mod event;
mod fault;
mod notification;
mod random;
mod report;
mod round;
mod service;
mod stage;
mod writers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ds_testkit::checker::{Finding, Journal, Look};
use tokio::time::timeout;

use crate::{BackendArgument, cargo};
use random::Random;
use report::Report;
use round::Round;
use stage::Stage;
use writers::{Figures, Writers};

/// Rounds between two waits for empty backlogs.
const ROUNDS_TO_DRAIN: usize = 10;

/// Longest such wait: recovering stores and the longest back-off are in it.
const DRAIN_PATIENCE: Duration = Duration::from_secs(120);

/// Longest round, and longest end: generous, because recovery is not what is judged here.
const ROUND_PATIENCE: Duration = Duration::from_secs(300);
const FINISH_PATIENCE: Duration = Duration::from_secs(300);

/// Longest time between two rounds.
const CALM: Duration = Duration::from_secs(2);

/// What was sent and answered, by where it is stored.
#[derive(Clone)]
struct Journals {
    events: Arc<Journal>,
    notifications: Arc<Journal>,
}

impl Journals {
    fn new() -> Self {
        Self {
            events: Arc::new(Journal::new("soak")),
            notifications: Arc::new(Journal::of_notifications("told")),
        }
    }

    fn both(&self) -> [&Journal; 2] {
        [&self.events, &self.notifications]
    }
}

/// Arguments of `soak`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) backend: BackendArgument,
    /// How long rounds are begun [default: 2, unless --rounds is given]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) minutes: Option<u64>,
    /// How many rounds there are.
    #[arg(long, conflicts_with = "minutes")]
    pub(crate) rounds: Option<usize>,
    /// What all faults and records follow from [default: random]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Events and notifications a second, on average.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Test this ds-server instead of building one.
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
}

impl Arguments {
    /// So many minutes and the rest as it is by default.
    pub(crate) fn minutes(backend: BackendArgument, minutes: u64) -> Self {
        Self {
            backend,
            minutes: Some(minutes),
            rounds: None,
            seed: None,
            rate: 300,
            program: None,
        }
    }

    fn is_over(&self, begun: Instant, rounds: usize) -> bool {
        match self.rounds {
            Some(wanted) => rounds >= wanted,
            None => begun.elapsed() >= Duration::from_secs(60 * self.minutes.unwrap_or(2)),
        }
    }
}

/// Builds, runs the rounds, and says what was found.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let seed = arguments.seed.unwrap_or_else(random_seed);
    let directory = ds_testkit::reachable_directory("soak")?.join(seed.to_string());
    println!("Seed {seed}");
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => cargo::build_server(true)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let report = runtime.block_on(soak(arguments, &program, &directory, seed))?;
    report.print();
    if report.is_clean() {
        std::fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot remove {}", directory.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("The logs and the journal are in {}", directory.display());
    println!("To repeat the faults: cargo xtask soak --seed {seed}");
    Ok(ExitCode::FAILURE)
}

/// Not from the clock: two soaks begun at once differ.
fn random_seed() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}

async fn soak(
    arguments: &Arguments,
    program: &Path,
    directory: &Path,
    seed: u64,
) -> Result<Report> {
    let mut stage = Stage::build(arguments.backend.backend, program, directory).await?;
    report::announce(&stage);
    let mut random = Random::new(seed);
    let journals = Journals::new();
    let figures = Arc::new(Figures::default());
    let writers = Writers::start(
        stage.service.address(),
        arguments.rate,
        journals.clone(),
        Arc::clone(&figures),
        random.split(),
    )?;
    let mut report = Report::new(journals.clone(), figures);
    let outcome = rounds(arguments, &mut stage, &mut random, &mut report).await;
    if let Err(error) = outcome {
        report.fail(format!("{error:#}"));
        stage.mend().await;
    }
    writers.stop().await?;
    let finishing = timeout(FINISH_PATIENCE, finish(&mut stage, &journals, &mut report)).await;
    if let Err(error) = finishing.context("the end took too long").flatten() {
        report.fail(format!("{error:#}"));
    }
    if !report.is_clean() {
        stage.keep_logs()?;
        journals.events.write(&directory.join("journal"))?;
        let told = directory.join("journal-of-notifications");
        journals.notifications.write(&told)?;
    }
    Ok(report)
}

async fn rounds(
    arguments: &Arguments,
    stage: &mut Stage,
    random: &mut Random,
    report: &mut Report,
) -> Result<()> {
    let begun = Instant::now();
    let mut number = 0;
    while !arguments.is_over(begun, number) {
        number += 1;
        let round = Round::draw(random, stage);
        let named = || format!("round {number} ({round})");
        let journals = report.journals().clone();
        let looking = async {
            let passed = round.run(random, stage).await?;
            let mut look = Look::default();
            for journal in journals.both() {
                look.add(stage.checker.check_now(journal).await?);
            }
            Ok((passed, look))
        };
        let looking = timeout(ROUND_PATIENCE, looking).await;
        let looked = looking.context("the round took too long").flatten();
        let (passed, look) = looked.with_context(named)?;
        report.add_round(number, &round, passed, &look);
        report.add_findings(look.findings);
        if number % ROUNDS_TO_DRAIN == 0 {
            drain(stage, &journals, report).await.with_context(named)?;
        }
        if report.has_findings() {
            break;
        }
        // Breakers close again, and some of the next faults hit a service that is at rest.
        tokio::time::sleep(random.duration(Duration::ZERO, CALM)).await;
    }
    Ok(())
}

/// Waits until nothing waits.
async fn drain(stage: &Stage, journals: &Journals, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    // What is lost is not waited for.
    let patience = if report.has_findings() {
        Duration::from_secs(5)
    } else {
        DRAIN_PATIENCE
    };
    let mut is_drained = true;
    for journal in journals.both() {
        let (drained, findings) = stage.checker.drained(journal, patience).await?;
        is_drained &= drained;
        report.add_findings(findings);
    }
    report.add_drain(is_drained, begun.elapsed());
    if !is_drained {
        anyhow::bail!("what waits was not stored within {} s", patience.as_secs());
    }
    Ok(())
}

/// Everything in its place, the service ended in good order, and then the last word of the database.
async fn finish(stage: &mut Stage, journals: &Journals, report: &mut Report) -> Result<()> {
    let drained = drain(stage, journals, report).await;
    stage.service.terminate()?;
    match tokio::task::block_in_place(|| stage.service.wait())? {
        Some(status) if status.success() => {}
        Some(status) => report.fail(format!("ds-server ended with {status} at the end")),
        None => report.fail("ds-server did not end and was killed".to_owned()),
    }
    for journal in journals.both() {
        let findings: Vec<Finding> = stage.checker.check_stored(journal).await?;
        report.add_findings(findings);
    }
    drained
}
