//! Manifests: lints and versions come from the workspace.

use super::Finding;

/// Checks one crate's `Cargo.toml`.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !inherits_lints(text) {
        findings.push(Finding::new(path, 1, "no `[lints] workspace = true`"));
    }
    let mut section = String::new();
    let mut open_brackets = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let continued = open_brackets > 0;
        open_brackets += count(line, '[') + count(line, '{') - count(line, ']') - count(line, '}');
        if continued || line.is_empty() {
            continue;
        }
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            if holds_dependencies(section.rsplit_once('.').map_or("", |(parent, _)| parent)) {
                let message = "write a dependency as one line with `workspace = true`";
                findings.push(Finding::new(path, index + 1, message));
            }
        } else if holds_dependencies(&section) && !inherits(line) {
            let name = line.split(['=', ' ']).next().unwrap_or_default();
            let message = format!("{name} must take its version from the workspace table");
            findings.push(Finding::new(path, index + 1, message));
        }
    }
    findings
}

/// `dependencies`, its relatives, and the same below a target.
fn holds_dependencies(section: &str) -> bool {
    let name = section.rsplit('.').next().unwrap_or_default();
    ["dependencies", "dev-dependencies", "build-dependencies"].contains(&name)
}

fn inherits(line: &str) -> bool {
    let packed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    packed.contains("workspace=true")
}

fn inherits_lints(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.any(|line| line == "[lints]") && lines.next().is_some_and(inherits)
}

fn count(line: &str, bracket: char) -> i32 {
    line.chars().map(|c| i32::from(c == bracket)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];
    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn lines(text: &str) -> Vec<usize> {
        check("Cargo.toml", text)
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn lints_are_inherited() {
        assert_eq!(lines(LINTS), NONE);
        assert_eq!(lines("[package]\nname = \"a\"\n"), [1]);
    }

    #[test]
    fn versions_are_inherited() {
        let good = "[dependencies]\na = { workspace = true }\nb.workspace = true\n\
                    c = { workspace = true, features = [\n  \"x\",\n] }\n";
        assert_eq!(lines(&format!("{LINTS}{good}")), NONE);
        let bad = "[dev-dependencies]\na = \"1\"\nb = { path = \"../b\" }\n";
        assert_eq!(lines(&format!("{LINTS}{bad}")), [4, 5]);
        assert_eq!(
            lines(&format!(
                "{LINTS}[target.'cfg(unix)'.dependencies]\na = \"1\"\n"
            )),
            [4]
        );
        assert_eq!(
            lines(&format!("{LINTS}[dependencies.a]\nversion = \"1\"\n")),
            [3]
        );
    }

    #[test]
    fn other_sections_are_not_dependencies() {
        let features = "[features]\ndatabase = [\"dep:x\"]\n[[bin]]\nname = \"y\"\n";
        assert_eq!(lines(&format!("{LINTS}{features}")), NONE);
    }
}
