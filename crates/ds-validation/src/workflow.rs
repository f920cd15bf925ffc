//! Workflows for the catalogue: bytes → valid workflow, or everything that is wrong with it.
//!
//! Their content is hashed by whoever writes them, so nothing is ever taken out of it: secrets and
//! markup are reported beside it. The words of refusals are those of the first contract.

mod batch;
mod change;
mod draft;
mod executions;
mod hash;
mod query;
mod screening;

use ds_domain::{
    label::{CustomLabels, DetectedLabels, MandatoryLabels},
    limit::{WORKFLOW_DURATION_SECONDS_MAX, WORKFLOW_HASH_CHARS, WORKFLOW_TEXT_FIELDS},
    time::truncate_to_micros,
    workflow::{Rate, Workflow, WorkflowStatus},
};

use crate::{
    Limits, Rejection, Rule, Screening, Violation, Violations, form,
    json::{Kind, Members, Value},
    label::{self, Place, Side, known},
};

pub use batch::parse_workflow_batch;
pub use change::{parse_workflow_change, parse_workflow_disabling, parse_workflow_enabling};
use draft::{Draft, WORKFLOW, check_text};
pub use executions::parse_executions;
pub use hash::HashMode;
pub use query::{WorkflowQuery, parse_workflow_query};

/// A workflow that passed every rule. Only [`parse_workflow`] and [`parse_workflow_batch`] make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidWorkflow {
    workflow: Workflow,
    warnings: Vec<Violation>,
    screening: Screening,
}

impl ValidWorkflow {
    /// The workflow.
    pub fn workflow(&self) -> &Workflow {
        &self.workflow
    }

    /// What is wrong with it, but no reason to refuse it.
    pub fn warnings(&self) -> &[Violation] {
        &self.warnings
    }

    /// Markup and SQL that were found in its texts. Nothing is taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// Reads and checks one workflow.
pub fn parse_workflow(body: &[u8], limits: &Limits) -> Result<ValidWorkflow, Rejection> {
    form::parse(body, limits, WORKFLOW, |draft, found| {
        check(draft, found, limits)
    })
}

fn check(
    draft: Draft,
    mut found: Violations,
    limits: &Limits,
) -> Result<ValidWorkflow, Violations> {
    // A body that is no object has no members to be missing.
    let valid = match found.has("") {
        true => None,
        false => complete(draft, limits, &mut found),
    };
    match valid {
        Some(valid) if found.is_empty() => Ok(valid),
        Some(_) | None => {
            found.sort();
            Err(found)
        }
    }
}

/// The members that must be there, in the order in which the first contract names them.
const REQUIRED: [&str; 9] = [
    "workflow_name",
    "version",
    "name",
    "description",
    "content",
    "content_hash",
    "labels",
    "execution_engine",
    "status",
];

/// What may be said with an empty text although it must be said.
const MAY_BE_EMPTY: &str = "execution_engine";

fn complete(mut draft: Draft, limits: &Limits, found: &mut Violations) -> Option<ValidWorkflow> {
    for name in REQUIRED {
        // A member of the wrong type is there.
        if !draft.has(name) && !found.has(&format!("/{name}")) {
            let message = format!("property \"{name}\" is missing");
            found.add(Violation::of_field(name, Rule::Required, message));
        }
    }
    for field in WORKFLOW_TEXT_FIELDS {
        if let Some(text) = draft.text(field.name) {
            check_text(field, text, field.name == MAY_BE_EMPTY, found);
        }
    }
    let status = read_status(&draft, found);
    check_digest(&draft, found);
    let labels = read_labels(&draft, found);
    let rate = draft.expected_success_rate.take();
    let expected_success_rate = rate.and_then(|text| read_rate(&text, found));
    let seconds = draft.expected_duration_seconds;
    let expected_duration_seconds = seconds.and_then(|number| read_seconds(number, found));
    let mut warnings = Violations::default();
    check_hash(&draft, limits, &mut warnings, found);
    if !found.is_empty() {
        return None;
    }
    let screening = screening::report(&draft, limits, &mut warnings);
    let (labels, custom_labels, detected_labels) = labels?;
    let workflow = Workflow {
        workflow_name: draft.take("workflow_name")?,
        version: draft.take("version")?,
        name: draft.take("name")?,
        description: draft.take("description")?,
        owner: draft.take("owner"),
        maintainer: draft.take("maintainer"),
        content: draft.take("content")?,
        content_hash: draft.take("content_hash")?,
        execution_engine: draft.take(MAY_BE_EMPTY).unwrap_or_default(),
        container_image: draft.take("container_image"),
        container_digest: draft.take("container_digest"),
        labels,
        custom_labels,
        detected_labels,
        status: status?,
        previous_version: draft.take("previous_version"),
        version_notes: draft.take("version_notes"),
        change_summary: draft.take("change_summary"),
        approved_by: draft.take("approved_by"),
        approved_at: draft.approved_at.map(truncate_to_micros),
        expected_success_rate,
        expected_duration_seconds,
        created_by: draft.take("created_by"),
        parameters: draft.parameters,
    };
    Some(ValidWorkflow {
        workflow,
        warnings: warnings.iter().cloned().collect(),
        screening,
    })
}

fn read_status(draft: &Draft, found: &mut Violations) -> Option<WorkflowStatus> {
    status(draft.text("status")?, found)
}

/// A status, or a report of which ones there are.
fn status(word: &str, found: &mut Violations) -> Option<WorkflowStatus> {
    let words = WorkflowStatus::ALL.iter().map(|word| word.as_str());
    let place = Place::of_field("status");
    known(WorkflowStatus::from_word(word), words, &place, found)
}

fn check_digest(draft: &Draft, found: &mut Violations) {
    let Some(digest) = draft.text("container_digest") else {
        return;
    };
    let hash = digest.strip_prefix("sha256:").unwrap_or_default();
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_digest = hash.len() == WORKFLOW_HASH_CHARS && hash.bytes().all(is_hex);
    if !digest.is_empty() && !is_digest {
        let message = "container_digest must be \"sha256:\" and 64 lower-case hexadecimal digits";
        let place = Place::of_field("container_digest");
        place.report(Rule::Format, message, found);
    }
}

fn read_labels(
    draft: &Draft,
    found: &mut Violations,
) -> Option<(MandatoryLabels, CustomLabels, DetectedLabels)> {
    fn object(text: &str) -> Value<'_> {
        let kind = Kind::Object;
        Value { kind, text }
    }
    let mandatory = draft.labels.as_deref().and_then(|text| {
        let members = Members::of(object(text))?;
        let place = Place::of_field("labels");
        label::mandatory(&members, Side::Workflow, &place, found)
    });
    let custom = draft.custom_labels.as_deref().map_or_else(
        || Some(CustomLabels::default()),
        |text| label::custom(object(text), &Place::of_field("custom_labels"), found),
    );
    let detected = draft.detected_labels.as_deref().map_or_else(
        || Some(DetectedLabels::default()),
        |text| label::detected(object(text), &Place::of_field("detected_labels"), found),
    );
    Some((mandatory?, custom?, detected?))
}

/// The nearest rate that can be stored.
fn read_rate(text: &str, found: &mut Violations) -> Option<Rate> {
    let number = text.parse::<f64>().ok()?;
    if !(0.0..=1.0).contains(&number) {
        let field = "expected_success_rate";
        found.add(Violation::of_number(field, number < 0.0, 0, 1));
        return None;
    }
    // Its digits without the point are thousandths.
    let thousandths = format!("{number:.3}").replace('.', "");
    Rate::from_thousandths(thousandths.parse().ok()?)
}

fn read_seconds(number: i64, found: &mut Violations) -> Option<i32> {
    let seconds = i32::try_from(number).ok().filter(|seconds| *seconds >= 0);
    if seconds.is_none() {
        let max = i64::from(WORKFLOW_DURATION_SECONDS_MAX);
        let field = "expected_duration_seconds";
        found.add(Violation::of_integer(field, number, 0, max));
    }
    seconds
}

/// Compares the hash with the content, once both are what they must be.
fn check_hash(draft: &Draft, limits: &Limits, warnings: &mut Violations, found: &mut Violations) {
    let (Some(content), Some(given)) = (draft.text("content"), draft.text("content_hash")) else {
        return;
    };
    let is_sound = !found.has("/content") && !found.has("/content_hash");
    let into = match limits.content_hash {
        HashMode::Off => return,
        HashMode::Warn => warnings,
        HashMode::Enforce => found,
    };
    if is_sound && !hash::is_of(given, content) {
        let message = "content_hash is not the SHA-256 of content";
        into.add(Violation::of_field(
            "content_hash",
            Rule::ContentHash,
            message,
        ));
    }
}

#[cfg(test)]
mod tests;
