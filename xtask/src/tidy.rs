//! `cargo xtask tidy`: the rules of the workspace that neither the compiler nor clippy knows.
//!
//! Every check is a function from text to [`Finding`]s; all findings are printed, then it fails.

mod edge;
mod error_message;
mod file;
mod manifest;
mod migration;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{cargo, docs};

/// A rule that is broken, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Runs every check.
pub(crate) fn run() -> Result<ExitCode> {
    let root = ds_testkit::workspace_root();
    let mut findings = edge::check(&metadata()?)?;
    let mut files = 0;
    for path in sources(&root)? {
        let text = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("cannot read {path}"))?;
        files += 1;
        if path.ends_with("Cargo.toml") {
            findings.extend(manifest::check(&path, &text));
        } else {
            findings.extend(file::check(&path, &text));
            findings.extend(error_message::check(&path, &text));
        }
    }
    findings.extend(migration::check(&file_names(&root.join("migrations"))?));
    findings.extend(docs::stale()?.into_iter().map(|path| {
        let message = "differs from the code it is made from: run `cargo xtask docs`";
        Finding::new(path, 1, message)
    }));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {files} files, {} findings", findings.len());
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn metadata() -> Result<serde_json::Value> {
    let output = cargo::command()
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("cannot run cargo metadata")?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })
}

/// Rust files and manifests of every member, as paths from the root.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut pending = vec![PathBuf::from("crates"), PathBuf::from("xtask")];
    while let Some(directory) = pending.pop() {
        for name in file_names(&root.join(&directory))? {
            let path = directory.join(&name);
            if root.join(&path).is_dir() {
                pending.push(path);
            } else if name == "Cargo.toml" || name.ends_with(".rs") {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn file_names(directory: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("cannot list {}", directory.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}
