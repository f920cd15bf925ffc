//! Settings from environment variables: `DS_<SECTION>__<KEY>`, and `SHUTDOWN_TIMEOUT`.
//!
//! figment's own `Env` guesses types and prints the values it does not like, so this provider hands
//! every value on as the text it is, under the key that the defaults know.

use std::ffi::OsString;

use figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::problem::{Problem, Problems};

/// Existing deployments bound the whole shutdown with this variable.
const SHUTDOWN_TIMEOUT: &str = "SHUTDOWN_TIMEOUT";

/// A variable that sets something.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Variable {
    name: String,
    section: String,
    key: String,
    text: String,
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let keys: Dict = [(self.key.clone(), Value::from(self.text.clone()))].into();
        let sections: Dict = [(self.section.clone(), Value::from(keys))].into();
        Ok(Profile::Default.collect(sections))
    }
}

/// Finds the variables that set something, the weakest first. `known` are the defaults.
pub(super) fn variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    known: &Dict,
    problems: &mut Problems,
) -> Vec<Variable> {
    let mut found: Vec<Variable> = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let Some((section, key)) = address(name, known, problems) else {
            continue;
        };
        match value.into_string() {
            Ok(text) => found.push(Variable {
                name: name.to_owned(),
                section,
                key,
                text,
            }),
            Err(_) => problems.push(about(name, "value is not UTF-8".to_owned())),
        }
    }
    found.sort_by_key(|variable| (variable.name != SHUTDOWN_TIMEOUT, variable.name.clone()));
    refuse_repetitions(&found, problems);
    found
}

/// The setting a variable is for, if it is one of ours.
fn address(name: &str, known: &Dict, problems: &mut Problems) -> Option<(String, String)> {
    if name == SHUTDOWN_TIMEOUT {
        return Some(("shutdown".to_owned(), "total_timeout".to_owned()));
    }
    // Kubernetes makes variables such as DS_PORT for a service called `ds`; none has two underscores.
    let (section, key) = name.strip_prefix("DS_")?.split_once("__")?;
    let Some((section, keys)) = lookup(known, section) else {
        problems.push(about(
            name,
            format!("unknown section, expected one of {}", list(known)),
        ));
        return None;
    };
    let keys = keys.as_dict()?;
    match lookup(keys, key) {
        Some((key, _)) => Some((section.to_owned(), key.to_owned())),
        None => {
            let expected = list(keys);
            problems.push(about(
                name,
                format!("unknown key, expected one of {expected}"),
            ));
            None
        }
    }
}

/// Two spellings of one setting would make the order of the environment decide.
fn refuse_repetitions(found: &[Variable], problems: &mut Problems) {
    for (index, variable) in found.iter().enumerate() {
        let same = |other: &&Variable| {
            (&other.section, &other.key) == (&variable.section, &variable.key)
                && other.name != SHUTDOWN_TIMEOUT
        };
        if let Some(other) = found[..index].iter().find(same) {
            problems.push(about(
                &variable.name,
                format!("the same setting as {}", other.name),
            ));
        }
    }
}

fn lookup<'a>(known: &'a Dict, written: &str) -> Option<(&'a str, &'a Value)> {
    let written = plain(written);
    known
        .iter()
        .find(|(name, _)| plain(name) == written)
        .map(|(name, value)| (&**name, value))
}

/// A name without case and underscores, in which `secretsFile` and `SECRETS_FILE` are the same.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn list(known: &Dict) -> String {
    known
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn about(name: &str, message: String) -> Problem {
    let origin = Some(format!("environment variable {name}"));
    Problem {
        message,
        path: String::new(),
        origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Dict {
        let keys = |names: &[&str]| -> Value {
            Value::from(names.iter().map(|name| (*name, "")).collect::<Map<_, _>>())
        };
        [
            ("database".to_owned(), keys(&["host", "secretsFile"])),
            ("shutdown".to_owned(), keys(&["total_timeout"])),
        ]
        .into()
    }

    #[track_caller]
    fn check(variables: &[&str], expected: &[&str]) {
        let mut problems = Problems::default();
        let environment = variables
            .iter()
            .map(|name| (OsString::from(name), "x".into()));
        let found = super::variables(environment, &known(), &mut problems);
        let found = found
            .iter()
            .map(|variable| format!("{}.{}", variable.section, variable.key));
        let problems = problems.into_refusal(|_| None).0;
        let lines: Vec<_> = found
            .chain(problems.iter().map(ToString::to_string))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn variables_reach_their_keys_in_any_spelling() {
        check(&["DS_DATABASE__HOST"], &["database.host"]);
        check(&["DS_DATABASE__SECRETSFILE"], &["database.secretsFile"]);
        check(&["DS_DATABASE__SECRETS_FILE"], &["database.secretsFile"]);
        check(&["DS_database__secretsFile"], &["database.secretsFile"]);
        check(&["SHUTDOWN_TIMEOUT"], &["shutdown.total_timeout"]);
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        check(
            &[
                "DS_TEST_PG_URL",
                "DS_PORT_8080_TCP",
                "HOME",
                "DATABASE__HOST",
            ],
            &[],
        );
    }

    #[test]
    fn variables_that_name_no_setting_are_refused() {
        check(
            &["DS_DATABASE__HOTS"],
            &["unknown key, expected one of host, secretsFile \
               (environment variable DS_DATABASE__HOTS)"],
        );
        check(
            &["DS_DB__HOST"],
            &["unknown section, expected one of database, shutdown \
               (environment variable DS_DB__HOST)"],
        );
    }

    #[test]
    fn two_spellings_of_one_setting_are_refused() {
        check(
            &["DS_DATABASE__SECRETS_FILE", "DS_DATABASE__SECRETSFILE"],
            &[
                "database.secretsFile",
                "database.secretsFile",
                "the same setting as DS_DATABASE__SECRETSFILE \
                 (environment variable DS_DATABASE__SECRETS_FILE)",
            ],
        );
    }

    #[test]
    fn the_older_variable_is_the_weaker_one() {
        check(
            &["DS_SHUTDOWN__TOTAL_TIMEOUT", "SHUTDOWN_TIMEOUT"],
            &["shutdown.total_timeout", "shutdown.total_timeout"],
        );
    }
}
