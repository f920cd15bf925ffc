//! The program on events as the platform sends them, good and bad.

use std::{
    io::Write,
    process::{Command, Stdio},
};

const EVENTS: &str = include_str!("events.jsonl");

/// What it prints about `events` as of the time they are from, and its exit code.
fn verdicts(arguments: &[&str], events: &str) -> (String, Option<i32>) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_embed-validation"))
        .args(["--at", "2026-11-21T10:00:00Z"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    input.write_all(events.as_bytes()).unwrap();
    drop(input);
    let output = program.wait_with_output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

#[test]
fn every_event_gets_its_verdict() {
    let expected = concat!(
        "1: accepted\n",
        "2: accepted\n",
        "  its type is not registered\n",
        "3: accepted\n",
        "  /event_action: unexpected_action (events of type notification.sent have one of the ",
        "actions [\"sent\"])\n",
        "  /event_data/delivery_status: payload_member_missing (property \"delivery_status\" of ",
        "notification.sent is missing)\n",
        "4: refused\n",
        "  /event_outcome: invalid_enum (value is not one of the allowed values ",
        "[\"success\",\"failure\",\"pending\"])\n",
        "  /severity: exceeds_max_length (maximum string length is 20)\n",
        "  /version: required (property \"version\" is missing)\n",
        "5: refused\n",
        "  /event_timestamp: timestamp_too_old (invalid timestamp: timestamp is too old (must be ",
        "within 7 days, age: 240h0m0s))\n",
        "6: not JSON: trailing comma at line 1 column 18\n",
    );
    assert_eq!(verdicts(&[], EVENTS), (expected.to_owned(), Some(1)));
}

#[test]
fn good_events_are_a_success_and_differences_are_a_matter_of_mode() {
    let lines: Vec<&str> = EVENTS.lines().collect();
    let good = lines[..3].join("\n");
    assert_eq!(verdicts(&[], &good).1, Some(0));
    let (text, code) = verdicts(&["--enforce"], &good);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("3: refused\n  /event_action: unexpected_action"),
        "{text}"
    );
}
