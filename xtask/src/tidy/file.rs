//! Rust files: their names, headers and sizes.

use super::Finding;

/// What a reader takes in at one sitting.
const LONGEST: usize = 400;

/// Longer ones, each with its reason.
const LONG_FOR_A_REASON: [(&str, &str); 0] = [];

/// Names that attract everything. A function without a home is a missing noun.
const HOMELESS: [&str; 6] = ["utils", "util", "helpers", "helper", "common", "misc"];

/// Checks one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stems = path.split('/').map(|part| part.trim_end_matches(".rs"));
    for stem in stems.filter(|stem| HOMELESS.contains(stem)) {
        findings.push(Finding::new(
            path,
            1,
            format!("{stem:?} names nothing: find the noun"),
        ));
    }
    if path.ends_with("/mod.rs") {
        findings.push(Finding::new(path, 1, "no mod.rs: write foo.rs beside foo/"));
    }
    if !has_header(text) {
        findings.push(Finding::new(path, 1, "no `//!` header"));
    }
    let length = lines_without_tests(text);
    let excused = LONG_FOR_A_REASON.iter().any(|(each, _)| *each == path);
    if length > LONGEST && !excused && !is_test(path) {
        let message = format!("{length} lines without tests, at most {LONGEST}");
        findings.push(Finding::new(path, LONGEST + 1, message));
    }
    findings
}

/// A `//!` comment, or a README in its place, before anything that is not an attribute.
fn has_header(text: &str) -> bool {
    let header = |line: &&str| line.starts_with("//!") || line.starts_with("#![doc = include_str!");
    text.lines()
        .take_while(|line| line.starts_with("//!") || line.starts_with("#![") || line.is_empty())
        .any(|line| header(&line))
}

/// Unit tests are the last thing in a file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> usize {
        check(path, text).len()
    }

    #[test]
    fn names_are_nouns() {
        assert_eq!(messages("crates/a/src/event.rs", "//! Events.\n"), 0);
        assert_eq!(messages("crates/a/src/utils.rs", "//! Things.\n"), 1);
        assert_eq!(messages("crates/a/tests/common/mod.rs", "//! Things.\n"), 2);
    }

    #[test]
    fn files_have_headers() {
        assert_eq!(messages("a/b.rs", "#![cfg(unix)]\n\n//! Header.\n"), 0);
        assert_eq!(
            messages("a/b.rs", "#![doc = include_str!(\"../README.md\")]\n"),
            0
        );
        assert_eq!(messages("a/b.rs", "use std::fmt;\n//! Too late.\n"), 1);
        assert_eq!(messages("a/b.rs", ""), 1);
    }

    #[test]
    fn size_is_counted_without_tests() {
        let body = "//! Header.\n".to_owned() + &"x\n".repeat(399);
        assert_eq!(messages("a/b.rs", &body), 0);
        assert_eq!(
            messages(
                "a/b.rs",
                &format!("{body}#[cfg(test)]\nmod tests {{\n{body}}}\n")
            ),
            0
        );
        assert_eq!(messages("a/b.rs", &format!("{body}x\n")), 1);
        assert_eq!(messages("crates/a/tests/b.rs", &format!("{body}x\n")), 0);
    }
}
