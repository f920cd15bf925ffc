//! A filter of notifications as SQL.

use ds_domain::notification::{NotificationFilter, StoredNotification};
use tokio_postgres::{Row, types::Type};

use super::{all_columns, columns, stored};
use crate::{
    list::{Key, List, Listed, OLDEST, list},
    sql::Sql,
};

impl Listed for NotificationFilter {
    type Item = StoredNotification;

    const LIST: List = list! {
        names: ("list_notifications", "estimate_notifications"),
        table: "notification_audit",
        columns: (all_columns!()),
        order: ("sent_at", "id"),
        key: Key::Number,
        days: None,
    };

    fn conditions<'f>(&'f self, sql: &mut Sql<'f>) {
        if !self.remediation_ids.is_empty() {
            sql.push(" AND remediation_id");
            sql.push_any(Type::TEXT, Type::TEXT_ARRAY, &self.remediation_ids);
        }
        if !self.channels.is_empty() {
            let words: Vec<&str> = self.channels.iter().map(|word| word.as_str()).collect();
            sql.push(" AND channel = ANY(")
                .bind(Type::TEXT_ARRAY, words)
                .push(")");
        }
        if !self.statuses.is_empty() {
            let words: Vec<&str> = self.statuses.iter().map(|word| word.as_str()).collect();
            sql.push(" AND status = ANY(")
                .bind(Type::TEXT_ARRAY, words)
                .push(")");
        }
        if !self.recipients.is_empty() {
            sql.push(" AND recipient");
            sql.push_any(Type::TEXT, Type::TEXT_ARRAY, &self.recipients);
        }
        if let Some(since) = self.since {
            sql.push(" AND sent_at >= ")
                .bind(Type::TIMESTAMPTZ, since.max(OLDEST));
        }
        if let Some(until) = self.until {
            sql.push(" AND sent_at <= ")
                .bind(Type::TIMESTAMPTZ, until.max(OLDEST));
        }
    }

    fn read(row: &Row, first: usize) -> Result<StoredNotification, tokio_postgres::Error> {
        stored(row, first)
    }
}

#[cfg(test)]
mod tests;
