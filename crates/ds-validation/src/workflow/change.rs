//! Changes of a workflow in the catalogue.

use ds_domain::{
    limit::{TextField, WORKFLOW_CHANGE_TEXT_FIELDS},
    workflow::{Change, WorkflowStatus},
};

use super::{draft::check_text, status};
use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    form::{self, Field, nullable},
    json::Value,
    member::string,
};

/// A change that was read but not yet checked.
#[derive(Debug, Default)]
struct Draft {
    status: Option<String>,
    status_reason: Option<String>,
    disabled_by: Option<String>,
    disabled_reason: Option<String>,
    deprecation_notice: Option<String>,
    updated_by: Option<String>,
}

type Read = Result<(), Violation>;

/// What the service says about a version cannot be changed either.
fn own(name: &'static str, _: Value<'_>, _: &mut Draft) -> Read {
    let message = format!("{name} cannot be changed: the service sets it");
    Err(Violation::of_field(name, Rule::Immutable, message))
}

/// What a version is cannot be changed. `null` changes nothing, and is let pass.
fn immutable(name: &'static str, _: Value<'_>, _: &mut Draft) -> Read {
    let message = format!("{name} cannot be changed: create a new version instead");
    Err(Violation::of_field(name, Rule::Immutable, message))
}

fn text(name: &'static str, value: Value<'_>, into: &mut Option<String>) -> Read {
    *into = Some(string(name, value)?.into_owned()).filter(|text| !text.is_empty());
    Ok(())
}

/// The members of a change. `n` is the name, `v` the value, `d` the draft it goes to.
#[rustfmt::skip]
const CHANGE: &[Field<Draft>] = &[
    nullable("status", |n, v, d| string(n, v).map(|word| d.status = Some(word.into()))),
    nullable("status_reason", |n, v, d| text(n, v, &mut d.status_reason)),
    nullable("disabled_by", |n, v, d| text(n, v, &mut d.disabled_by)),
    nullable("disabled_reason", |n, v, d| text(n, v, &mut d.disabled_reason)),
    nullable("deprecation_notice", |n, v, d| text(n, v, &mut d.deprecation_notice)),
    nullable("updated_by", |n, v, d| text(n, v, &mut d.updated_by)),
    nullable("workflow_name", immutable),
    nullable("version", immutable),
    nullable("name", immutable),
    nullable("description", immutable),
    nullable("owner", immutable),
    nullable("maintainer", immutable),
    nullable("content", immutable),
    nullable("content_hash", immutable),
    nullable("parameters", immutable),
    nullable("execution_engine", immutable),
    nullable("container_image", immutable),
    nullable("container_digest", immutable),
    nullable("labels", immutable),
    nullable("custom_labels", immutable),
    nullable("detected_labels", immutable),
    nullable("previous_version", immutable),
    nullable("version_notes", immutable),
    nullable("change_summary", immutable),
    nullable("approved_by", immutable),
    nullable("approved_at", immutable),
    nullable("expected_success_rate", immutable),
    nullable("expected_duration_seconds", immutable),
    nullable("created_by", immutable),
    nullable("workflow_id", own),
    nullable("is_latest_version", own),
    nullable("disabled_at", own),
    nullable("actual_success_rate", own),
    nullable("total_executions", own),
    nullable("successful_executions", own),
    nullable("created_at", own),
    nullable("updated_at", own),
];

/// The members of what disables or enables a workflow.
#[rustfmt::skip]
const SWITCH: &[Field<Draft>] = &[
    nullable("reason", |n, v, d| text(n, v, &mut d.status_reason)),
    nullable("updated_by", |n, v, d| text(n, v, &mut d.updated_by)),
];

/// Reads and checks the change of a workflow.
pub fn parse_workflow_change(body: &[u8], limits: &Limits) -> Result<Change, Rejection> {
    form::parse(body, limits, CHANGE, |draft, mut found| {
        let fields = [
            ("status_reason", &draft.status_reason),
            ("disabled_by", &draft.disabled_by),
            ("disabled_reason", &draft.disabled_reason),
            ("deprecation_notice", &draft.deprecation_notice),
            ("updated_by", &draft.updated_by),
        ];
        for (name, given) in fields {
            check(name, name, given.as_deref(), &mut found);
        }
        let word = draft.status.as_deref();
        let status = word.and_then(|word| status(word, &mut found));
        judge(found)?;
        Ok(Change {
            status,
            status_reason: draft.status_reason,
            disabled_by: draft.disabled_by,
            disabled_reason: draft.disabled_reason,
            deprecation_notice: draft.deprecation_notice,
            updated_by: draft.updated_by,
        })
    })
}

/// Reads and checks what disables a workflow. An empty body, or `null`, gives no reason.
pub fn parse_workflow_disabling(body: &[u8], limits: &Limits) -> Result<Change, Rejection> {
    let draft = parse_switch(body, limits)?;
    Ok(Change {
        status: Some(WorkflowStatus::Disabled),
        status_reason: draft.status_reason.clone(),
        disabled_by: draft.updated_by.clone(),
        disabled_reason: draft.status_reason,
        updated_by: draft.updated_by,
        ..Change::default()
    })
}

/// Reads and checks what enables a workflow, likewise.
pub fn parse_workflow_enabling(body: &[u8], limits: &Limits) -> Result<Change, Rejection> {
    let draft = parse_switch(body, limits)?;
    Ok(Change {
        status: Some(WorkflowStatus::Active),
        status_reason: draft.status_reason,
        updated_by: draft.updated_by,
        ..Change::default()
    })
}

fn parse_switch(body: &[u8], limits: &Limits) -> Result<Draft, Rejection> {
    if matches!(body.trim_ascii(), b"" | b"null") {
        return Ok(Draft::default());
    }
    form::parse(body, limits, SWITCH, |draft, mut found| {
        let (reason, who) = (draft.status_reason.as_deref(), draft.updated_by.as_deref());
        check("reason", "status_reason", reason, &mut found);
        check("updated_by", "updated_by", who, &mut found);
        judge(found)?;
        Ok(draft)
    })
}

/// Checks the member `name`, which goes to `column`.
fn check(name: &'static str, column: &str, given: Option<&str>, found: &mut Violations) {
    let mut fields = WORKFLOW_CHANGE_TEXT_FIELDS.iter();
    let field = fields.find(|field| field.column == column);
    if let (Some(text), Some(field)) = (given, field) {
        check_text(&TextField { name, ..*field }, text, true, found);
    }
}

fn judge(mut found: Violations) -> Result<(), Violations> {
    if found.is_empty() {
        return Ok(());
    }
    found.sort();
    Err(found)
}
