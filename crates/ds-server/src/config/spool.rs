//! Section `spool`: the local file that is used when Redis is away, too.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use ds_dlq::SpoolSettings;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;

use super::{
    ConfigError,
    problem::{Problems, set},
    scalar,
};

const DIRECTORY: &str = "spool.directory";

const AGE_MIN: Duration = Duration::from_secs(60);
const AGE_MAX: Duration = Duration::from_hours(24 * 30);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a section of keys")]
pub(super) struct Spool {
    directory: Option<String>,
    #[serde(deserialize_with = "scalar::integer")]
    max_bytes: i64,
    #[serde(deserialize_with = "scalar::integer")]
    max_entries: i64,
    max_age: String,
}

/// Why a directory cannot hold the spool.
#[derive(Debug, thiserror::Error)]
enum SpoolError {
    #[error("spool directory {path} is not a directory", path = .0.display())]
    NotDirectory(PathBuf),
    #[error("cannot look at spool directory {path}", path = path.display())]
    Unreachable { path: PathBuf, source: io::Error },
    #[error("cannot make spool directory {path}", path = path.display())]
    NotMade { path: PathBuf, source: io::Error },
    #[error("cannot write to spool directory {path}", path = path.display())]
    ReadOnly { path: PathBuf, source: io::Error },
}

impl Spool {
    pub(super) fn settings(&self, problems: &mut Problems) -> Option<SpoolSettings> {
        let bytes_max = problems.integer("spool.max_bytes", self.max_bytes, 1 << 20..=1 << 40);
        let entries_max = problems.integer("spool.max_entries", self.max_entries, 1..=100_000_000);
        let age_max = problems.duration("spool.max_age", &self.max_age, AGE_MIN..=AGE_MAX);
        let directory = set(self.directory.as_ref())?;
        if let Err(error) = inspect(Path::new(directory)) {
            problems.add(DIRECTORY, Chain(&error).to_string());
        }
        Some(SpoolSettings {
            bytes_max,
            entries_max,
            age_max,
            ..SpoolSettings::new(directory)
        })
    }
}

/// Makes the directory of the spool if it is not there, and tries whether it can be written to.
pub(crate) fn prepare(spool: &SpoolSettings) -> Result<(), ConfigError> {
    let mut problems = Problems::default();
    if let Err(error) = try_out(&spool.directory) {
        problems.add(DIRECTORY, Chain(&error).to_string());
    }
    problems.into_result(|_| None)
}

/// What can be said without making anything: whether something is in the way.
fn inspect(directory: &Path) -> Result<(), SpoolError> {
    for path in directory.ancestors() {
        // What a relative path ends with: the directory of the process.
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => return Err(SpoolError::NotDirectory(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file where a directory should be; the next one up is it.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(source) => {
                let path = path.to_owned();
                return Err(SpoolError::Unreachable { path, source });
            }
        }
    }
    Ok(())
}

fn try_out(directory: &Path) -> Result<(), SpoolError> {
    let path = || directory.to_owned();
    fs::create_dir_all(directory).map_err(|source| SpoolError::NotMade {
        path: path(),
        source,
    })?;
    // Two processes on one directory are refused later, by the spool's own lock; their probes must
    // not get into each other's way.
    let probe = directory.join(format!(".probe-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&probe)
        .and_then(|_file| fs::remove_file(&probe));
    written.map_err(|source| SpoolError::ReadOnly {
        path: path(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_and_left_empty() {
        let volume = tempfile::tempdir().unwrap();
        let directory = volume.path().join("a/b");
        inspect(&directory).unwrap();
        assert!(
            !volume.path().join("a").exists(),
            "inspecting makes nothing"
        );
        let settings = SpoolSettings::new(&directory);
        prepare(&settings).unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
        prepare(&settings).unwrap();
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let expected = format!(
            "spool directory {} is not a directory",
            file.path().display()
        );
        assert_eq!(inspect(file.path()).unwrap_err().to_string(), expected);
        let below = file.path().join("a/b");
        assert_eq!(inspect(&below).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_directory_that_nobody_can_write_to_is_refused() {
        // Not even root can make a file or a directory there.
        let refused = prepare(&SpoolSettings::new("/proc/spool")).unwrap_err();
        let line = refused.to_string();
        assert!(
            line.starts_with("cannot make spool directory /proc/spool: "),
            "{line}"
        );
        assert!(line.ends_with(" (spool.directory)"), "{line}");
        let refused = prepare(&SpoolSettings::new("/proc"))
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("cannot write to spool directory /proc: "),
            "{refused}"
        );
    }
}
