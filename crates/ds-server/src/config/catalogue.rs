//! Section `catalogue`: the workflows.

use ds_validation::HashMode;
use serde::{Deserialize, Serialize};

use super::{problem::Problems, validation::mode};

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Catalogue {
    content_hash: String,
}

impl Catalogue {
    /// What is done about a workflow whose hash is not that of its content.
    pub(super) fn content_hash(&self, problems: &mut Problems) -> HashMode {
        let (path, given) = ("catalogue.content_hash", &self.content_hash);
        mode(problems, path, given, HashMode::ALL, |mode| mode.as_str())
    }
}
