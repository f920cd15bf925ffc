//! A batch of events: an array whose events are judged together.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Limits, Rejection, Rule, ValidEvent, Violation, Violations, decode, envelope,
    json::{Reader, Stop},
};

/// Reads and checks a JSON array of events; every violation of every event is reported.
pub fn parse_batch(
    body: &[u8],
    now: Timestamp,
    limits: &Limits,
) -> Result<Vec<ValidEvent>, Rejection> {
    let mut reader = Reader::new(body, limits)?;
    let mut batch = Batch {
        events: Vec::new(),
        found: Violations::default(),
    };
    match batch.read(&mut reader, now, limits) {
        Ok(()) => {}
        Err(Stop::Syntax(error)) => return Err(error.into()),
        Err(Stop::Bound) => {
            batch
                .found
                .add_in_event(batch.events.len(), reader.take_found());
            return Err(batch.found.into());
        }
    }
    if batch.found.is_empty() && batch.events.is_empty() {
        let message = "batch cannot be empty";
        batch.found.add(Violation::at(
            String::new(),
            "body",
            Rule::EmptyBatch,
            message,
        ));
    }
    let events: Vec<ValidEvent> = batch.events.into_iter().flatten().collect();
    if batch.found.is_empty() {
        check_identities(&events, &mut batch.found);
    }
    if batch.found.is_empty() {
        Ok(events)
    } else {
        Err(batch.found.into())
    }
}

/// The events read so far, `None` where one is invalid, and what is wrong.
struct Batch {
    events: Vec<Option<ValidEvent>>,
    found: Violations,
}

impl Batch {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<(), Stop> {
        if reader.peek()? != b'[' {
            reader.value()?;
            reader.end()?;
            let violation =
                Violation::at(String::new(), "body", Rule::Type, "value must be an array");
            self.found.add(violation);
            return Ok(());
        }
        reader.open(b'[')?;
        while reader.next_item(self.events.is_empty())? {
            if self.events.len() == limits.batch_events_max {
                self.refuse_more(limits.batch_events_max);
                return Err(Stop::Bound);
            }
            let read = decode::event(reader, limits)?;
            let found = reader.take_found();
            match envelope::check(read, found, now, limits) {
                Ok(event) => self.events.push(Some(event)),
                Err(found) => {
                    self.found.add_in_event(self.events.len(), found);
                    self.events.push(None);
                }
            }
        }
        reader.end()
    }

    fn refuse_more(&mut self, events_max: usize) {
        let message = format!("maximum number of items is {events_max}");
        let violation = Violation::at(String::new(), "body", Rule::BatchTooLarge, message);
        self.found
            .add(violation.measured(events_max, events_max + 1));
    }
}

/// Ids are unique within a batch, and parents inside it form no circle.
fn check_identities(events: &[ValidEvent], found: &mut Violations) {
    let mut positions: HashMap<Uuid, usize> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        let Some(id) = event.sender_event_id() else {
            continue;
        };
        if positions.insert(id, index).is_some() {
            let message = "another event of the batch has the same id";
            let violation = Violation::of_field("event_id", Rule::DuplicateId, message);
            found.add(violation.in_event(index));
        }
    }
    let parent = |index: usize| {
        let id = events.get(index)?.parent_event_id()?;
        positions.get(&id).copied()
    };
    let mut is_settled = vec![false; events.len()];
    for start in 0..events.len() {
        let mut trail = Vec::new();
        let mut at = Some(start);
        while let Some(index) = at.filter(|index| !is_settled[*index]) {
            if trail.contains(&index) {
                let message = "parents of the batch form a circle";
                let violation = Violation::of_field("parent_event_id", Rule::ParentCycle, message);
                found.add(violation.in_event(index));
                break;
            }
            trail.push(index);
            at = parent(index);
        }
        for index in trail {
            is_settled[index] = true;
        }
    }
}

#[cfg(test)]
mod tests;
