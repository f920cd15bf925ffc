//! Labels of workflows, as they stand in a body that was read: valid labels, or everything that is
//! wrong with them.

mod place;

use std::collections::BTreeMap;

use ds_domain::{
    label::{
        CustomLabels, DetectedLabel, DetectedLabels, DetectedSet, GitOpsTool, MandatoryLabel,
        MandatoryLabels, Priority, RESERVED_PREFIXES, ServiceMesh, Severity,
    },
    limit::{
        CUSTOM_LABEL_KEY_CHARS_MAX, CUSTOM_LABEL_VALUE_CHARS_MAX, CUSTOM_LABEL_VALUES_MAX,
        CUSTOM_LABELS_MAX, LABEL_CHARS_MAX,
    },
};

use crate::{
    Rule, Violations,
    json::{self, Kind, Members, Value, items},
};

pub(crate) use place::Place;

/// Whose mandatory labels they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// A workflow's: some may be left open.
    Workflow,
    /// A search's: a signal has a priority.
    Search,
}

/// Reads mandatory labels out of the object they stand in, perhaps with other members.
pub(crate) fn mandatory(
    members: &Members<'_>,
    side: Side,
    place: &Place,
    found: &mut Violations,
) -> Option<MandatoryLabels> {
    let mut text = |label: MandatoryLabel| {
        let name = label.as_str();
        let place = place.member(name);
        let value = members.any(name);
        let Some(value) = value else {
            let message = format!("{} is required", place.name());
            place.report(Rule::Required, message, found);
            return None;
        };
        let text = string(value, &place, found)?;
        if text.is_empty() {
            let message = format!("{} is required", place.name());
            place.report_measured(Rule::Empty, message, (1, 0), found);
            return None;
        }
        within(&text, LABEL_CHARS_MAX, &place, found).then_some(text)
    };
    let signal_type = text(MandatoryLabel::SignalType);
    let severity = text(MandatoryLabel::Severity);
    let component = text(MandatoryLabel::Component);
    let environment = text(MandatoryLabel::Environment);
    let priority = text(MandatoryLabel::Priority);
    let severity = severity.and_then(|word| {
        let place = place.member(MandatoryLabel::Severity.as_str());
        let words = Severity::ALL.iter().map(|word| word.as_str());
        known(Severity::from_word(&word), words, &place, found)
    });
    let priority = priority.and_then(|word| {
        let place = place.member(MandatoryLabel::Priority.as_str());
        let is_there = |word: &Priority| side == Side::Workflow || *word != Priority::Any;
        let words = Priority::ALL.iter().filter(|word| is_there(word));
        let given = Priority::from_word(&word).filter(is_there);
        known(given, words.map(|word| word.as_str()), &place, found)
    });
    Some(MandatoryLabels {
        signal_type: signal_type?,
        severity: severity?,
        component: component?,
        environment: environment?,
        priority: priority?,
    })
}

/// How the platform's other services write `failed_detections`.
const FAILED_ALIAS: &str = "failedDetections";

/// Reads detected labels. Members that are not known are left out, and flags that are not set.
pub(crate) fn detected(
    value: Value<'_>,
    place: &Place,
    found: &mut Violations,
) -> Option<DetectedLabels> {
    let Some(members) = Members::of(value) else {
        place.report(Rule::Type, "value must be an object", found);
        return None;
    };
    let mut flags = DetectedSet::default();
    for flag in DetectedLabel::FLAGS {
        let Some(value) = members.get(flag.as_str()) else {
            continue;
        };
        match (value.kind, value.text) {
            (Kind::Bool, "true") => flags.insert(*flag),
            (Kind::Bool, _) => {}
            _ => {
                let place = place.member(flag.as_str());
                place.report(Rule::Type, "value must be a boolean", found);
            }
        }
    }
    let mut word = |label: DetectedLabel| {
        let place = place.member(label.as_str());
        string(members.get(label.as_str())?, &place, found).map(|word| (place, word))
    };
    let tool = word(DetectedLabel::GitOpsTool);
    let mesh = word(DetectedLabel::ServiceMesh);
    let git_ops_tool = tool.and_then(|(place, word)| {
        let words = GitOpsTool::ALL.iter().map(|word| word.as_str());
        known(GitOpsTool::from_word(&word), words, &place, found)
    });
    let service_mesh = mesh.and_then(|(place, word)| {
        let words = ServiceMesh::ALL.iter().map(|word| word.as_str());
        known(ServiceMesh::from_word(&word), words, &place, found)
    });
    let mut failed = DetectedSet::default();
    for name in ["failed_detections", FAILED_ALIAS] {
        if let Some(value) = members.get(name) {
            read_failed(value, &place.member(name), &mut failed, found);
        }
    }
    Some(DetectedLabels {
        flags,
        git_ops_tool,
        service_mesh,
        failed,
    })
}

fn read_failed(value: Value<'_>, place: &Place, failed: &mut DetectedSet, found: &mut Violations) {
    let Some(items) = items(value) else {
        place.report(Rule::Type, "value must be an array", found);
        return;
    };
    let max = DetectedLabel::FALLIBLE.len();
    if items.len() > max {
        let message = format!("there are only {max} labels that can fail");
        place.report_measured(Rule::TooMany, message, (max, items.len()), found);
        return;
    }
    for (index, item) in items.into_iter().enumerate() {
        let place = place.item(index);
        let Some(name) = string(item, &place, found) else {
            continue;
        };
        let mut labels = DetectedLabel::FALLIBLE.iter().copied();
        let label = labels.find(|label| label.as_str() == name);
        let words = DetectedLabel::FALLIBLE.iter().map(|label| label.as_str());
        if let Some(label) = known(label, words, &place, found) {
            failed.insert(label);
        }
    }
}

/// Reads custom labels.
pub(crate) fn custom(
    value: Value<'_>,
    place: &Place,
    found: &mut Violations,
) -> Option<CustomLabels> {
    let Some(members) = Members::of(value) else {
        place.report(Rule::Type, "value must be an object", found);
        return None;
    };
    if members.len() > CUSTOM_LABELS_MAX {
        let message = format!("there may be at most {CUSTOM_LABELS_MAX} custom labels");
        let measure = (CUSTOM_LABELS_MAX, members.len());
        place.report_measured(Rule::TooMany, message, measure, found);
        return None;
    }
    let mut labels = BTreeMap::new();
    for (key, value) in members.iter() {
        let place = place.member(key);
        check_key(key, &place, found);
        if let Some(values) = values(value, &place, found) {
            labels.entry(key.to_owned()).or_insert(values);
        }
    }
    Some(CustomLabels(labels))
}

fn check_key(key: &str, place: &Place, found: &mut Violations) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if let Some(prefix) = RESERVED_PREFIXES.iter().find(|it| key.starts_with(**it)) {
        let message = format!("keys that begin with {prefix} are reserved");
        place.report(Rule::Format, message, found);
    } else if key.is_empty() {
        let message = "key is empty";
        place.report_measured(Rule::Empty, message, (1, 0), found);
    } else if !key.bytes().all(is_plain) {
        let message = "keys are made of ASCII letters, digits, \".\", \"_\" and \"-\"";
        place.report(Rule::Format, message, found);
    } else if key.len() > CUSTOM_LABEL_KEY_CHARS_MAX {
        let message = format!("keys have at most {CUSTOM_LABEL_KEY_CHARS_MAX} characters");
        let measure = (CUSTOM_LABEL_KEY_CHARS_MAX, key.len());
        place.report_measured(Rule::TooLong, message, measure, found);
    }
}

fn values(value: Value<'_>, place: &Place, found: &mut Violations) -> Option<Vec<String>> {
    let Some(items) = items(value) else {
        place.report(Rule::Type, "value must be an array", found);
        return None;
    };
    if items.len() > CUSTOM_LABEL_VALUES_MAX {
        let message = format!("a label has at most {CUSTOM_LABEL_VALUES_MAX} values");
        let measure = (CUSTOM_LABEL_VALUES_MAX, items.len());
        place.report_measured(Rule::TooMany, message, measure, found);
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let place = place.item(index);
        let Some(text) = string(item, &place, found) else {
            continue;
        };
        if text.is_empty() {
            let message = "minimum string length is 1";
            place.report_measured(Rule::Empty, message, (1, 0), found);
        } else if text.chars().any(char::is_control) {
            let message = "value contains a character that cannot be printed";
            place.report(Rule::Format, message, found);
        } else if within(&text, CUSTOM_LABEL_VALUE_CHARS_MAX, &place, found) {
            values.push(text);
        }
    }
    Some(values)
}

/// The text of a string.
pub(crate) fn string(value: Value<'_>, place: &Place, found: &mut Violations) -> Option<String> {
    match value.kind {
        Kind::String => return Some(json::decode(value.text).into_owned()),
        Kind::Null => place.report(Rule::Null, "Value is not nullable", found),
        Kind::Bool | Kind::Number | Kind::Array | Kind::Object => {
            place.report(Rule::Type, "value must be a string", found);
        }
    }
    None
}

/// Whether a text is short enough.
fn within(text: &str, chars_max: usize, place: &Place, found: &mut Violations) -> bool {
    let chars = text.chars().count();
    if chars > chars_max {
        let message = format!("maximum string length is {chars_max}");
        place.report_measured(Rule::TooLong, message, (chars_max, chars), found);
    }
    chars <= chars_max
}

/// A word of a closed set, or a report of which ones there are.
pub(crate) fn known<T>(
    given: Option<T>,
    words: impl Iterator<Item = &'static str>,
    place: &Place,
    found: &mut Violations,
) -> Option<T> {
    if given.is_none() {
        let words: Vec<&str> = words.collect();
        let list = words.join("\",\"");
        let message = format!("value is not one of the allowed values [\"{list}\"]");
        place.report(Rule::Enum, message, found);
    }
    given
}

#[cfg(test)]
mod tests;
