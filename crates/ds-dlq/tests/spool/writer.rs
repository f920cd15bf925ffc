//! The process that other tests kill, or whose disk they break.
//!
//! It reads a directory from its input, puts entries until it is killed, and says of each what became
//! of it: `ok 17`, `full 17`, `away 17`; `gone 17` before it settles what it has taken.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use ds_dlq::{Backlog, PutError, Spool, SpoolSettings};
use ds_domain::time::ManualClock;

use crate::place::{entries, names, numbers, start};

/// Puts in flight at a time.
const WRITERS: u64 = 8;

/// How many puts there are when there is one at a time.
const PUTS_OF_ONE: usize = 200;

/// Entries of each put.
pub(crate) const TOGETHER: u64 = 3;

#[tokio::test]
#[ignore = "started by other tests"]
async fn process() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let (mode, rest) = line.trim_end().split_once(' ').unwrap();
    let (first, directory) = rest.split_once(' ').unwrap();
    let first: u64 = first.parse().unwrap();
    let mut settings = SpoolSettings::new(directory);
    settings.segment_bytes = 64 * 1024;
    let clock = Arc::new(ManualClock::at(start()));
    let (spool, _) = Spool::open(settings, clock).await.unwrap();
    let spool = Arc::new(spool);
    if mode == "one" {
        write(&spool, first, TOGETHER, PUTS_OF_ONE).await;
        spool.close().await;
        return;
    }
    for writer in 0..WRITERS {
        let (spool, first) = (spool.clone(), first + writer * TOGETHER);
        let step = WRITERS * TOGETHER;
        tokio::spawn(async move { write(&spool, first, step, usize::MAX).await });
    }
    loop {
        let taken = spool.take(2).await.unwrap();
        for number in numbers(&taken) {
            say("gone", number);
        }
        spool.settle(&names(&taken)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn write(spool: &Spool, mut first: u64, step: u64, puts: usize) {
    for _ in 0..puts {
        let word = match spool.put(&entries(first..first + TOGETHER)).await {
            Ok(()) => "ok",
            Err(PutError::Full) => "full",
            Err(PutError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                "away"
            }
        };
        say(word, first);
        first += step;
    }
}

/// One write, so that a line is whole or not there.
fn say(word: &str, number: u64) {
    let line = format!("\n{word} {number}\n");
    if std::io::stdout().write_all(line.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// A writer that runs, killed when it is dropped.
pub(crate) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Writer {
    /// Starts one on a directory, under another program if `prefix` names one. `mode` is `one` for
    /// some puts, one at a time, `many` for several until it is killed, and takers beside them.
    pub(crate) fn start(prefix: &[&str], mode: &str, first: u64, directory: &Path) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut words = prefix.iter().map(|word| (*word).into());
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new::<std::ffi::OsString>(program);
                command.args(words).arg(this);
                command
            }
            None => Command::new(this),
        };
        let mut child = command
            .args(["--ignored", "--exact", "--nocapture", "writer::process"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("this test starts {prefix:?}: {error}"));
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{mode} {first} {}", directory.display()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// What it says next: a word and a number. Nothing when it has ended.
    pub(crate) fn next(&mut self) -> Option<(String, u64)> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let said = line.trim_end().split_once(' ');
            let number = said.and_then(|(word, number)| Some((word, number.parse().ok()?)));
            if let Some((word, number)) = number
                && line.ends_with('\n')
                && ["ok", "full", "away", "gone"].contains(&word)
            {
                return Some((word.to_owned(), number));
            }
        }
    }

    /// Ends it with SIGKILL, and returns what it had said before.
    pub(crate) fn kill(mut self) -> Vec<(String, u64)> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next()).collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
