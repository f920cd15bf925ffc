#![doc = include_str!("../README.md")]

mod backoff;
mod chain;
mod cli;
mod clock;
mod config;
mod dlq;
mod exit;
mod healthcheck;
mod migrate;
mod run;
mod shutdown;
mod signals;
mod startup;
mod telemetry;
mod wiring;
mod workers;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// With the C library's allocator a write took an eighth more processor time, see docs/PERFORMANCE.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Two libraries of the process may each bring a provider; the first TLS handshake would panic.
    let provider = rustls::crypto::aws_lc_rs::default_provider().install_default();
    debug_assert!(provider.is_ok(), "nothing runs before main");
    let exit = match cli::Cli::try_parse() {
        Ok(cli) => cli.execute(std::env::vars_os()),
        Err(error) => cli::explain(&error),
    };
    exit.into()
}
