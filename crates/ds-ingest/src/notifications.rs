//! Notifications: few, one at a time, each under a name its sender chose.
//!
//! They take the way of events, store, queue, spool, refusal, but for the writers: a row that comes
//! seldom gains nothing from sharing a transaction. And a name that is taken is told to the sender
//! even if the record is the same: the first service does, and its clients take that as an answer.

use std::sync::Arc;

use ds_dlq::{Item, Parked, SharedError};
use ds_domain::{
    notification::{StoredDelivery, StoredNotification},
    time::Clock,
};
use ds_metrics::{BreakerName, Table, TraceStatus, catalog};
use ds_repository::{
    Inserted,
    error::{InsertError, StoreError},
};
use ds_validation::{
    Rejection, ValidDelivery, ValidNotification, parse_delivery, parse_notification,
};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    Ingest,
    group::GroupCommit,
    guard::{Guard, Unanswered},
    port::{NotificationStore, Ports},
    screened::Screened,
};

/// What the metrics call the sender of notifications.
const SERVICE: &str = "notification";

/// A notification that was accepted.
#[derive(Clone, Debug)]
pub enum NotificationRecorded {
    /// It is in the store.
    Stored(Box<StoredNotification>),
    /// It is in a backlog, from which it will be stored.
    Parked(Box<ValidNotification>),
}

/// Why a notification or a delivery was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The body is not valid.
    #[error("request is refused")]
    Rejected(#[from] Rejection),
    /// A record of this name is stored.
    #[error("record is stored already")]
    Taken {
        /// The name.
        name: String,
        /// Whether it is the same record.
        is_identical: bool,
    },
    /// There is no such notification.
    #[error("notification does not exist")]
    Unknown,
    /// The table refuses the row although it passed validation.
    #[error("store refuses the record")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the store said.
        #[source]
        cause: SharedError,
    },
    /// Neither the store nor a backlog could take it; later they may.
    #[error("record was not stored: no place takes it now")]
    Unavailable(#[source] SharedError),
    /// The store failed in a way that waiting does not mend.
    #[error("record was not stored: the store failed")]
    Internal(#[source] SharedError),
}

/// Why a delivery of an unknown notification is not refused for good.
#[derive(Debug, thiserror::Error)]
#[error("notification is not stored, and may be among those that wait to be")]
struct MayWait;

/// Why a record was not inserted.
#[derive(Clone, Debug)]
pub(crate) enum NotInserted {
    /// The table refuses the row: the sender's fault.
    Refused {
        column: Option<String>,
        cause: SharedError,
    },
    /// It cannot be stored at present.
    Unavailable(SharedError),
    /// The store failed for a reason that does not pass.
    Internal(SharedError),
}

/// The way to the tables of notifications, for clients and for backlogs.
pub(crate) struct Notifications<S> {
    store: Arc<S>,
    guard: Guard,
    /// The turn of a backlog: one at a time, so that clients find a connection.
    turn: Semaphore,
}

impl<S: NotificationStore> Notifications<S> {
    pub(crate) fn new(store: Arc<S>, group: Arc<GroupCommit>) -> Self {
        Self {
            store,
            guard: Guard::new(BreakerName::NotificationStore, group),
            turn: Semaphore::new(1),
        }
    }

    /// Stores a notification, unless the store failed lately.
    pub(crate) async fn insert(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, NotInserted> {
        self.ask(self.store.insert_notification(notification)).await
    }

    /// The same for a notification that has waited in a backlog.
    pub(crate) async fn replay(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, NotInserted> {
        // It is never closed.
        let _turn = self.turn.acquire().await.ok();
        self.insert(notification).await
    }

    /// Stores a delivery, likewise. `None` when there is no such notification.
    async fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, NotInserted> {
        let asking = self.store.insert_delivery(notification_id, delivery);
        self.ask(asking).await
    }

    /// Asks the store when it is worth it.
    async fn ask<T>(
        &self,
        asking: impl Future<Output = Result<T, InsertError>>,
    ) -> Result<T, NotInserted> {
        let asked = self.guard.ask(asking, is_away).await;
        asked.map_err(|unanswered| match unanswered {
            Unanswered::Unasked(cause) => NotInserted::Unavailable(cause),
            Unanswered::Failed(error) => error.into(),
        })
    }
}

/// Whether the store may take the record later.
pub(crate) fn is_away(error: &InsertError) -> bool {
    matches!(error, InsertError::Store(StoreError::Unavailable(_)))
}

impl<P: Ports> Ingest<P> {
    /// Records the notification in `body`. Once polled it must be driven to its end.
    pub async fn record_notification(
        &self,
        body: &[u8],
    ) -> Result<NotificationRecorded, NotificationError> {
        let now = self.clock().now();
        let notification = parse_notification(body, now, &self.limits)?;
        let screened = Screened::of(std::iter::once(notification.screening()));
        let started = Instant::now();
        let inserted = self.notifications.insert(&notification).await;
        catalog::write_duration(Table::NotificationAudit).record(started.elapsed().as_secs_f64());
        let cause = match inserted {
            Ok(inserted) => {
                let stored = first(inserted, |stored| stored.notification.notification_id)?;
                count(TraceStatus::Success);
                screened.count();
                return Ok(NotificationRecorded::Stored(Box::new(stored)));
            }
            Err(NotInserted::Unavailable(cause)) => cause,
            Err(NotInserted::Refused { column, cause }) => {
                return Err(NotificationError::Refused { column, cause });
            }
            Err(NotInserted::Internal(cause)) => {
                count(TraceStatus::Failure);
                return Err(NotificationError::Internal(cause));
            }
        };
        let entries = || {
            vec![Parked {
                item: Item::Notification(notification.clone()),
                accepted_at: now,
                reason: cause.to_string(),
            }]
        };
        match self.park(self.notification_queue.as_ref(), entries).await {
            Ok(()) => {
                count(TraceStatus::DlqFallback);
                screened.count();
                Ok(NotificationRecorded::Parked(Box::new(notification)))
            }
            Err(parking) => {
                count(TraceStatus::Failure);
                Err(NotificationError::Unavailable(parking.unwrap_or(cause)))
            }
        }
    }

    /// Records the delivery in `body` of the notification `notification_id`. Repeating it gets the
    /// first answer again. It is never parked: without the store nobody knows whether there is such
    /// a notification. Once polled it must be driven to its end.
    pub async fn record_delivery(
        &self,
        notification_id: &str,
        body: &[u8],
    ) -> Result<StoredDelivery, NotificationError> {
        let now = self.clock().now();
        let delivery = parse_delivery(body, now, &self.limits)?;
        let inserting = self
            .notifications
            .insert_delivery(notification_id, &delivery);
        match inserting.await {
            Ok(Some(Inserted::Now(stored) | Inserted::Before(stored))) => {
                Screened::of(std::iter::once(delivery.screening())).count();
                Ok(stored)
            }
            Ok(Some(Inserted::Taken(stored))) => Err(NotificationError::Taken {
                name: stored.delivery.attempt.to_string(),
                is_identical: false,
            }),
            Ok(None) if self.holds_notifications() => {
                Err(NotificationError::Unavailable(Arc::new(MayWait)))
            }
            Ok(None) => Err(NotificationError::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

/// The record that was stored now; or that its name is taken.
fn first<T>(inserted: Inserted<T>, name: impl FnOnce(T) -> String) -> Result<T, NotificationError> {
    let (old, is_identical) = match inserted {
        Inserted::Now(stored) => return Ok(stored),
        Inserted::Before(old) => (old, true),
        Inserted::Taken(old) => (old, false),
    };
    Err(NotificationError::Taken {
        name: name(old),
        is_identical,
    })
}

fn count(status: TraceStatus) {
    catalog::audit_traces(SERVICE, status).increment(1);
}

impl From<NotInserted> for NotificationError {
    fn from(error: NotInserted) -> Self {
        match error {
            NotInserted::Refused { column, cause } => Self::Refused { column, cause },
            NotInserted::Unavailable(cause) => Self::Unavailable(cause),
            NotInserted::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<InsertError> for NotInserted {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Refused { ref column, .. } => Self::Refused {
                column: column.clone(),
                cause: Arc::new(error),
            },
            InsertError::Store(StoreError::Unavailable(_)) => Self::Unavailable(Arc::new(error)),
            InsertError::Store(StoreError::Internal(_)) => Self::Internal(Arc::new(error)),
        }
    }
}

#[cfg(test)]
mod tests;
