//! figment's view of a YAML file, on a parser that refuses what YAML lets slip.
//!
//! Duplicate keys are errors, `no` and `on` are texts, and a parse error names line and column but
//! never quotes the file: the line may hold a password that somebody put in the wrong place.

use std::path::Path;

use figment::{
    Error, Metadata, Profile, Provider,
    providers::{Data, Format},
    value::{Dict, Map, Value},
};
use serde::de::DeserializeOwned;

/// The format.
pub(super) struct Yaml;

impl Format for Yaml {
    type Error = serde_saphyr::Error;
    const NAME: &'static str = "YAML";

    fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Self::Error> {
        serde_saphyr::from_str_with_options(text, options())
    }
}

/// Strict, and silent about the text itself.
pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
    }
}

/// A configuration file. A section without any key, as is left when all of them are commented out,
/// counts as absent instead of hiding the defaults.
pub(super) struct File(Data<Yaml>);

impl File {
    pub(super) fn at(path: &Path) -> Self {
        Self(Yaml::file_exact(path))
    }
}

impl Provider for File {
    fn metadata(&self) -> Metadata {
        self.0.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut profiles = self.0.data()?;
        for sections in profiles.values_mut() {
            sections.retain(|_, section| !matches!(section, Value::Empty(..)));
        }
        Ok(profiles)
    }
}
