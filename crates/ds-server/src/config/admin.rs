//! Section `admin`: a second listener with health and metrics only, and the token of admin routes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::chain::Chain;

use super::{
    TokenFile,
    problem::{Problems, set},
    scalar, server,
};

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Admin {
    #[serde(deserialize_with = "scalar::switch")]
    enabled: bool,
    host: String,
    #[serde(deserialize_with = "scalar::integer")]
    port: i64,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
}

/// The second listener.
#[derive(Clone, Debug)]
pub(crate) struct AdminSettings {
    /// Address or name to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
}

impl Admin {
    pub(super) fn settings(&self, problems: &mut Problems, api_port: u16) -> Option<AdminSettings> {
        if !self.enabled {
            return None;
        }
        let port = server::port(problems, "admin.port", self.port);
        if port != 0 && port == api_port {
            problems.add(
                "admin.port",
                format!("admin port must not be the API's, got: {port}"),
            );
        }
        Some(AdminSettings {
            host: self.host.clone(),
            port,
        })
    }
    /// The file with the token, which must hold one now.
    pub(super) fn token(&self, problems: &mut Problems) -> Option<TokenFile> {
        let file = TokenFile::at(Path::new(set(self.token_file.as_ref())?));
        if let Err(error) = file.read() {
            problems.add("admin.tokenFile", Chain(&error).to_string());
        }
        Some(file)
    }
}
