//! `cargo xtask test`: every test, against one PostgreSQL and one Redis for the whole run.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use ds_testkit::provision::Wish;
use ds_testkit::{Durability, Stores};

use crate::{BackendArgument, cargo, conformance};

/// Arguments of `test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) backend: BackendArgument,
    /// For the runner, after `--`.
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}

/// Doc tests and the API document first, so that the runner's summary is the last thing printed.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let wish = Wish::of_command(arguments.backend.backend)?;
    let stores = Stores::provide(wish, Durability::Off)?;
    announce(&stores);
    let mut conforms = true;
    if arguments.arguments.is_empty() {
        let mut doc_tests = cargo::command();
        doc_tests.args(["test", "--doc", "--workspace", "--quiet"]);
        cargo::succeed(with_stores(&mut doc_tests, &stores))?;
        conforms = conformance::run_on(&stores)? == ExitCode::SUCCESS;
    }
    let passed = if cargo::has("nextest") {
        let mut runner = cargo::command();
        runner
            .args(["nextest", "run", "--no-fail-fast"])
            .args(scope(&arguments.arguments))
            .args(&arguments.arguments);
        with_stores(&mut runner, &stores)
            .status()
            .context("cannot run cargo nextest")?
            .success()
    } else {
        run_cargo_test(arguments, &stores)?
    };
    if !conforms {
        println!("The running service does not conform to its API document: see above.");
    }
    Ok(if passed && conforms {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says where the servers come from and why not from somewhere better.
pub(crate) fn announce(stores: &Stores) {
    for (name, store) in [("PostgreSQL", &stores.postgres), ("Redis", &stores.redis)] {
        println!("{name} from {}: {}", store.backend, store.origin);
        // That no addresses are set is the usual case.
        for reason in store
            .passed_over
            .iter()
            .filter(|reason| !reason.starts_with("env:"))
        {
            println!("  not from {reason}");
        }
    }
}

/// `cargo test` sums up each test program; the sum over all of them is printed after the last.
fn run_cargo_test(arguments: &Arguments, stores: &Stores) -> Result<bool> {
    let mut runner = cargo::command();
    runner
        .args(["test", "--no-fail-fast", "--all-targets"])
        .args(scope(&arguments.arguments))
        .args(&arguments.arguments);
    let mut process = with_stores(&mut runner, stores)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let output = process.stdout.take().context("cargo test has no output")?;
    let mut total = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what cargo test prints")?;
        println!("{line}");
        total.add(&line);
    }
    let status = process.wait().context("cannot wait for cargo test")?;
    let Counts {
        passed,
        failed,
        ignored,
    } = total;
    println!();
    println!(
        "Summary: {} tests run: {passed} passed, {failed} failed, {ignored} ignored",
        passed + failed
    );
    Ok(status.success())
}

/// Everything, unless the runner is told which packages.
fn scope(arguments: &[String]) -> Option<&'static str> {
    let packages = |each: &String| each == "-p" || each.starts_with("--package");
    (!arguments.iter().any(packages)).then_some("--workspace")
}

fn with_stores<'a>(command: &'a mut Command, stores: &Stores) -> &'a mut Command {
    command
        .env("DS_TEST_PG_URL", &stores.postgres.url)
        .env("DS_TEST_REDIS_URL", &stores.redis.url)
        .env("DS_TEST_BACKEND", stores.postgres.backend.name())
}

/// What the test programs reported, added up.
#[derive(Debug, Default, Eq, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    /// Adds `test result: ok. 3 passed; 0 failed; 1 ignored; …`; other lines change nothing.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_up() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        counts
            .add("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.add("running 7 tests");
        assert_eq!(
            counts,
            Counts {
                passed: 5,
                failed: 4,
                ignored: 1
            }
        );
    }
}
