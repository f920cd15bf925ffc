//! Which crate may use which.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;

/// The tower, from the ground up: a crate may use those listed, in tests too.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("ds-domain", &[]),
    ("ds-metrics", &[]),
    ("ds-validation", &["ds-domain"]),
    (
        "ds-repository",
        &["ds-domain", "ds-validation", "ds-metrics"],
    ),
    ("ds-dlq", &["ds-domain", "ds-validation", "ds-metrics"]),
    (
        "ds-ingest",
        &[
            "ds-domain",
            "ds-validation",
            "ds-repository",
            "ds-dlq",
            "ds-metrics",
        ],
    ),
    (
        "ds-http",
        &[
            "ds-domain",
            "ds-validation",
            "ds-repository",
            "ds-dlq",
            "ds-ingest",
            "ds-metrics",
        ],
    ),
    (
        "ds-server",
        &[
            "ds-domain",
            "ds-validation",
            "ds-repository",
            "ds-dlq",
            "ds-ingest",
            "ds-http",
            "ds-metrics",
        ],
    ),
    ("ds-testkit", &["ds-repository"]),
    ("xtask", &["ds-domain", "ds-testkit"]),
];

/// Any crate's tests may use it; nothing that is shipped may.
const FOR_TESTS: &str = "ds-testkit";

/// What other services embed has no runtime, no logging and no drivers.
const PURE: [&str; 2] = ["ds-domain", "ds-validation"];
const IMPURE: [&str; 6] = [
    "tokio",
    "tracing",
    "tokio-postgres",
    "hyper",
    "fred",
    "metrics",
];

/// Checks every dependency in `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value) -> Result<Vec<Finding>> {
    let root = metadata["workspace_root"]
        .as_str()
        .context("metadata has no root")?;
    let packages = metadata["packages"]
        .as_array()
        .context("metadata has no packages")?;
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"]
            .as_str()
            .context("a package without a name")?;
        let manifest = package["manifest_path"]
            .as_str()
            .context("a package without a manifest")?;
        let text = std::fs::read_to_string(manifest).unwrap_or_default();
        let path = Path::new(manifest)
            .strip_prefix(root)
            .unwrap_or(Path::new(manifest));
        let path = path.to_string_lossy();
        let dependencies = package["dependencies"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for dependency in dependencies {
            let used = dependency["name"]
                .as_str()
                .context("a dependency without a name")?;
            let ours = dependency["path"].is_string();
            let for_tests = dependency["kind"] == "dev";
            if let Some(message) = judge(name, used, ours, for_tests) {
                findings.push(Finding::new(&path, line_of(&text, used), message));
            }
        }
    }
    Ok(findings)
}

fn judge(name: &str, used: &str, ours: bool, for_tests: bool) -> Option<String> {
    if !ours {
        let impure = PURE.contains(&name) && IMPURE.contains(&used) && !for_tests;
        return impure.then(|| format!("{name} is pure and may not use {used}"));
    }
    // A crate's tests may turn on features of the crate itself.
    if for_tests && (used == FOR_TESTS || used == name) {
        return None;
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(each, _)| *each == name) else {
        return Some(format!(
            "{name} has no row in the table of allowed edges (xtask, tidy/edge.rs)"
        ));
    };
    if allowed.contains(&used) {
        return None;
    }
    Some(match used {
        FOR_TESTS => format!("{name} may use {used} in tests only"),
        _ => format!("{name} may not use {used}: a floor uses only floors below it"),
    })
}

fn line_of(manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with([' ', '=', '.']))
    };
    manifest
        .lines()
        .position(names)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_point_down() {
        assert_eq!(judge("ds-http", "ds-domain", true, false), None);
        assert!(judge("ds-domain", "ds-http", true, false).is_some());
        assert!(judge("ds-domain", "ds-http", true, true).is_some());
        assert!(judge("ds-dlq", "ds-repository", true, false).is_some());
        assert!(judge("ds-new", "ds-domain", true, false).is_some());
    }

    #[test]
    fn testkit_is_for_tests() {
        assert_eq!(judge("ds-http", "ds-testkit", true, true), None);
        assert_eq!(judge("ds-http", "ds-http", true, true), None);
        assert!(judge("ds-http", "ds-testkit", true, false).is_some());
        assert_eq!(judge("xtask", "ds-testkit", true, false), None);
    }

    #[test]
    fn pure_crates_have_no_runtime() {
        assert!(judge("ds-domain", "tokio", false, false).is_some());
        assert_eq!(judge("ds-domain", "tokio", false, true), None);
        assert_eq!(judge("ds-domain", "serde", false, false), None);
        assert_eq!(judge("ds-http", "hyper", false, false), None);
    }

    #[test]
    fn line_is_the_dependency_s_own() {
        let manifest =
            "[dependencies]\ntokio-util = { workspace = true }\ntokio = { workspace = true }\n";
        assert_eq!(line_of(manifest, "tokio"), 3);
    }
}
