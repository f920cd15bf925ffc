//! `cargo xtask bench`: what the service reaches of what PostgreSQL can do below it.
//!
//! The references and the service are measured in turns, on one database, in one run, by one
//! generator of load; so the ratios hold on any machine, while the rates are that machine's. The rows
//! are those of the performance targets (`docs/PERFORMANCE.md`).

mod baseline;
mod columns;
mod event;
mod figure;
mod ground;
mod load;
mod machine;
mod plan;
mod plot;
mod postgres;
mod process;
mod program;
mod reference;
mod row;
mod rows;
mod service;
mod stage;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{BackendArgument, cargo};
use baseline::Baseline;
use machine::Machine;
use plan::Plan;
use program::Programs;
use row::{Line, NotMeasured, ROWS, Row};
use stage::Stage;
use table::Table;

/// Files that a process must be able to open: row 9 holds 3500 connections.
const FILES_MIN: u64 = 8192;

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    backend: BackendArgument,
    /// Fewer and shorter measurements: three minutes instead of ten.
    #[arg(long)]
    quick: bool,
    /// Only these rows, as in 1,5,6 [default: all].
    #[arg(long, value_delimiter = ',')]
    rows: Vec<u8>,
    /// Print the result as one JSON line last.
    #[arg(long)]
    json: bool,
    /// Make this run the baseline for later ones.
    #[arg(long)]
    update: bool,
    /// Where the plots go [default: target/xtask/bench].
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Measure this ds-server instead of building one.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Measures, prints and compares.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if cfg!(debug_assertions) {
        return run_optimised();
    }
    require_files()?;
    let rows = selected(&arguments.rows)?;
    let programs = Programs::build(arguments.program.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let (table, failures) = runtime.block_on(async {
        let plan = if arguments.quick {
            Plan::quick()
        } else {
            Plan::full()
        };
        let stage = Stage::set(plan, arguments.backend.backend, programs).await?;
        let measured = measure(&stage, &rows, arguments).await;
        let struck = stage.strike().await;
        let measured = measured?;
        struck?;
        anyhow::Ok(measured)
    })?;
    conclude(arguments, &table, &failures)
}

/// Prints the table and compares it with the baseline.
fn conclude(arguments: &Arguments, table: &Table, failures: &[String]) -> Result<ExitCode> {
    let directory = arguments.plots.clone();
    let directory = directory.unwrap_or_else(|| ds_testkit::ground_root().join("bench"));
    table.print();
    for (chart, name) in table.charts.iter().zip(["throughput", "p99"]) {
        println!("{}", chart.save(&directory, name)?.display());
    }
    for failure in failures {
        println!("failed: {failure}");
    }
    let baseline = Baseline::read()?;
    let regressions = baseline.regressions(&table.figures());
    for regression in &regressions {
        println!("worse than the baseline: {regression}");
    }
    if arguments.update {
        baseline.update(&table.figures())?;
        println!("the baseline is updated");
    }
    if arguments.json {
        println!("{}", table.to_json());
    }
    let worse = !regressions.is_empty() && !arguments.update;
    Ok(if worse || !failures.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Measures the rows, and says which of them failed.
async fn measure(
    stage: &Stage,
    rows: &[&Row],
    arguments: &Arguments,
) -> Result<(Table, Vec<String>)> {
    let machine = Machine::survey(&stage.setup.database).await?;
    let begun = Instant::now();
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for row in rows {
        eprintln!(
            "{:>4.0} s  row {}: {}",
            begun.elapsed().as_secs_f64(),
            row.number,
            row.property
        );
        match (row.measure)(stage).await {
            Ok(measured) => lines.extend(measured.into_iter().map(|line| (row.number, line))),
            Err(error) => {
                if error.downcast_ref::<NotMeasured>().is_none() {
                    failures.push(format!("row {}: {error:#}", row.number));
                }
                lines.push((row.number, missing(row, &error)));
            }
        }
    }
    let mut charts = Vec::new();
    if arguments.plots.is_some() || rows.iter().any(|row| row.number == 1) {
        eprintln!("{:>4.0} s  plots", begun.elapsed().as_secs_f64());
        charts.extend(rows::curve::measure(stage).await?);
    }
    eprintln!("{:>4.0} s  done", begun.elapsed().as_secs_f64());
    let quick = arguments.quick;
    let references = stage.references().clone();
    let table = Table {
        machine,
        references,
        quick,
        lines,
        charts,
    };
    Ok((table, failures))
}

fn missing(row: &Row, error: &anyhow::Error) -> Line {
    Line::Missing {
        property: row.property.to_owned(),
        must: row.must,
        stretch: row.stretch,
        reason: format!("{error:#}"),
    }
}

fn selected(numbers: &[u8]) -> Result<Vec<&'static Row>> {
    let known = |number: &u8| ROWS.iter().any(|row| row.number == *number);
    if let Some(unknown) = numbers.iter().find(|number| !known(number)) {
        bail!("there is no row {unknown}");
    }
    let wanted = |row: &&Row| numbers.is_empty() || numbers.contains(&row.number);
    Ok(ROWS.iter().filter(wanted).collect())
}

/// The generator takes from the same cores as what it measures: built for debugging it would take
/// most of them.
fn run_optimised() -> Result<ExitCode> {
    let mut command = cargo::command();
    command.args(["run", "--release", "--quiet", "--package", "xtask", "--"]);
    let status = command.args(std::env::args_os().skip(1)).status();
    let status = status.context("cannot run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Fails early where connections would run out.
fn require_files() -> Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("no /proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next());
    match soft.and_then(|soft| soft.parse::<u64>().ok()) {
        Some(soft) if soft < FILES_MIN => {
            bail!("a process here may open {soft} files only. Type: ulimit -n {FILES_MIN}")
        }
        _ => Ok(()),
    }
}
