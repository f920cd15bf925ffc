//! The account servers run as.
//!
//! PostgreSQL refuses to run as root, and nothing here should: when this process is root, servers get
//! an account that owns nothing.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// In order of preference; each must have an entry in the password database or `initdb` refuses it.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Who servers run as: ourselves, or another when we are root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    other: Option<(u32, u32)>,
}

impl Account {
    /// Finds it out.
    pub(crate) fn find() -> Result<Self> {
        if id(&["-u"])? != 0 {
            return Ok(Self { other: None });
        }
        for name in CANDIDATES {
            if let (Ok(user), Ok(group)) = (id(&["-u", name]), id(&["-g", name])) {
                return Ok(Self {
                    other: Some((user, group)),
                });
            }
        }
        bail!(
            "running as root, and there is no account named {} to run servers as",
            CANDIDATES.join(" or ")
        )
    }

    /// Makes `command` run as this account.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
    }

    /// Gives `path` to this account.
    pub(crate) fn own(self, path: &Path) -> Result<()> {
        if let Some((user, group)) = self.other {
            chown(path, Some(user), Some(group)).with_context(|| {
                format!("cannot give {} to the servers' account", path.display())
            })?;
        }
        Ok(())
    }

    /// Whether this account can enter `directory`, whatever the modes of the directories above it are.
    pub(crate) fn can_enter(self, directory: &Path) -> bool {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"cd "$0""#])
            .arg(directory)
            .current_dir("/");
        self.apply(&mut command);
        command.output().is_ok_and(|output| output.status.success())
    }
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id")
        .args(arguments)
        .output()
        .context("cannot run `id`")?;
    if !output.status.success() {
        bail!("`id {}` failed", arguments.join(" "));
    }
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .context("`id` printed no number")
}
