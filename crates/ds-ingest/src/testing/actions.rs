//! The actions of the store in memory.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
};

use ds_domain::{
    action::{Action, ActionUpdate, StoredAction},
    month::Month,
};
use ds_repository::{
    ActionKept, Appended, UpdateError,
    error::{AppendError, InsertError, StoreError},
};
use ds_validation::ValidAction;
use jiff::Timestamp;

use super::{MemoryStore, Mood, cause, check};
use crate::{months::Monthly, port::ActionStore};

/// Actions: as they were recorded, and as they are now.
pub(super) type ActionRecords = HashMap<String, (Action, StoredAction)>;

impl MemoryStore {
    /// How many actions it holds.
    pub fn actions(&self) -> usize {
        self.action_records().len()
    }

    /// How often it was asked to store or change actions.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn action_records(&self) -> MutexGuard<'_, ActionRecords> {
        let actions = self.0.actions.lock();
        actions.unwrap_or_else(PoisonError::into_inner)
    }

    async fn action_mood(&self) -> Mood {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.mood().await
    }

    fn insert_group(&self, group: &[ValidAction]) -> Result<Vec<ActionKept>, AppendError> {
        let mut stored = self.action_records();
        let is_taken = |valid: &ValidAction| {
            let old = stored.get(&valid.action().action_id);
            old.is_some_and(|(first, _)| first != valid.action())
        };
        let taken = group
            .iter()
            .enumerate()
            .filter(|(_, valid)| is_taken(valid));
        let positions: Vec<usize> = taken.map(|(at, _)| at).collect();
        if !positions.is_empty() {
            return Err(AppendError::Conflict { positions });
        }
        let keep = |valid: &ValidAction| {
            let action = valid.action();
            let id = i64::try_from(stored.len()).unwrap_or(i64::MAX - 1) + 1;
            let mut appended = Appended::Before;
            let (_, kept) = stored.entry(action.action_id.clone()).or_insert_with(|| {
                appended = Appended::Now;
                let stored = StoredAction {
                    id,
                    action: action.clone(),
                    revision: 0,
                    created_at: Timestamp::UNIX_EPOCH,
                    updated_at: Timestamp::UNIX_EPOCH,
                };
                (action.clone(), stored)
            });
            ActionKept {
                id: kept.id,
                created_at: kept.created_at,
                appended,
            }
        };
        Ok(group.iter().map(keep).collect())
    }
}

impl ActionStore for MemoryStore {
    async fn insert_actions(
        &self,
        groups: &[&[ValidAction]],
    ) -> Vec<Result<Vec<ActionKept>, AppendError>> {
        let mood = self.action_mood().await;
        let insert = |group: &&[ValidAction]| {
            check(mood)?;
            let falls_into = |month| move |valid: &ValidAction| valid.month() == month;
            match mood {
                Mood::Without(month) if group.iter().any(falls_into(month)) => {
                    let cause = Arc::new(cause());
                    Err(AppendError::Partition { month, cause })
                }
                Mood::Refusing => Err(AppendError::Refused {
                    column: Some("signal_name".to_owned()),
                    cause: Arc::new(cause()),
                }),
                Mood::Well
                | Mood::Away
                | Mood::Hanging
                | Mood::Broken
                | Mood::Without(_)
                | Mood::WithoutNotifications
                | Mood::WithoutWorkflows
                | Mood::Panicking => self.insert_group(group),
            }
        };
        groups.iter().map(insert).collect()
    }

    async fn ensure_action_partition(&self, _: Month) -> Result<bool, StoreError> {
        let mood = self.mood().await;
        if matches!(mood, Mood::Without(_)) {
            // What is detached nobody but an operator brings back.
            return Err(StoreError::Internal(Arc::new(cause())));
        }
        check(mood).map(|()| false)
    }

    async fn update_action(
        &self,
        action_id: &str,
        update: &ActionUpdate,
    ) -> Result<StoredAction, UpdateError> {
        check(self.action_mood().await).map_err(InsertError::from)?;
        let mut actions = self.action_records();
        let (_, stored) = actions.get_mut(action_id).ok_or(UpdateError::Unknown)?;
        let old = stored.action.execution_status;
        let next = update.execution_status.unwrap_or(old);
        if next != old && !old.can_become(next) {
            return Err(UpdateError::Backward);
        }
        stored.action.execution_status = next;
        Ok(stored.clone())
    }
}
