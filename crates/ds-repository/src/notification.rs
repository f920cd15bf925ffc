//! Notifications and their deliveries: each is inserted once and never changed.
//!
//! A name that is taken is no error here: whoever repeats a record because it heard no answer has to
//! be told from somebody who sends another one under the same name. Rows never change or go, so what
//! was found after an insert that did nothing is what the insert found.

mod list;

use ds_domain::{
    filter::Page,
    notification::{
        Channel, Delivery, Notification, NotificationFilter, NotificationStatus, StoredDelivery,
        StoredNotification,
    },
};
use ds_validation::{ValidDelivery, ValidNotification};
use tokio_postgres::{Row, types::ToSql};

use crate::{
    Inserted, NotificationPage, Repository,
    error::{Cause, InsertError, StoreError},
    row::{Columns, Word},
    statement::Statement,
};

/// The constraint that a delivery of an unknown notification breaks.
const NOTIFICATION_EXISTS: &str = "notification_deliveries_notification_exists";

/// The columns a sender determines; `notification` reads them in this order.
macro_rules! columns {
    () => {
        "remediation_id, notification_id, recipient, channel, message_summary, status, sent_at, \
         delivery_status, error_message, escalation_level"
    };
}

/// All columns; [`stored`] reads them in this order.
macro_rules! all_columns {
    () => {
        concat!("id, ", columns!(), ", created_at, updated_at")
    };
}
use {all_columns, columns};

pub(crate) const INSERT: Statement = Statement::new(concat!(
    "-- insert_notification\nINSERT INTO notification_audit (",
    columns!(),
    ")\nVALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (notification_id) DO NOTHING\nRETURNING ",
    all_columns!(),
));

pub(crate) const FIND: Statement = Statement::new(concat!(
    "-- find_notification\nSELECT ",
    all_columns!(),
    " FROM notification_audit WHERE notification_id = $1",
));

/// All columns of a delivery; `delivery` reads them in this order.
macro_rules! delivery_columns {
    () => {
        "attempt, status, occurred_at, delivery_status, error_message, escalation_level, recorded_at"
    };
}

pub(crate) const INSERT_DELIVERY: Statement = Statement::new(concat!(
    "-- insert_delivery\nINSERT INTO notification_deliveries (notification_id, attempt, status, \
     occurred_at, delivery_status, error_message, escalation_level)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (notification_id, attempt) DO NOTHING\nRETURNING ",
    delivery_columns!(),
));

pub(crate) const FIND_DELIVERY: Statement = Statement::new(concat!(
    "-- find_delivery\nSELECT ",
    delivery_columns!(),
    " FROM notification_deliveries WHERE notification_id = $1 AND attempt = $2",
));

pub(crate) const LIST_DELIVERIES: Statement = Statement::new(concat!(
    "-- list_deliveries\nSELECT * FROM (SELECT ",
    delivery_columns!(),
    " FROM notification_deliveries WHERE notification_id = $1
    ORDER BY attempt DESC LIMIT $2) AS latest ORDER BY attempt",
));

impl Repository {
    /// Stores a notification durably, once. Bounded by `flush_timeout`, twice if its name is taken.
    pub async fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, InsertError> {
        let new = notification.notification();
        let (channel, status) = (new.channel.as_str(), new.status.as_str());
        let params: [&(dyn ToSql + Sync); 10] = [
            /* $1 */ &new.remediation_id,
            /* $2 */ &new.notification_id,
            /* $3 */ &new.recipient,
            /* $4 */ &channel,
            /* $5 */ &new.message_summary,
            /* $6 */ &status,
            /* $7 */ &new.sent_at,
            /* $8 */ &new.delivery_status,
            /* $9 */ &new.error_message,
            /* $10 */ &new.escalation_level,
        ];
        let name: [&(dyn ToSql + Sync); 1] = [&new.notification_id];
        let (is_new, row) = self.insert(INSERT, &params, FIND, &name).await?;
        let old = stored(&row, 0).map_err(Cause::driver(FIND.name()))?;
        Ok(match (is_new, notification.repeats(&old.notification)) {
            (true, _) => Inserted::Now(old),
            (false, true) => Inserted::Before(old),
            (false, false) => Inserted::Taken(old),
        })
    }

    /// Stores a delivery durably, once; likewise bounded. `None` when there is no such notification.
    pub async fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, InsertError> {
        let new = delivery.delivery();
        let status = new.status.as_str();
        let params: [&(dyn ToSql + Sync); 7] = [
            /* $1 */ &notification_id,
            /* $2 */ &new.attempt,
            /* $3 */ &status,
            /* $4 */ &new.occurred_at,
            /* $5 */ &new.delivery_status,
            /* $6 */ &new.error_message,
            /* $7 */ &new.escalation_level,
        ];
        let name: [&(dyn ToSql + Sync); 2] = [&notification_id, &new.attempt];
        let inserting = self.insert(INSERT_DELIVERY, &params, FIND_DELIVERY, &name);
        let (is_new, row) = match inserting.await {
            Ok(inserted) => inserted,
            Err(InsertError::Refused { column, .. })
                if column.as_deref() == Some(NOTIFICATION_EXISTS) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let old = stored_delivery(&row).map_err(Cause::driver(FIND_DELIVERY.name()))?;
        Ok(Some(match (is_new, delivery.repeats(&old.delivery)) {
            (true, _) => Inserted::Now(old),
            (false, true) => Inserted::Before(old),
            (false, false) => Inserted::Taken(old),
        }))
    }

    /// Inserts a row, or finds the one that has its place. Says whether it is new.
    async fn insert(
        &self,
        insert: Statement,
        params: &[&(dyn ToSql + Sync)],
        find: Statement,
        name: &[&(dyn ToSql + Sync)],
    ) -> Result<(bool, Row), InsertError> {
        let budget = self.settings.flush_timeout;
        let inserted = self.records.query(insert, params, budget).await?;
        if let Some(row) = inserted.into_iter().next() {
            return Ok((true, row));
        }
        let found = self.records.query(find, name, budget).await?;
        let gone = || Cause::Impossible {
            statement: find.name(),
            what: "nothing has the name that is taken",
        };
        Ok((false, found.into_iter().next().ok_or_else(gone)?))
    }

    /// Finds one notification.
    pub async fn find_notification(
        &self,
        notification_id: &str,
    ) -> Result<Option<StoredNotification>, StoreError> {
        let budget = self.settings.query_timeout;
        let rows = self.read.query(FIND, &[&notification_id], budget).await?;
        let found = rows.first().map(|row| stored(row, 0)).transpose();
        Ok(found.map_err(Cause::driver(FIND.name()))?)
    }

    /// The history of a notification: its latest deliveries, up to `max`, the first attempt first.
    pub async fn list_deliveries(
        &self,
        notification_id: &str,
        max: u16,
    ) -> Result<Vec<StoredDelivery>, StoreError> {
        let params: [&(dyn ToSql + Sync); 2] = [&notification_id, &i64::from(max)];
        let budget = self.settings.query_timeout;
        let rows = self.read.query(LIST_DELIVERIES, &params, budget).await?;
        let history = rows.iter().map(stored_delivery).collect::<Result<_, _>>();
        Ok(history.map_err(Cause::driver(LIST_DELIVERIES.name()))?)
    }

    /// Lists notifications, newest first. An exact total is of one snapshot with the page.
    pub async fn list_notifications(
        &self,
        filter: &NotificationFilter,
        page: Page,
    ) -> Result<NotificationPage, StoreError> {
        self.list(filter, page).await
    }
}

/// Reads a notification whose columns start at `first`.
fn stored(row: &Row, first: usize) -> Result<StoredNotification, tokio_postgres::Error> {
    let mut columns = Columns::from(row, first);
    Ok(StoredNotification {
        id: columns.next()?,
        notification: Notification {
            remediation_id: columns.next()?,
            notification_id: columns.next()?,
            recipient: columns.next()?,
            channel: columns.next::<Word<Channel>>()?.0,
            message_summary: columns.next()?,
            status: columns.next::<Word<NotificationStatus>>()?.0,
            sent_at: columns.next()?,
            delivery_status: columns.next()?,
            error_message: columns.next()?,
            escalation_level: columns.next()?,
        },
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}

fn stored_delivery(row: &Row) -> Result<StoredDelivery, tokio_postgres::Error> {
    let mut columns = Columns::from(row, 0);
    Ok(StoredDelivery {
        delivery: Delivery {
            attempt: columns.next()?,
            status: columns.next::<Word<NotificationStatus>>()?.0,
            occurred_at: columns.next()?,
            delivery_status: columns.next()?,
            error_message: columns.next()?,
            escalation_level: columns.next()?,
        },
        recorded_at: columns.next()?,
    })
}
