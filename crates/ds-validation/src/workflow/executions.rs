//! Reports of how workflows ran.

use ds_domain::{
    limit::{EXECUTION_TEXT_FIELDS, EXECUTIONS_MAX},
    workflow::Executions,
};

use super::draft::check_text;
use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    form::{self, Field, nullable, required},
    member::{boolean, integer, string},
};

#[derive(Debug, Default)]
struct Draft {
    execution_id: Option<String>,
    succeeded: Option<bool>,
    count: Option<i64>,
}

/// The members of a report. `n` is the name, `v` the value, `d` the draft it goes to.
#[rustfmt::skip]
const REPORT: &[Field<Draft>] = &[
    required("succeeded", |n, v, d| boolean(n, v).map(|flag| d.succeeded = Some(flag))),
    nullable("count", |n, v, d| integer(n, v).map(|number| d.count = Some(number))),
    nullable("execution_id", |n, v, d| string(n, v).map(|text| d.execution_id = Some(text.into()))),
];

/// Reads and checks a report of runs.
pub fn parse_executions(body: &[u8], limits: &Limits) -> Result<Executions, Rejection> {
    form::parse(body, limits, REPORT, |draft, mut found| {
        let executions = match found.has("") {
            true => None,
            false => complete(draft, &mut found),
        };
        match executions {
            Some(executions) if found.is_empty() => Ok(executions),
            Some(_) | None => {
                found.sort();
                Err(found)
            }
        }
    })
}

fn complete(draft: Draft, found: &mut Violations) -> Option<Executions> {
    if draft.succeeded.is_none() && !found.has("/succeeded") {
        let message = "property \"succeeded\" is missing";
        found.add(Violation::of_field("succeeded", Rule::Required, message));
    }
    if let (Some(id), [field]) = (&draft.execution_id, EXECUTION_TEXT_FIELDS) {
        check_text(field, id, false, found);
        if id.is_empty() {
            let violation =
                Violation::of_field(field.name, Rule::Empty, "minimum string length is 1");
            found.add(violation.measured(1, 0));
        }
    }
    let count = draft.count.unwrap_or(1);
    let max = EXECUTIONS_MAX;
    let Some(count) = i32::try_from(count)
        .ok()
        .filter(|it| (1..=max).contains(it))
    else {
        found.add(Violation::of_integer("count", count, 1, max.into()));
        return None;
    };
    let successful = match draft.succeeded? {
        true => count,
        false => 0,
    };
    Some(Executions {
        execution_id: draft.execution_id,
        count,
        successful,
    })
}
