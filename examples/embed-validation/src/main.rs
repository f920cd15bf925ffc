//! Says which events Data Storage would accept, before they are sent.
//!
//! ```console
//! $ embed-validation [--enforce] [--at 2026-11-21T10:00:00Z] < events.jsonl
//! ```
//!
//! Events come one a line. `--at` judges them as of another time than now, `--enforce` as a server
//! that refuses events which are not like others of their type. The exit code is 1 if any event would
//! be refused.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    io::{BufRead, Write, stdin, stdout},
    process::ExitCode,
};

use ds_validation::{KindCheck, KindMode, Limits, Rejection, ValidEvent, parse_event};
use jiff::Timestamp;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut limits = Limits::default();
    let mut at = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--enforce" => limits.event_kinds = KindMode::Enforce,
            "--at" => at = Some(arguments.next().ok_or("--at needs a time")?.parse()?),
            other => return Err(format!("unknown argument: {other}").into()),
        }
    }
    judge(stdin().lock(), stdout().lock(), at, &limits)
}

/// Judges every line of `events`, as of `at` or else as of when it is read.
fn judge(
    events: impl BufRead,
    mut verdicts: impl Write,
    at: Option<Timestamp>,
    limits: &Limits,
) -> Result<ExitCode, Box<dyn Error>> {
    let mut code = ExitCode::SUCCESS;
    for (index, line) in events.lines().enumerate() {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        let number = index + 1;
        // The crate reads no clock: whoever embeds it says what time it is.
        match parse_event(line.as_bytes(), at.unwrap_or_else(Timestamp::now), limits) {
            Ok(event) => accepted(&mut verdicts, number, &event)?,
            Err(rejection) => {
                refused(&mut verdicts, number, &rejection)?;
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn accepted(verdicts: &mut impl Write, number: usize, event: &ValidEvent) -> std::io::Result<()> {
    writeln!(verdicts, "{number}: accepted")?;
    match event.kind() {
        KindCheck::Known(findings) => findings.iter().try_for_each(|finding| {
            let (pointer, message) = (finding.pointer(), finding.message());
            writeln!(
                verdicts,
                "  {pointer}: {} ({message})",
                finding.rule().as_str()
            )
        }),
        KindCheck::Unknown => writeln!(verdicts, "  its type is not registered"),
        KindCheck::Off => Ok(()),
    }
}

fn refused(verdicts: &mut impl Write, number: usize, why: &Rejection) -> std::io::Result<()> {
    match why {
        Rejection::Malformed(error) => writeln!(verdicts, "{number}: not JSON: {error}"),
        Rejection::Invalid(violations) => {
            writeln!(verdicts, "{number}: refused")?;
            violations.iter().try_for_each(|one| {
                let (pointer, rule, message) = (&one.pointer, one.rule.as_str(), &one.message);
                writeln!(verdicts, "  {pointer}: {rule} ({message})")
            })
        }
    }
}
