//! `cargo xtask docs`: pages that are made from the code, so that they cannot differ from it.

mod events;
mod limits;

use std::process::ExitCode;

use anyhow::{Context, Result};

/// What stands on top of each page.
const HEADER: &str = "<!-- Made by `cargo xtask docs`; do not edit. -->\n";

/// Arguments of `docs`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing, and fail when a page differs from the code
    #[arg(long)]
    check: bool,
}

/// A page: its path, and what makes its text.
type Page = (&'static str, fn() -> Result<String>);

const PAGES: [Page; 2] = [
    ("docs/EVENTS.md", || Ok(events::page())),
    ("docs/LIMITS.md", limits::page),
];

/// Writes the pages, or says which are stale.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check {
        let stale = stale()?;
        for path in &stale {
            println!("{path} differs from the code it is made from: run `cargo xtask docs`");
        }
        return Ok(match stale.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    for (path, make) in PAGES {
        let file = ds_testkit::workspace_root().join(path);
        std::fs::write(&file, text(make)?).with_context(|| format!("cannot write {path}"))?;
        println!("{path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages that differ from the code.
pub(crate) fn stale() -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for (path, make) in PAGES {
        let written = std::fs::read_to_string(ds_testkit::workspace_root().join(path));
        if written.unwrap_or_default() != text(make)? {
            stale.push(path);
        }
    }
    Ok(stale)
}

fn text(make: fn() -> Result<String>) -> Result<String> {
    Ok(format!("{HEADER}{}", make()?))
}

/// A table with these columns.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let mut table = line(&heads) + &"|---".repeat(columns.len()) + "|\n";
    for row in rows {
        table.push_str(&line(&row));
    }
    table
}

/// `text` as code.
fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}
