//! Events that this process accepted lately: the parents that most children name.
//!
//! It spares them a look into the store, and lets them in while the store is away or their parent
//! still waits in a backlog.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use ds_domain::event::Parent;
use ds_validation::NewEvent;
use jiff::civil::Date;
use uuid::Uuid;

/// Most events that are remembered of one generation; there are two. Together they take about four
/// megabytes when they are full.
const EVENTS_MAX: usize = 32_768;

/// The memory. When the young generation is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(crate) struct RecentEvents(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Uuid, Date>,
    old: HashMap<Uuid, Date>,
}

impl RecentEvents {
    /// Remembers accepted events.
    pub(crate) fn note(&self, events: &[NewEvent]) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events.iter().map(NewEvent::event) {
            if generations.young.len() >= EVENTS_MAX {
                generations.old = mem::take(&mut generations.young);
            }
            generations.young.insert(event.event_id, event.event_date());
        }
    }

    /// The event `id` as a parent, if it is remembered.
    pub(crate) fn find(&self, id: Uuid) -> Option<Parent> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let date = generations.young.get(&id);
        let date = *date.or_else(|| generations.old.get(&id))?;
        Some(Parent { id, date })
    }
}

#[cfg(test)]
mod tests {
    use ds_validation::{Limits, parse_event};
    use jiff::Timestamp;

    use super::*;
    use crate::testing::event_body;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let body = event_body(now, "");
        let valid = parse_event(body.as_bytes(), now, &Limits::default()).unwrap();
        let recent = RecentEvents::default();
        let last = 3 * EVENTS_MAX as u128;
        for n in 1..=last {
            let event = valid.clone().identify(|| Uuid::from_u128(n), None);
            recent.note(std::slice::from_ref(&event));
        }
        assert_eq!(recent.find(Uuid::from_u128(1)), None);
        for n in [last - EVENTS_MAX as u128, last] {
            let found = recent.find(Uuid::from_u128(n)).map(|parent| parent.date);
            assert_eq!(found, Some(jiff::civil::date(2026, 11, 21)), "{n}");
        }
    }
}
