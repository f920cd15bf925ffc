//! The JSON of one remediation's timeline.

use std::collections::BTreeMap;

use ds_repository::timeline::{Children, Summary, Timeline};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::EventElement;
use crate::problem::Problem;

/// One remediation: what it is in all, and a part of its events, the earliest first.
#[derive(Serialize)]
pub(crate) struct Correlation<'t> {
    correlation_id: &'t str,
    total: u64,
    first_event_at: Timestamp,
    last_event_at: Timestamp,
    by_category: BTreeMap<&'static str, u64>,
    by_outcome: BTreeMap<&'static str, u64>,
    data: Vec<Moment<'t>>,
    pagination: Forward,
}

/// An event, and what it led to.
#[derive(Serialize)]
struct Moment<'t> {
    #[serde(flatten)]
    event: EventElement<'t>,
    child_count: u64,
    child_event_ids: &'t [Uuid],
}

/// Where a part stands in the whole, which is read forward only.
#[derive(Serialize)]
struct Forward {
    limit: u16,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

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
    ) -> Result<Self, Problem> {
        let moment = |stored| {
            let event = EventElement::new(stored)?;
            let children = found.children.get(&stored.event.event_id);
            let children = children.unwrap_or(&CHILDLESS);
            Ok(Moment {
                event,
                child_count: children.count,
                child_event_ids: &children.ids,
            })
        };
        let Summary {
            events,
            first,
            last,
            by_category,
            by_outcome,
        } = &found.summary;
        Ok(Self {
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
            data: found
                .events
                .iter()
                .map(moment)
                .collect::<Result<_, Problem>>()?,
            pagination: Forward {
                limit,
                has_more: found.has_more,
                next,
            },
        })
    }
}
