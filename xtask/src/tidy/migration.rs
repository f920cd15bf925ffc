//! Migrations: `V<n>__<name>.sql`, counted from 1 without gaps.

use std::collections::BTreeMap;

use super::Finding;

/// Checks the names of the files in `migrations/`.
pub(super) fn check(names: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<u32, &str> = BTreeMap::new();
    for name in names.iter().filter(|name| name.ends_with(".sql")) {
        let path = format!("migrations/{name}");
        match version(name) {
            None => findings.push(Finding::new(&path, 1, "not of the form V<n>__<name>.sql")),
            Some(version) => {
                if let Some(other) = versions.insert(version, name) {
                    findings.push(Finding::new(&path, 1, format!("same version as {other}")));
                }
            }
        }
    }
    for (expected, (version, name)) in (1..).zip(versions) {
        if version != expected {
            let message = format!("version {version} where {expected} is expected");
            findings.push(Finding::new(&format!("migrations/{name}"), 1, message));
            break;
        }
    }
    findings
}

fn version(name: &str) -> Option<u32> {
    let (number, words) = name
        .strip_prefix('V')?
        .strip_suffix(".sql")?
        .split_once("__")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let well_named = !words.is_empty() && words.chars().all(plain);
    let number = number
        .parse()
        .ok()
        .filter(|_| !number.starts_with(['0', '+']))?;
    well_named.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(names: &[&str]) -> usize {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        check(&names).len()
    }

    #[test]
    fn names_and_numbers_are_checked() {
        assert_eq!(
            findings(&[
                "README.md",
                "V1__events.sql",
                "V2__more_2.sql",
                "V10__no.sql"
            ]),
            1
        );
        assert_eq!(findings(&["V1__a.sql", "V2__b.sql"]), 0);
        assert_eq!(findings(&["V1__a.sql", "V1__b.sql"]), 1);
        assert_eq!(
            findings(&["1_a.sql", "V1_a.sql", "V01__a.sql", "V1__A.sql", "V1__.sql"]),
            5
        );
    }
}
