//! A workflow as its author wrote it.

use ds_domain::{json::JsonObject, limit::TextField};
use jiff::Timestamp;

use crate::{
    Rule, Violation, Violations,
    form::{Field, required},
    json::{Kind, Value},
    member::{date_time, integer, of_kind, string},
};

/// A workflow that was read but not yet checked.
#[derive(Debug, Default)]
pub(super) struct Draft {
    texts: Vec<(&'static str, String)>,
    pub(super) parameters: Option<JsonObject>,
    /// The text of the object, as of the other labels: what is inside is read later.
    pub(super) labels: Option<String>,
    pub(super) custom_labels: Option<String>,
    pub(super) detected_labels: Option<String>,
    pub(super) approved_at: Option<Timestamp>,
    /// Its text: no digit is lost.
    pub(super) expected_success_rate: Option<String>,
    pub(super) expected_duration_seconds: Option<i64>,
}

impl Draft {
    /// Whether a required member is there.
    pub(super) fn has(&self, name: &str) -> bool {
        match name {
            "labels" => self.labels.is_some(),
            _ => self.text(name).is_some(),
        }
    }

    /// The text of a member.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut texts = self.texts.iter();
        let (_, text) = texts.find(|(own, _)| *own == name)?;
        Some(text)
    }

    /// Takes the text of a member, unless it says nothing.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let mut texts = self.texts.iter_mut();
        let (_, text) = texts.find(|(own, _)| *own == name)?;
        let text = std::mem::take(text);
        (!text.is_empty()).then_some(text)
    }

    /// Every text that is not empty.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = self.texts.iter().map(|(name, text)| (*name, text.as_str()));
        texts.filter(|(_, text)| !text.is_empty())
    }
}

type Read = Result<(), Violation>;

fn text(name: &'static str, value: Value<'_>, draft: &mut Draft) -> Read {
    let text = string(name, value)?.into_owned();
    draft.texts.push((name, text));
    Ok(())
}

fn object<'v>(name: &'static str, value: Value<'v>) -> Result<&'v str, Violation> {
    of_kind(name, value, Kind::Object, "an object")
}

/// The members of a workflow; none of them may be `null`. `n` is the name, `v` the value, `d` the
/// draft it goes to.
#[rustfmt::skip]
pub(super) const WORKFLOW: &[Field<Draft>] = &[
    required("workflow_name", text),
    required("version", text),
    required("name", text),
    required("description", text),
    required("content", text),
    required("content_hash", text),
    required("execution_engine", text),
    required("status", text),
    required("owner", text),
    required("maintainer", text),
    required("container_image", text),
    required("container_digest", text),
    required("previous_version", text),
    required("version_notes", text),
    required("change_summary", text),
    required("approved_by", text),
    required("created_by", text),
    required("parameters", |n, v, d| object(n, v).map(|text| d.parameters = Some(JsonObject::from_checked_text(text)))),
    required("labels", |n, v, d| object(n, v).map(|text| d.labels = Some(text.into()))),
    required("custom_labels", |n, v, d| object(n, v).map(|text| d.custom_labels = Some(text.into()))),
    required("detected_labels", |n, v, d| object(n, v).map(|text| d.detected_labels = Some(text.into()))),
    required("approved_at", |n, v, d| date_time(n, v).map(|at| d.approved_at = Some(at))),
    required("expected_success_rate", |n, v, d| of_kind(n, v, Kind::Number, "a number").map(|text| d.expected_success_rate = Some(text.into()))),
    required("expected_duration_seconds", |n, v, d| integer(n, v).map(|number| d.expected_duration_seconds = Some(number))),
];

/// Checks the length of a text.
pub(super) fn check_text(
    field: &TextField,
    text: &str,
    may_be_empty: bool,
    found: &mut Violations,
) {
    if text.is_empty() {
        if field.required && !may_be_empty {
            let message = format!("{} is required", field.name);
            let violation = Violation::of_field(field.name, Rule::Empty, message);
            found.add(violation.measured(1, 0));
        }
        return;
    }
    let chars_max = field.chars_max.unwrap_or(usize::MAX);
    // The byte length bounds the number of characters, and is free.
    let chars = match text.len() > chars_max || field.name == HASH {
        true => text.chars().count(),
        false => return,
    };
    // A hash has one length.
    let (rule, word) = match chars {
        _ if chars > chars_max => (Rule::TooLong, "maximum"),
        _ if chars < chars_max && field.name == HASH => (Rule::Format, "minimum"),
        _ => return,
    };
    let message = format!("{word} string length is {chars_max}");
    let violation = Violation::of_field(field.name, rule, message);
    found.add(violation.measured(chars_max, chars));
}

const HASH: &str = "content_hash";
