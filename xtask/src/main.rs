//! The project's commands. `cargo xtask --help` lists them; each is one file.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands print")]

mod bench;
mod cargo;
mod ci;
mod clean;
mod conformance;
mod db;
mod docs;
mod doctor;
mod environment;
mod fuzz;
mod http;
mod image;
mod sample;
mod server;
mod soak;
mod test;
mod tidy;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ds_testkit::Backend;

/// Commands for working on Data Storage.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service with PostgreSQL and Redis under it, checked with sample events.
    Up(up::Arguments),
    /// Runs every test against a PostgreSQL and a Redis.
    Test(test::Arguments),
    /// Runs everything continuous integration runs, in the same order.
    Ci(ci::Arguments),
    /// Checks the rules of the workspace that no other tool checks.
    Tidy,
    /// Writes the pages of docs/ that are made from the code.
    Docs(docs::Arguments),
    /// Says where PostgreSQL and Redis can come from on this machine.
    Doctor(BackendArgument),
    /// Keeps a PostgreSQL and a Redis for development.
    Db(db::Arguments),
    /// Builds the container image ds-test:17 from Debian packages.
    Image(image::Arguments),
    /// Stops what other commands left running and removes its data.
    Clean,
    /// Measures the service against the database under it.
    Bench(bench::Arguments),
    /// Holds the running service against its API document.
    Conformance(conformance::Arguments),
    /// Looks for inputs that break what must hold for all.
    Fuzz(fuzz::Arguments),
    /// Breaks everything at random under load and checks that no event is lost.
    Soak(soak::Arguments),
}

/// `--backend`, as several commands take it.
#[derive(clap::Args, Clone, Copy, Debug)]
struct BackendArgument {
    /// Where PostgreSQL and Redis come from: env, docker, local or fetch [default: the first that holds]
    #[arg(long)]
    backend: Option<Backend>,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Ci(arguments) => ci::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Doctor(argument) => doctor::run(argument),
        Command::Db(arguments) => db::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::Clean => clean::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
