//! A batch of workflows: an array whose items are judged one by one.

use ds_domain::limit::BATCH_WORKFLOWS_MAX;

use super::{ValidWorkflow, parse_workflow};
use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    json::{Reader, Stop},
};

/// Reads and checks a JSON array of workflows. What is wrong with one is no fault of the others; only
/// what is wrong with the array is.
pub fn parse_workflow_batch(
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<Result<ValidWorkflow, Violations>>, Rejection> {
    let mut reader = Reader::new(body, limits)?;
    let items = match items(&mut reader) {
        Ok(items) => items?,
        Err(Stop::Syntax(error)) => return Err(error.into()),
        // Of a batch as a whole only the nesting is bounded here.
        Err(Stop::Bound) => return Err(reader.take_found().into()),
    };
    let read = |item: &str| match parse_workflow(item.as_bytes(), limits) {
        Ok(workflow) => Ok(Ok(workflow)),
        Err(Rejection::Invalid(violations)) => Ok(Err(violations)),
        Err(malformed @ Rejection::Malformed(_)) => Err(malformed),
    };
    items.into_iter().map(read).collect()
}

/// The texts of the items.
fn items<'b>(reader: &mut Reader<'b>) -> Result<Result<Vec<&'b str>, Violations>, Stop> {
    if reader.peek()? != b'[' {
        reader.value()?;
        reader.end()?;
        return Ok(Err(wrong(Rule::Type, "value must be an array").into()));
    }
    reader.open(b'[')?;
    let mut items = Vec::new();
    while reader.next_item(items.is_empty())? {
        if items.len() == BATCH_WORKFLOWS_MAX {
            let message = format!("maximum number of items is {BATCH_WORKFLOWS_MAX}");
            let violation = wrong(Rule::BatchTooLarge, message);
            let measured = violation.measured(BATCH_WORKFLOWS_MAX, BATCH_WORKFLOWS_MAX + 1);
            return Ok(Err(measured.into()));
        }
        items.push(reader.value()?.text);
        // It is found again, and said, when the item is read by itself.
        reader.take_found();
    }
    reader.end()?;
    Ok(match items.is_empty() {
        true => Err(wrong(Rule::EmptyBatch, "batch cannot be empty").into()),
        false => Ok(items),
    })
}

fn wrong(rule: Rule, message: impl Into<String>) -> Violation {
    Violation::at(String::new(), "body", rule, message)
}
