//! System calls that fail: `strace` with its `inject` option, where it is installed.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::log;
use crate::signal;

/// How long it may take to attach to a process.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to happen to some system calls, in strace's words.
#[derive(Clone, Copy, Debug)]
pub struct Injection<'a> {
    /// `fsync,fdatasync`; one that the architecture lacks has a question mark before it.
    pub calls: &'a str,
    /// `error=EIO`, `error=ENOSPC:when=3..5`, `delay_enter=200000`, `retval=0`: see strace(1).
    pub action: &'a str,
}

/// The installed program.
#[derive(Clone, Debug)]
pub struct Strace {
    program: PathBuf,
}

impl Strace {
    /// Finds it.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .map(|place| place.join("strace"))
            .find(|program| program.is_file())
            .context("strace is not installed. Type: apt-get install strace")?;
        Ok(Self { program })
    }

    /// The command that runs `program` under the injections and writes the calls they concern to
    /// `log`. Its process is the program itself, so that signals and exit codes are the program's.
    pub fn command(&self, injections: &[Injection<'_>], log: &Path, program: &Path) -> Command {
        let mut command = self.tracer(injections, log.as_os_str());
        // As a grandchild, so that the child is the program.
        command.arg("-D").arg("--").arg(program);
        command
    }

    /// Attaches to a process and all its threads. Injections are counted from here on, and end when
    /// what is returned is dropped.
    pub fn attach(&self, pid: u32, injections: &[Injection<'_>], log: &Path) -> Result<Attached> {
        let tracer = self
            .tracer(injections, log.as_os_str())
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log::appended(&log.with_extension("errors"))?)
            .process_group(0)
            .spawn()
            .context("cannot run strace")?;
        let mut attached = Attached { tracer };
        let deadline = Instant::now() + PATIENCE;
        while !is_traced(pid) {
            let ended = attached
                .tracer
                .try_wait()
                .context("cannot wait for strace")?;
            if ended.is_some() || Instant::now() > deadline {
                bail!(
                    "strace cannot attach to process {pid}: {}",
                    log::tail(&log.with_extension("errors"))
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(attached)
    }

    fn tracer(&self, injections: &[Injection<'_>], log: &OsStr) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-f", "-qq", "-e", "signal=none", "-o"])
            .arg(log);
        let calls: Vec<&str> = injections.iter().map(|each| each.calls).collect();
        command.args(["-e", &format!("trace={}", calls.join(","))]);
        for Injection { calls, action } in injections {
            command.args(["-e", &format!("inject={calls}:{action}")]);
        }
        command
    }
}

/// A process under injections. Dropped, it goes on without them.
#[derive(Debug)]
pub struct Attached {
    tracer: Child,
}

impl Drop for Attached {
    fn drop(&mut self) {
        // On this signal strace detaches from everything and ends; it may have ended with the process.
        let _ = signal::send("INT", &[self.tracer.id()]);
        let _ = self.tracer.wait();
    }
}

/// Whether every thread of the process has a tracer.
fn is_traced(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let tracer = status
            .lines()
            .find_map(|line| line.strip_prefix("TracerPid:"));
        tracer.is_some_and(|tracer| tracer.trim() != "0")
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};

    use super::*;
    use crate::ground::run_directory;

    const FAILING: Injection<'_> = Injection {
        calls: "?unlink,unlinkat",
        action: "error=EIO",
    };

    /// Machines without strace are told which package has it.
    fn strace() -> Option<Strace> {
        match Strace::find() {
            Ok(strace) => Some(strace),
            Err(error) => {
                assert!(error.to_string().contains("apt-get install strace"));
                None
            }
        }
    }

    #[test]
    fn a_program_gets_the_error_and_keeps_its_exit_code() {
        let Some(strace) = strace() else { return };
        let directory = run_directory("strace").unwrap();
        let file = directory.join("file");
        std::fs::write(&file, "").unwrap();
        let log = directory.join("calls");
        let output = strace
            .command(&[FAILING], &log, Path::new("rm"))
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(complaint.contains("Input/output error"), "{complaint}");
        assert!(file.exists());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_running_process_fails_only_while_it_is_attached_to() {
        let Some(strace) = strace() else { return };
        let directory = run_directory("strace").unwrap();
        let mut shell = Command::new("sh")
            .args([
                "-c",
                r#"while read -r file; do rm "$file" 2> /dev/null; echo $?; done"#,
            ])
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        let mut output = BufReader::new(shell.stdout.take().unwrap()).lines();
        let mut remove = || {
            std::fs::write(directory.join("file"), "").unwrap();
            writeln!(input, "file").unwrap();
            output.next().unwrap().unwrap()
        };
        assert_eq!(remove(), "0");
        let attached = strace
            .attach(shell.id(), &[FAILING], &directory.join("calls"))
            .unwrap();
        assert_eq!(remove(), "1");
        drop(attached);
        assert_eq!(remove(), "0");
        drop(input);
        shell.wait().unwrap();
        std::fs::remove_dir_all(directory).unwrap();
    }
}
