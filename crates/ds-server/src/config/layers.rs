//! Defaults, file and environment, merged; and where each value came from.

use std::{ffi::OsString, path::Path};

use figment::{
    Error, Figment, Provider,
    error::{Actual, Kind},
    providers::Format,
    value::{Dict, Value},
};

use super::{
    Config, ConfigError, Settings, environment,
    problem::{Problem, Problems},
    yaml::{self, Yaml},
};

/// Every setting with its default, and its documentation.
pub(super) const DEFAULTS: &str = include_str!("../../default.yaml");

/// A configuration that was accepted.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// As it is written.
    pub config: Config,
    /// As the program uses it.
    pub settings: Settings,
}

/// Reads all layers. `environment` are the variables of the process.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigError> {
    let mut problems = Problems::default();
    let defaults = Figment::from(Yaml::string(DEFAULTS));
    let Ok(known) = values(&defaults) else {
        problems.add("", "built-in defaults are damaged");
        return Err(problems.into_refusal(|_| None));
    };
    let mut layers = defaults;
    if let Some(path) = file {
        let file = yaml::File::at(path);
        match file.data() {
            Ok(_) => layers = layers.merge(file),
            Err(error) => problems.push(unreadable(path, &error)),
        }
    }
    for variable in environment::variables(environment, &known, &mut problems) {
        layers = layers.merge(variable);
    }
    let origin_of = |path: &str| origin(&layers, path);
    match extract(&layers, known, &mut problems) {
        None => Err(problems.into_refusal(origin_of)),
        Some(config) => {
            let settings = config.settings(&mut problems);
            problems
                .into_result(origin_of)
                .map(|()| Loaded { config, settings })
        }
    }
}

/// The merged values become a [`Config`]. serde stops at the first misfit, so each one is noted and
/// replaced by its default until the rest fits: a deployment is told everything in one round.
fn extract(layers: &Figment, defaults: Dict, problems: &mut Problems) -> Option<Config> {
    let mut merged = match values(layers) {
        Ok(merged) => Value::from(merged),
        Err(error) => {
            problems.push(misfit(&error));
            return None;
        }
    };
    let defaults = Value::from(defaults);
    loop {
        match merged.deserialize::<Config>() {
            Ok(config) => return Some(config),
            Err(error) => {
                let problem = misfit(&error);
                let path: Vec<String> = problem.path.split('.').map(str::to_owned).collect();
                problems.push(Problem {
                    origin: origin_of_value(layers, &merged, &path),
                    ..problem
                });
                // Without progress the loop would not end.
                if !replace(&mut merged, &path, defaults.find_ref(&path.join("."))) {
                    return None;
                }
            }
        }
    }
}

/// Puts `default` at `path`, or removes what is there when it has no default.
fn replace(value: &mut Value, path: &[String], default: Option<&Value>) -> bool {
    let (Value::Dict(_, keys), Some((first, rest))) = (value, path.split_first()) else {
        return false;
    };
    match (rest, default) {
        ([], None) => keys.remove(first).is_some(),
        ([], Some(default)) => {
            keys.insert(first.clone(), default.clone()).as_ref() != Some(default)
        }
        (rest, default) => keys
            .get_mut(first)
            .is_some_and(|value| replace(value, rest, default)),
    }
}

fn values(layers: &Figment) -> Result<Dict, Box<Error>> {
    let mut profiles = layers.data().map_err(Box::new)?;
    Ok(profiles.remove(layers.profile()).unwrap_or_default())
}

/// The layer the value at `path` comes from, in words.
fn origin(layers: &Figment, path: &str) -> Option<String> {
    let tag = layers.find_value(path).ok()?.tag();
    described(layers, tag)
}

fn origin_of_value(layers: &Figment, merged: &Value, path: &[String]) -> Option<String> {
    let mut value = merged;
    for key in path {
        value = value.as_dict()?.get(key)?;
    }
    described(layers, value.tag())
}

fn described(layers: &Figment, tag: figment::value::Tag) -> Option<String> {
    let metadata = layers.get_metadata(tag)?;
    Some(match (&metadata.source, metadata.name.as_ref()) {
        (Some(source), _) => source.to_string(),
        (None, name) if name.starts_with("environment variable") => name.to_owned(),
        (None, _) => "default".to_owned(),
    })
}

/// A file that is not there, or not YAML.
fn unreadable(path: &Path, error: &Error) -> Problem {
    let message = format!("cannot read configuration file: {}", error.kind);
    Problem {
        message,
        path: String::new(),
        origin: Some(path.display().to_string()),
    }
}

/// A value that does not fit, without the value where it could be a secret.
fn misfit(error: &Error) -> Problem {
    let path = &error.path;
    let message = match &error.kind {
        Kind::UnknownField(name, expected) => {
            format!(
                "unknown key `{name}`, expected one of {}",
                expected.join(", ")
            )
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if is_private(path) => {
            format!("value is not {expected}")
        }
        Kind::InvalidType(Actual::Unit, expected) => format!("found null, expected {expected}"),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("found {found}, expected {expected}")
        }
        kind @ (Kind::Message(_)
        | Kind::InvalidLength(..)
        | Kind::UnknownVariant(..)
        | Kind::MissingField(_)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..)) => kind.to_string(),
    };
    Problem {
        message,
        path: path.join("."),
        origin: None,
    }
}

/// Whether somebody may have put a secret where its place was meant.
fn is_private(path: &[String]) -> bool {
    path.last().is_some_and(|key| {
        let key = key.to_ascii_lowercase();
        key.contains("password") || key.contains("secret")
    })
}
