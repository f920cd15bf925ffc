//! The notifications of the store in memory.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use ds_domain::notification::{Notification, StoredDelivery, StoredNotification};
use ds_repository::{Inserted, error::InsertError};
use ds_validation::{ValidDelivery, ValidNotification};
use jiff::Timestamp;

use super::{MemoryStore, Mood, cause, check};
use crate::port::NotificationStore;

/// Notifications, and the history of each.
#[derive(Default)]
pub(super) struct Records {
    notifications: HashMap<String, StoredNotification>,
    deliveries: HashMap<(String, i32), StoredDelivery>,
}

impl MemoryStore {
    /// The notification of this name.
    pub fn notification(&self, name: &str) -> Option<Notification> {
        let records = self.records();
        let stored = records.notifications.get(name);
        stored.map(|stored| stored.notification.clone())
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        let records = self.0.records.lock();
        records.unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotificationStore for MemoryStore {
    async fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, InsertError> {
        check_insert(self.mood().await)?;
        let new = notification.notification();
        let mut records = self.records();
        if let Some(old) = records.notifications.get(&new.notification_id) {
            return Ok(match notification.repeats(&old.notification) {
                true => Inserted::Before(old.clone()),
                false => Inserted::Taken(old.clone()),
            });
        }
        let stored = StoredNotification {
            id: i64::try_from(records.notifications.len()).unwrap_or(i64::MAX - 1) + 1,
            notification: new.clone(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let name = new.notification_id.clone();
        records.notifications.insert(name, stored.clone());
        Ok(Inserted::Now(stored))
    }

    async fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, InsertError> {
        check_insert(self.mood().await)?;
        let new = delivery.delivery();
        let mut records = self.records();
        if !records.notifications.contains_key(notification_id) {
            return Ok(None);
        }
        let name = (notification_id.to_owned(), new.attempt);
        if let Some(old) = records.deliveries.get(&name) {
            return Ok(Some(match delivery.repeats(&old.delivery) {
                true => Inserted::Before(old.clone()),
                false => Inserted::Taken(old.clone()),
            }));
        }
        let stored = StoredDelivery {
            delivery: new.clone(),
            recorded_at: Timestamp::UNIX_EPOCH,
        };
        records.deliveries.insert(name, stored.clone());
        Ok(Some(Inserted::Now(stored)))
    }
}

fn check_insert(mood: Mood) -> Result<(), InsertError> {
    match mood {
        Mood::Refusing => Err(InsertError::Refused {
            column: Some("recipient".to_owned()),
            cause: Arc::new(cause()),
        }),
        Mood::WithoutNotifications => Ok(check(Mood::Away)?),
        Mood::Well
        | Mood::Away
        | Mood::Hanging
        | Mood::Broken
        | Mood::Without(_)
        | Mood::WithoutWorkflows
        | Mood::Panicking => Ok(check(mood)?),
    }
}
