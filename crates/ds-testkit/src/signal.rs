//! Signals, and who is there to receive them.
//!
//! The shell's `kill` is used because sending a signal from Rust takes `unsafe` or one more crate.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Sends `signal` (`INT`, `KILL`, `STOP`, …) to each process; one that is gone already is no error.
pub fn send(signal: &str, pids: &[u32]) -> Result<()> {
    if pids.is_empty() {
        return Ok(());
    }
    Command::new("sh")
        .args([
            "-c",
            r#"signal=$0; for pid in "$@"; do kill -s "$signal" "$pid"; done"#,
            signal,
        ])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot send {signal}"))?;
    Ok(())
}

/// Whether the process exists and is not a zombie waiting for its parent.
pub(crate) fn is_alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The processes whose parent is `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|child| state_and_parent(*child).is_some_and(|(_, parent)| parent == pid))
        .collect()
}

/// The process id in the first line of a pid file, if it names a process that runs.
pub(crate) fn running(pid_file: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    is_alive(pid).then_some(pid)
}

/// State letter and parent from `/proc/<pid>/stat`: `pid (name) S ppid …`, where the name may hold anything.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}
