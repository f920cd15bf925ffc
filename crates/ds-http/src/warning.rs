//! What a sender is told about what was accepted although it is not like others of its type, or was
//! changed: a header, because clients of the first contract know the body.

use ds_ingest::{Redacted, Warnings};
use ds_validation::{KindFinding, Violation};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::Write;

/// A list (RFC 9651) of rules, each with a pointer to what breaks it.
pub(crate) const X_VALIDATION_WARNINGS: HeaderName =
    HeaderName::from_static("x-validation-warnings");

/// The word for a place out of which a secret was taken.
const REDACTED: &str = "redacted";

/// Longest value; proxies bound all headers together.
const BYTES_MAX: usize = 1_024;

/// Adds the header, if there is anything to tell.
pub(crate) fn mark(headers: &mut HeaderMap, warnings: &Warnings, write: Write) {
    if let Some(value) = value(warnings.first(), warnings.total(), write) {
        headers.insert(X_VALIDATION_WARNINGS, value);
    }
}

/// The same for a workflow.
pub(crate) fn mark_workflow(headers: &mut HeaderMap, warnings: &[Violation]) {
    // They are about members as a whole, whose names are ours.
    let items = warnings
        .iter()
        .map(|it| (it.rule.as_str(), it.pointer.clone()));
    if let Some(value) = list(items, warnings.len()) {
        headers.insert(X_VALIDATION_WARNINGS, value);
    }
}

/// Says where secrets were taken out of actions, which have no metadata that would say so.
pub(crate) fn mark_redacted(headers: &mut HeaderMap, redacted: &Redacted, write: Write) {
    let items = redacted.first().iter().map(|(index, pointer)| {
        let pointer = plain(pointer);
        let place = match write {
            Write::Single => pointer,
            Write::Batch => format!("/{index}{pointer}"),
        };
        (REDACTED, place)
    });
    if let Some(value) = list(items, redacted.total()) {
        headers.insert(X_VALIDATION_WARNINGS, value);
    }
}

/// A pointer in the characters that a header can hold: the names of members in it are the sender's, and
/// others than letters, digits and the like are percent-encoded, as in the fragment of a URI.
fn plain(pointer: &str) -> String {
    let mut plain = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => plain.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => plain.push(byte.into()),
            byte => plain.push_str(&format!("%{byte:02X}")),
        }
    }
    plain
}

fn value(first: &[(usize, KindFinding)], total: usize, write: Write) -> Option<HeaderValue> {
    let items = first.iter().map(|(index, finding)| {
        let place = match write {
            Write::Single => finding.pointer(),
            Write::Batch => format!("/{index}{}", finding.pointer()),
        };
        (finding.rule().as_str(), place)
    });
    list(items, total)
}

/// As many of `items` as there is room for, and how many more there are in `total`.
fn list(items: impl Iterator<Item = (&'static str, String)>, total: usize) -> Option<HeaderValue> {
    let mut value = String::new();
    let mut told = 0;
    for (rule, place) in items {
        // Rules and pointers are made of names of ours, or plain: nothing in them needs an escape.
        let item = format!("{rule};at=\"{place}\"");
        let separator = if told == 0 { "" } else { ", " };
        if value.len() + separator.len() + item.len() > BYTES_MAX {
            break;
        }
        value.push_str(separator);
        value.push_str(&item);
        told += 1;
    }
    if told == 0 {
        return None;
    }
    if told < total {
        value.push_str(&format!(", more;count={}", total - told));
    }
    HeaderValue::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use ds_validation::{KindCheck, Limits, parse_event};

    use super::*;

    /// What is found in an event of the catalogue with an empty payload and another action.
    fn findings() -> Vec<(usize, KindFinding)> {
        let body = br#"{"version":"1.0","event_type":"gateway.crd.created",
            "event_timestamp":"2026-11-21T10:00:00Z","event_category":"gateway",
            "event_action":"made","event_outcome":"success","correlation_id":"c",
            "event_data":{"crd_name":"a","crd_namespace":"b","crd_kind":7}}"#;
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let event = parse_event(body, now, &Limits::default()).unwrap();
        let KindCheck::Known(findings) = event.kind() else {
            panic!("is known");
        };
        findings.iter().map(|finding| (3, *finding)).collect()
    }

    #[track_caller]
    fn check(first: &[(usize, KindFinding)], total: usize, write: Write, expected: Option<&str>) {
        let value = value(first, total, write);
        let value = value.as_ref().map(|value| value.to_str().unwrap());
        assert_eq!(value, expected);
    }

    #[test]
    fn findings_are_listed_with_their_places() {
        let single = concat!(
            "unexpected_action;at=\"/event_action\", ",
            "payload_member_type;at=\"/event_data/crd_kind\", ",
            "payload_member_missing;at=\"/event_data/creation_time\"",
        );
        check(&findings(), 3, Write::Single, Some(single));
        let batch = single.replace("at=\"", "at=\"/3") + ", more;count=4";
        check(&findings(), 7, Write::Batch, Some(&batch));
        check(&[], 0, Write::Single, None);
    }

    #[test]
    fn a_pointer_of_the_sender_is_made_plain() {
        assert_eq!(
            plain("/signal_labels/a-b_c.d~1e"),
            "/signal_labels/a-b_c.d~1e"
        );
        assert_eq!(plain("/a\"b\\ü\n"), "/a%22b%5C%C3%BC%0A");
    }

    #[test]
    fn the_list_is_cut_between_items() {
        let many: Vec<_> = findings().into_iter().cycle().take(32).collect();
        let value = value(&many, 1_000, Write::Single).unwrap();
        let text = value.to_str().unwrap();
        assert!(text.len() <= BYTES_MAX + 20, "{text}");
        let items: Vec<&str> = text.split(", ").collect();
        let (more, told) = items.split_last().unwrap();
        assert!(
            told.len() > 10 && told.iter().all(|item| item.ends_with('"')),
            "{text}"
        );
        assert_eq!(*more, format!("more;count={}", 1_000 - told.len()));
    }
}
