//! `cargo xtask doctor`: which backends hold on this machine, and which would be used.

use std::process::ExitCode;

use anyhow::Result;
use ds_testkit::{Backend, Finding, survey};

use crate::{BackendArgument, cargo};

/// Prints what there is; fails when a server could come from nowhere.
pub(crate) fn run(argument: BackendArgument) -> Result<ExitCode> {
    let forced = match argument.backend {
        Some(backend) => Some(backend),
        None => Backend::forced_by_environment()?,
    };
    let findings = survey();
    for finding in &findings {
        println!("{}", finding.backend);
        println!("  PostgreSQL  {}", verdict(&finding.postgres));
        println!("  Redis       {}", verdict(&finding.redis));
    }
    println!();
    let postgres = choose(&findings, forced, |finding| &finding.postgres);
    let redis = choose(&findings, forced, |finding| &finding.redis);
    println!(
        "PostgreSQL would come from {}",
        postgres.as_deref().unwrap_or("nowhere")
    );
    println!(
        "Redis would come from      {}",
        redis.as_deref().unwrap_or("nowhere")
    );
    println!(
        "Each server takes the first backend that holds; --backend or DS_TEST_BACKEND forces one."
    );
    println!(
        "Tests run without xtask start servers of their own and leave docker out unless forced."
    );
    for (tool, use_of_it) in [
        ("nextest", "faster tests"),
        ("deny", "licence and source checks in ci"),
    ] {
        let state = if cargo::has(tool) {
            "installed"
        } else {
            "not installed"
        };
        println!("cargo-{tool}: {state} ({use_of_it})");
    }
    if postgres.is_none() || redis.is_none() {
        println!("Type: apt-get install postgresql redis-server");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn verdict(offer: &Result<String>) -> String {
    match offer {
        Ok(origin) => format!("usable: {origin}"),
        Err(reason) => format!("no: {reason:#}"),
    }
}

fn choose(
    findings: &[Finding],
    forced: Option<Backend>,
    offer: impl Fn(&Finding) -> &Result<String>,
) -> Option<String> {
    let allowed = |backend: Backend| match forced {
        None => true,
        Some(Backend::Local) => matches!(backend, Backend::Local | Backend::Fetch),
        Some(forced) => backend == forced,
    };
    findings
        .iter()
        .filter(|finding| allowed(finding.backend))
        .find_map(|finding| {
            let origin = offer(finding).as_ref().ok()?;
            Some(format!("{}: {origin}", finding.backend))
        })
}
