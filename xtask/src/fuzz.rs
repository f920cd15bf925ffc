//! `cargo xtask fuzz`: looks for inputs that break what must hold for all.
//!
//! The targets in `fuzz/` are laid out as `cargo fuzz` wants them. Here they are built with what that
//! tool would pass to a nightly compiler, so that it need not be installed.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Every target: the name of its program and of the directory with its seeds.
const TARGETS: [&str; 10] = [
    "event",
    "batch",
    "notification",
    "action",
    "workflow",
    "search",
    "time_range",
    "query",
    "cursor",
    "traceparent",
];

/// What makes a build tell libFuzzer which code an input reached. There is no sanitizer: our code is
/// safe Rust, so that what can go wrong is a panic.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Longest input: more than any seed has, few enough that each takes microseconds.
const INPUT_BYTES_MAX: usize = 4_096;

/// Longest that one input may take. By the clock on the wall: a busy machine must not look like a
/// finding.
const INPUT_SECONDS_MAX: u64 = 60;

/// Arguments of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this target.
    #[arg(long, value_parser = TARGETS)]
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Most executions of each target.
    #[arg(long)]
    runs: Option<u64>,
    /// Makes the inputs that are tried reproducible, given the same corpus [default: a new one each time]
    #[arg(long)]
    seed: Option<u32>,
}

/// How a target did.
struct Outcome {
    target: &'static str,
    executions: Option<u64>,
    took: Duration,
    held: bool,
}

/// Builds the targets and runs them, one after the other.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let host = host()?;
    let place = ds_testkit::ground_root().join("fuzz");
    build(&host, &place)?;
    let asked = |target: &&str| arguments.target.as_deref().is_none_or(|one| one == *target);
    let mut outcomes = Vec::new();
    for target in TARGETS.into_iter().filter(asked) {
        let program = place.join("build").join(&host).join("release").join(target);
        outcomes.push(attack(target, &program, &place, arguments)?);
    }
    println!();
    for outcome in &outcomes {
        let executions = outcome
            .executions
            .map_or("?".to_owned(), |count| count.to_string());
        let verdict = if outcome.held {
            "no finding"
        } else {
            "FINDING"
        };
        println!(
            "{:<14}{executions:>12} executions{:>8.1} s  {verdict}",
            outcome.target,
            outcome.took.as_secs_f64()
        );
    }
    if outcomes.iter().all(|outcome| outcome.held) {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Mend what is wrong and keep the input in fuzz/seeds/: the tests of ds-validation hold it."
    );
    Ok(ExitCode::FAILURE)
}

/// The triple that nightly builds for. Also finds out whether there is a nightly.
fn host() -> Result<String> {
    let output = nightly("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc +nightly")?;
    if !output.status.success() {
        bail!(
            "there is no nightly compiler (rustup toolchain install nightly): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let version = String::from_utf8_lossy(&output.stdout);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

/// A program of the nightly toolchain, whatever toolchain runs us.
fn nightly(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg("+nightly")
        .current_dir(ds_testkit::workspace_root())
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn build(host: &str, place: &Path) -> Result<()> {
    let status = nightly("cargo")
        .args(["build", "--release", "--bins"])
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target", host])
        .arg("--target-dir")
        .arg(place.join("build"))
        .env("RUSTFLAGS", RUSTFLAGS)
        .status()
        .context("cannot run cargo +nightly")?;
    if !status.success() {
        bail!("the fuzz targets cannot be built");
    }
    Ok(())
}

/// Runs one target. What it finds out about the code stays in its corpus for the next time.
fn attack(
    target: &'static str,
    program: &Path,
    place: &Path,
    arguments: &Arguments,
) -> Result<Outcome> {
    let corpus = made(place.join("corpus").join(target))?;
    let findings = made(place.join("findings").join(target))?;
    let seeds = ds_testkit::workspace_root().join("fuzz/seeds").join(target);
    println!("\n=== {target}");
    let begun = Instant::now();
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-seed={}", arguments.seed.unwrap_or(0)))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args(["-print_final_stats=1", "-verbosity=0", "-rss_limit_mb=1024"])
        .args(arguments.runs.map(|runs| format!("-runs={runs}")))
        .args([corpus, seeds]);
    if ["event", "batch", "notification"].contains(&target) {
        let words = ds_testkit::workspace_root().join("fuzz/json.dict");
        command.arg(format!("-dict={}", words.display()));
    }
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let report = String::from_utf8_lossy(&output.stderr);
    let held = output.status.success();
    if !held {
        println!("{report}");
    }
    Ok(Outcome {
        target,
        executions: executions(&report),
        took: begun.elapsed(),
        held,
    })
}

fn made(directory: PathBuf) -> Result<PathBuf> {
    create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// Reads `stat::number_of_executed_units: 1000000`.
fn executions(report: &str) -> Option<u64> {
    let stat = |line: &str| {
        line.strip_prefix("stat::number_of_executed_units:")?
            .trim()
            .parse()
            .ok()
    };
    report.lines().find_map(stat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_report() {
        let report =
            "#2 INITED\nstat::number_of_executed_units: 1048576\nstat::new_units_added: 3\n";
        assert_eq!(executions(report), Some(1_048_576));
        assert_eq!(executions("Done"), None);
    }

    #[test]
    fn every_target_has_seeds_and_a_program() {
        let root = ds_testkit::workspace_root();
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        let programs = manifest.matches("[[bin]]").count();
        assert_eq!(programs, TARGETS.len());
        for target in TARGETS {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
            assert!(root.join("fuzz/seeds").join(target).is_dir(), "{target}");
        }
    }
}
