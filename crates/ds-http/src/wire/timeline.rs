//! The JSON of one remediation's timeline.

use std::{collections::BTreeMap, io::Write};

use ds_domain::event::StoredEvent;
use ds_repository::timeline::{Children, Summary, Timeline};
use jiff::Timestamp;
use serde::Serialize;

use super::{event, list};
use crate::problem::Problem;

/// One remediation: what it is in all, and a part of its events, the earliest first.
pub(crate) struct Correlation<'t> {
    head: Head<'t>,
    found: &'t Timeline,
    pagination: Forward,
}

/// What it is in all.
#[derive(Serialize)]
struct Head<'t> {
    correlation_id: &'t str,
    total: u64,
    first_event_at: Timestamp,
    last_event_at: Timestamp,
    by_category: BTreeMap<&'static str, u64>,
    by_outcome: BTreeMap<&'static str, u64>,
}

/// Where a part stands in the whole, which is read forward only.
#[derive(Serialize)]
struct Forward {
    limit: u16,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Room for what is said beside the events.
const ROOM: usize = 4096;

/// An event without children.
static CHILDLESS: Children = Children {
    count: 0,
    ids: Vec::new(),
};

impl<'t> Correlation<'t> {
    /// The answer for what was `found` of at most `limit` events; `next` leads on.
    pub(crate) fn new(
        correlation_id: &'t str,
        found: &'t Timeline,
        limit: u16,
        next: Option<String>,
    ) -> Self {
        let Summary {
            events,
            first,
            last,
            by_category,
            by_outcome,
        } = &found.summary;
        Self {
            head: Head {
                correlation_id,
                total: *events,
                first_event_at: *first,
                last_event_at: *last,
                by_category: by_category
                    .iter()
                    .map(|(word, n)| (word.as_str(), *n))
                    .collect(),
                by_outcome: by_outcome
                    .iter()
                    .map(|(word, n)| (word.as_str(), *n))
                    .collect(),
            },
            found,
            pagination: Forward {
                limit,
                has_more: found.has_more,
                next,
            },
        }
    }

    /// The text of the answer.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::with_capacity(event::room_for(&self.found.events) + ROOM);
        serde_json::to_writer(&mut out, &self.head).map_err(Problem::unwritable)?;
        // The object goes on.
        out.pop();
        out.extend_from_slice(b",\"data\":");
        list(&mut out, &self.found.events, |out, stored| {
            let children = self.found.children.get(&stored.event.event_id);
            moment(out, stored, children.unwrap_or(&CHILDLESS));
        });
        out.extend_from_slice(b",\"pagination\":");
        serde_json::to_writer(&mut out, &self.pagination).map_err(Problem::unwritable)?;
        out.push(b'}');
        Ok(out)
    }
}

/// An event, and what it led to.
fn moment(out: &mut Vec<u8>, stored: &StoredEvent, children: &Children) {
    event::open_event(out, stored);
    // Writing to memory does not fail.
    let _ = write!(
        out,
        ",\"child_count\":{},\"child_event_ids\":",
        children.count
    );
    list(out, &children.ids, |out, id| {
        let _ = write!(out, "\"{id}\"");
    });
    out.push(b'}');
}
