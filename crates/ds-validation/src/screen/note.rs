//! What a screening leaves in the metadata of the event: `redactions` and `flags`, lists of pointers
//! and rules.
//!
//! Senders may have lists of these names themselves, because they screened the event before they sent
//! it or because they send a stored one again. The service adds to them.

use std::fmt::Write;

use ds_domain::json::JsonObject;

use super::{Findings, Screening, tokens};
use crate::{Rule, Violation, Violations};

const REDACTIONS: &str = "redactions";
const FLAGS: &str = "flags";

/// The members that are written.
pub(crate) const NAMES: [&str; 2] = [REDACTIONS, FLAGS];

/// Checks that a sender's own lists are lists.
pub(super) fn check(metadata: &JsonObject, found: &mut Violations) {
    for name in NAMES {
        let value = tokens::member(metadata.as_str(), name);
        let value = value.and_then(|range| metadata.as_str().get(range));
        if value.is_some_and(|value| !value.starts_with('[')) {
            let pointer = format!("/event_metadata/{name}");
            let message = "value must be an array: the service adds to it what it did to the event";
            found.add(Violation::at(
                pointer,
                "event_metadata",
                Rule::Type,
                message,
            ));
        }
    }
}

/// Writes what was found into the metadata, which is made when there is none.
pub(super) fn write(screening: &Screening, metadata: &mut Option<JsonObject>) {
    for (name, findings) in [
        (REDACTIONS, &screening.redactions),
        (FLAGS, &screening.flags),
    ] {
        if !findings.is_empty() {
            let before = metadata.as_ref().map_or("{}", JsonObject::as_str);
            let after = with(before, name, findings);
            *metadata = Some(JsonObject::from_checked_text(after));
        }
    }
}

/// The object with the findings added to its list `name`; all else stays as it is.
fn with(object: &str, name: &str, findings: &Findings) -> String {
    let entries = entries(findings);
    match tokens::member(object, name) {
        Some(list) => {
            let is_empty = object[list.start + 1..list.end - 1].trim_ascii().is_empty();
            let comma = if is_empty { "" } else { "," };
            let (before, after) = object.split_at(list.end - 1);
            format!("{before}{comma}{entries}{after}")
        }
        None => {
            let end = object.rfind('}').unwrap_or(object.len());
            let (before, after) = object.split_at(end);
            let is_empty = before.trim_ascii() == "{";
            let comma = if is_empty { "" } else { "," };
            format!("{before}{comma}\"{name}\":[{entries}]{after}")
        }
    }
}

fn entries(findings: &Findings) -> String {
    let mut entries = String::new();
    for finding in findings {
        let separator = if entries.is_empty() { "" } else { "," };
        let pointer = quoted(&finding.pointer);
        let rule = finding.rule;
        // Writing to a string does not fail.
        let _ = write!(
            entries,
            r#"{separator}{{"pointer":{pointer},"rule":"{rule}"}}"#
        );
    }
    entries
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..='\u{1f}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}
