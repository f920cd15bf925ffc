//! The keeper: a shell process that outlives its owner just long enough to stop what the owner left.
//!
//! It reads its standard input, a pipe whose other end only the owner holds. The pipe ends when the
//! owner closes it or dies, by whatever signal; then the keeper stops the server named in the pid file
//! and removes the server's directory, or unmounts what was mounted. It leads a process group of its own, so that an interrupt typed
//! at a terminal reaches the owner only.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// `$1` directory to remove, `$2` signal to stop with, `$3` pid file. `CONT` wakes a paused server.
const SCRIPT: &str = r#"
directory=$1 signal=$2 file=$3
cat
if [ -s "$file" ] && read -r pid < "$file"; then
    kill -s "$signal" "$pid" && kill -s CONT "$pid"
    tenths=0
    while [ -e "$file" ] && kill -0 "$pid" && [ "$tenths" -lt 70 ]; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    [ -e "$file" ] && kill -s KILL "$pid"
fi
rm -rf "$directory"
"#;

/// `$1` mount point. Whoever is still busy there goes on without a name for it.
const MOUNT_SCRIPT: &str = r#"
directory=$1
cat
umount --lazy "$directory"
rm -rf "$directory"
"#;

/// A running keeper; dropping it ends the pipe and waits until the keeper has cleaned up.
#[derive(Debug)]
pub struct Keeper {
    process: Child,
}

impl Keeper {
    /// Starts one for the server that writes `pid_file` and keeps everything it has in `directory`.
    pub fn start(directory: &Path, signal: &str, pid_file: &Path) -> Result<Self> {
        Self::run(
            SCRIPT,
            &[directory.as_os_str(), signal.as_ref(), pid_file.as_ref()],
        )
    }

    /// Starts one that unmounts and removes `directory`.
    pub(crate) fn of_mount(directory: &Path) -> Result<Self> {
        Self::run(MOUNT_SCRIPT, &[directory.as_os_str()])
    }

    fn run(script: &str, arguments: &[&OsStr]) -> Result<Self> {
        let process = Command::new("sh")
            .args(["-c", script, "ds-keeper"])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper (sh)")?;
        Ok(Self { process })
    }

    /// Ends the pipe without waiting: the keeper goes on by itself.
    pub(crate) fn release(&mut self) {
        self.process.stdin.take();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.release();
        // It ends by itself within seconds; a failure to wait leaves nothing to do.
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::run_directory;

    #[test]
    fn end_of_the_pipe_ends_the_server_and_its_data() {
        let directory = run_directory("keeper").unwrap();
        let pid_file = directory.join("server.pid");
        let keeper = Keeper::start(&directory, "TERM", &pid_file).unwrap();
        let mut server = Command::new("sleep").arg("60").spawn().unwrap();
        std::fs::write(&pid_file, format!("{}\n", server.id())).unwrap();
        let waiting = std::thread::spawn(move || server.wait().unwrap());
        drop(keeper);
        assert!(!waiting.join().unwrap().success());
        assert!(!directory.exists());
    }
}
