//! Parents: a claimed parent must exist, in the store or in the same batch, before its child.

use std::collections::HashMap;

use ds_domain::event::Parent;
use ds_repository::error::StoreError;
use ds_validation::{Rule, ValidEvent, Violation, Violations};
use uuid::Uuid;

use crate::{port::EventStore, recent::RecentEvents};

/// The parents that the events of one request may name.
pub(crate) struct Parents(HashMap<Uuid, Parent>);

impl Parents {
    /// Finds the parents of `events`: first among `events` themselves, then among those that were
    /// accepted lately, then in the store.
    pub(crate) async fn find(
        store: &impl EventStore,
        recent: &RecentEvents,
        events: &[ValidEvent],
    ) -> Result<Self, StoreError> {
        let mut missing: Vec<Uuid> = events
            .iter()
            .filter_map(ValidEvent::parent_event_id)
            .collect();
        if missing.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let siblings = events.iter().filter_map(|event| {
            let id = event.sender_event_id()?;
            Some((
                id,
                Parent {
                    id,
                    date: event.event_date(),
                },
            ))
        });
        let mut parents: HashMap<Uuid, Parent> = siblings.collect();
        missing.sort_unstable();
        missing.dedup();
        missing.retain(|id| !parents.contains_key(id));
        missing.retain(|id| match recent.find(*id) {
            Some(parent) => {
                parents.insert(*id, parent);
                false
            }
            None => true,
        });
        if !missing.is_empty() {
            let stored = store.find_parents(&missing).await?;
            parents.extend(stored.into_iter().map(|parent| (parent.id, parent)));
        }
        Ok(Self(parents))
    }

    /// Whether some of `events` name a parent that was found nowhere.
    pub(crate) fn are_missing(&self, events: &[ValidEvent]) -> bool {
        let named = events.iter().filter_map(ValidEvent::parent_event_id);
        named.into_iter().any(|id| !self.0.contains_key(&id))
    }

    /// The parent of `event`, or what is wrong with the claim.
    pub(crate) fn of(&self, event: &ValidEvent) -> Result<Option<Parent>, Violation> {
        let Some(id) = event.parent_event_id() else {
            return Ok(None);
        };
        let Some(parent) = self.0.get(&id) else {
            let message = "parent event does not exist";
            return Err(Violation::of_field(
                "parent_event_id",
                Rule::ParentNotFound,
                message,
            ));
        };
        match event.parent_event_date() {
            Some(claimed) if claimed != parent.date => {
                let message = "parent event does not exist on this date";
                Err(Violation::of_field(
                    "parent_event_date",
                    Rule::ParentNotFound,
                    message,
                ))
            }
            Some(_) | None => Ok(Some(*parent)),
        }
    }

    /// The parent of each event, or everything that is wrong, by index when it is a batch.
    pub(crate) fn of_all(
        &self,
        events: &[ValidEvent],
        is_batch: bool,
    ) -> Result<Vec<Option<Parent>>, Violations> {
        let mut found = Violations::default();
        let mut parents = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            match self.of(event) {
                Ok(parent) => parents.push(parent),
                Err(violation) if is_batch => found.add(violation.in_event(index)),
                Err(violation) => found.add(violation),
            }
        }
        if found.is_empty() {
            Ok(parents)
        } else {
            Err(found)
        }
    }
}
