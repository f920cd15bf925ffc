//! Batches, good and bad.

use crate::{Limits, Rejection, Rule, parse_batch};

fn event(extra: &str) -> String {
    format!(
        r#"{{"version":"1.0","event_type":"t","event_timestamp":"2026-11-21T10:00:00Z",
            "event_category":"gateway","event_action":"a","event_outcome":"success",
            "correlation_id":"c","event_data":{{}}{extra}}}"#
    )
}

fn parse(body: &str) -> Result<usize, Vec<(String, Rule)>> {
    let limits = Limits {
        batch_events_max: 3,
        ..Limits::default()
    };
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    match parse_batch(body.as_bytes(), now, &limits) {
        Ok(events) => Ok(events.len()),
        Err(Rejection::Invalid(found)) => Err(found
            .iter()
            .map(|one| (one.pointer.clone(), one.rule))
            .collect()),
        Err(Rejection::Malformed(error)) => panic!("{error}"),
    }
}

#[track_caller]
fn refuses(events: &[String], expected: &[(&str, Rule)]) {
    let expected = expected
        .iter()
        .map(|(pointer, rule)| ((*pointer).to_owned(), *rule))
        .collect();
    assert_eq!(parse(&format!("[{}]", events.join(","))), Err(expected));
}

fn id(last: u8) -> String {
    format!("01931c5e-7f00-7000-8000-0000000000{last:02}")
}

fn family(own: u8, parent: u8) -> String {
    event(&format!(
        r#","event_id":"{}","parent_event_id":"{}""#,
        id(own),
        id(parent)
    ))
}

#[test]
fn batches_hold_between_one_and_the_most() {
    assert_eq!(parse(&format!("[{0},{0},{0}]", event(""))), Ok(3));
    refuses(&[], &[("", Rule::EmptyBatch)]);
    refuses(&vec![event(""); 4], &[("", Rule::BatchTooLarge)]);
    assert_eq!(parse("{}"), Err(vec![(String::new(), Rule::Type)]));
}

#[test]
fn every_error_of_every_event_has_its_index() {
    let bad = event("")
        .replace(r#""version":"1.0","#, "")
        .replace("success", "good");
    let expected = [
        ("/1/event_outcome", Rule::Enum),
        ("/1/version", Rule::Required),
        ("/2", Rule::Type),
    ];
    refuses(&[event(""), bad, "7".to_owned()], &expected);
    let deep = event(&format!(r#","event_metadata":{{"a":{}"#, "[".repeat(200)));
    refuses(&[event(""), deep], &[("/1/event_metadata", Rule::TooDeep)]);
}

#[test]
fn ids_are_unique_and_parents_form_no_circle() {
    assert_eq!(
        parse(&format!("[{},{}]", family(1, 2), family(2, 3))),
        Ok(2)
    );
    refuses(
        &[family(1, 9), family(1, 9)],
        &[("/1/event_id", Rule::DuplicateId)],
    );
    refuses(
        &[family(1, 2), family(2, 1)],
        &[("/0/parent_event_id", Rule::ParentCycle)],
    );
}
