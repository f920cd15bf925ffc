//! `cargo xtask ci`: what continuous integration runs, in the order that fails soonest.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{BackendArgument, cargo, soak, test, tidy, up};

/// Arguments of `ci`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    backend: BackendArgument,
}

/// One step: its name, and what it does.
type Step = (&'static str, fn(BackendArgument) -> Result<ExitCode>);

/// The OpenAPI document is checked against the routes by a test of ds-http.
const STEPS: [Step; 11] = [
    ("format", |_| run_cargo(&["fmt", "--all", "--check"])),
    ("tidy", |_| tidy::run()),
    ("clippy", |_| {
        run_cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    }),
    ("clippy of ds-containers", |_| {
        let package = ["clippy", "--package", "ds-testkit", "--features", "docker"];
        run_cargo(
            &[
                &package[..],
                &["--bin", "ds-containers", "--", "-D", "warnings"],
            ]
            .concat(),
        )
    }),
    // The server does without this feature, so nothing else builds it.
    ("test of sanitize", |_| {
        let package = ["test", "--quiet", "--package", "ds-validation"];
        let feature = ["--features", "sanitize"];
        run_cargo(&[&package[..], &["--lib"], &feature, &["sanitize"]].concat())?;
        run_cargo(&[&package[..], &["--doc"], &feature].concat())
    }),
    ("doc", |_| document()),
    ("deny", |_| deny()),
    ("test", |backend| {
        test::run(&test::Arguments {
            backend,
            arguments: Vec::new(),
        })
    }),
    ("embed", |_| embed()),
    ("up", |backend| up::run(&up::Arguments::once(backend))),
    ("soak", |backend| {
        soak::run(&soak::Arguments::minutes(backend, 2))
    }),
];

/// Runs the steps; stops at the first that fails.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut durations: Vec<(&str, Duration)> = Vec::new();
    for (name, step) in STEPS {
        println!("\n=== {name}");
        let begun = Instant::now();
        let outcome = step(arguments.backend);
        let took = begun.elapsed();
        println!("=== {name}: {:.1} s", took.as_secs_f64());
        durations.push((name, took));
        if outcome? != ExitCode::SUCCESS {
            bail!("ci stopped at {name}");
        }
    }
    println!();
    for (name, took) in durations {
        println!("{name:<24}{:>8.1} s", took.as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}

fn run_cargo(arguments: &[&str]) -> Result<ExitCode> {
    cargo::succeed(cargo::command().args(arguments))?;
    Ok(ExitCode::SUCCESS)
}

fn document() -> Result<ExitCode> {
    let mut command = cargo::command();
    command
        .args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", "-D warnings");
    cargo::succeed(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// The crate outside the workspace that embeds ds-validation is formatted, clean, and works.
fn embed() -> Result<ExitCode> {
    let run = |command: &str, arguments: &[&str]| {
        let manifest = [
            command,
            "--manifest-path",
            "examples/embed-validation/Cargo.toml",
        ];
        run_cargo(&[&manifest[..], arguments].concat())
    };
    let locked = ["--locked", "--target-dir", "target/embed-validation"];
    run("fmt", &["--check"])?;
    run(
        "clippy",
        &[&locked[..], &["--all-targets", "--", "-D", "warnings"]].concat(),
    )?;
    run("test", &locked)
}

/// Advisories are left out: they need a database from the network and change without a commit.
fn deny() -> Result<ExitCode> {
    if !cargo::has("deny") {
        println!("NOT CHECKED: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(ExitCode::SUCCESS);
    }
    run_cargo(&["deny", "check", "bans", "licenses", "sources"])
}
