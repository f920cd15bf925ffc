//! Query parameters of a list of notifications → a filter and a page.

use std::borrow::Cow;

use ds_domain::{
    cursor::Scope,
    limit::{NOTIFICATION_NAME_CHARS_MAX, PAGE_ITEMS_DEFAULT},
    notification::{Channel, NotificationFilter, NotificationStatus},
};
use jiff::Timestamp;

use crate::{
    ParameterErrors,
    query::{Given, Query},
};

/// A query of notifications.
pub type NotificationQuery = Query<NotificationFilter>;

/// Reads the parameters of `GET /api/v1/audit/notifications`; relative times count back from `now`.
///
/// `pairs` are the decoded name and value pairs in the order of the query string. Values of a filter
/// that is repeated are alternatives; of anything else the first one counts. Unknown names are
/// ignored.
pub fn parse_notification_query<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    now: Timestamp,
) -> Result<NotificationQuery, ParameterErrors> {
    let mut given = Given::new(pairs);
    let filter = NotificationFilter {
        remediation_ids: given.texts("remediation_id", NOTIFICATION_NAME_CHARS_MAX),
        channels: given.words("channel", Channel::ALL, Channel::as_str),
        statuses: given.words(
            "status",
            NotificationStatus::ALL,
            NotificationStatus::as_str,
        ),
        recipients: given.texts("recipient", NOTIFICATION_NAME_CHARS_MAX),
        since: given.time("since", now),
        until: given.time("until", now),
    };
    let scope = scope(&filter, &given);
    given.query(filter, scope, PAGE_ITEMS_DEFAULT)
}

/// The question that `filter` was read from.
fn scope(filter: &NotificationFilter, given: &Given<'_>) -> Scope {
    let mut scope = Scope::of("notifications");
    for id in &filter.remediation_ids {
        scope = scope.with("remediation_id", id);
    }
    for channel in &filter.channels {
        scope = scope.with("channel", channel.as_str());
    }
    for status in &filter.statuses {
        scope = scope.with("status", status.as_str());
    }
    for recipient in &filter.recipients {
        scope = scope.with("recipient", recipient);
    }
    given.narrow(given.narrow(scope, "since"), "until")
}

#[cfg(test)]
mod tests;
