//! Several actions in one body.

use std::collections::HashSet;

use ds_domain::limit::BATCH_ACTIONS_MAX;
use jiff::Timestamp;

use super::{ValidAction, check_action, draft, parse_action};
use crate::{
    Limits, Rejection, Rule, Violation, Violations, form,
    json::{Reader, Stop},
};

/// What a body held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Actions {
    /// One object.
    One(Box<ValidAction>),
    /// An array: all of it is recorded, or nothing.
    Batch(Vec<ValidAction>),
}

/// Reads and checks one action, or an array of them.
pub fn parse_actions(body: &[u8], now: Timestamp, limits: &Limits) -> Result<Actions, Rejection> {
    let mut reader = Reader::new(body, limits)?;
    let is_batch = matches!(reader.peek(), Ok(b'['));
    if !is_batch {
        let action = parse_action(body, now, limits)?;
        return Ok(Actions::One(Box::new(action)));
    }
    let mut batch = Batch::default();
    match batch.read(&mut reader, now, limits) {
        Ok(()) => {}
        Err(Stop::Syntax(error)) => return Err(error.into()),
        Err(Stop::Bound) => batch.found.add_in_event(batch.length, reader.take_found()),
    }
    batch.check_ids();
    if batch.found.is_empty() && batch.length == 0 {
        let message = "batch cannot be empty";
        let violation = Violation::at(String::new(), "body", Rule::EmptyBatch, message);
        batch.found.add(violation);
    }
    match batch.found.is_empty() {
        true => Ok(Actions::Batch(batch.actions)),
        false => Err(batch.found.into()),
    }
}

/// The actions read so far, how many there were with those that are not valid, and what is wrong.
#[derive(Default)]
struct Batch {
    actions: Vec<ValidAction>,
    /// Where each of `actions` stands.
    positions: Vec<usize>,
    length: usize,
    found: Violations,
}

impl Batch {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<(), Stop> {
        reader.open(b'[')?;
        while reader.next_item(self.length == 0)? {
            if self.length == BATCH_ACTIONS_MAX {
                let message = format!("maximum number of items is {BATCH_ACTIONS_MAX}");
                let violation = Violation::at(String::new(), "body", Rule::BatchTooLarge, message);
                let violation = violation.measured(BATCH_ACTIONS_MAX, BATCH_ACTIONS_MAX + 1);
                self.found.add(violation);
                return Err(Stop::Bound);
            }
            reader.peek()?;
            let start = reader.at;
            let (draft, shape) = form::object(reader, draft::ACTION)?;
            let text = reader.since(start);
            let mut found = reader.take_found();
            found.append(shape);
            match check_action(draft, Some(text), found, now, limits) {
                Ok(action) => {
                    self.actions.push(action);
                    self.positions.push(self.length);
                }
                Err(found) => self.found.add_in_event(self.length, found),
            }
            self.length += 1;
        }
        reader.end()
    }

    /// Ids are unique within a batch.
    fn check_ids(&mut self) {
        let mut seen = HashSet::with_capacity(self.actions.len());
        for (valid, position) in self.actions.iter().zip(&self.positions) {
            if !seen.insert(valid.action.action_id.as_str()) {
                let message = "another action of the batch has the same id";
                let violation = Violation::of_field("action_id", Rule::DuplicateId, message);
                self.found.add(violation.in_event(*position));
            }
        }
    }
}
