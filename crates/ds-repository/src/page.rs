//! One page of a query's answer.

use ds_domain::{
    event::StoredEvent,
    filter::{Page, Start},
    notification::StoredNotification,
};

/// One page of a query's answer.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The page, newest first.
    pub items: Vec<T>,
    /// How many items the filter matches in all, if that was asked for.
    pub total: Option<Total>,
    /// Whether there are items behind the page.
    pub has_more: bool,
    /// Whether there are items in front of the page.
    pub has_newer: bool,
}

/// A page of events.
pub type EventPage = Listing<StoredEvent>;

/// A page of notifications.
pub type NotificationPage = Listing<StoredNotification>;

/// The size of a query's whole answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Total {
    /// How many items.
    pub count: u64,
    /// Whether they were estimated rather than counted.
    pub is_estimate: bool,
}

impl<T> Listing<T> {
    /// What was `found`, newest first, when `page` was asked for: one item more than its limit shows
    /// that there are more in the direction of the walk, and so does a page that `is_cut`.
    ///
    /// In the other direction there is at least the item that the walk came from; but a page without
    /// items has no neighbours, because nothing says where they would begin.
    pub(crate) fn new(mut found: Vec<T>, total: Option<Total>, page: Page, is_cut: bool) -> Self {
        let limit = usize::from(page.limit);
        let is_longer = is_cut || found.len() > limit;
        let surplus = found.len().saturating_sub(limit);
        match page.start {
            Start::Before(_) => drop(found.drain(..surplus)),
            Start::Offset(_) | Start::Newest | Start::After(_) => found.truncate(limit),
        }
        let is_there = !found.is_empty();
        let returned = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let (skipped, has_more, has_newer) = match page.start {
            Start::Offset(offset) => {
                let counted = total.filter(|total| !total.is_estimate);
                let seen = offset.saturating_add(returned);
                let has_more = counted.map_or(is_longer, |total| seen < total.count);
                (offset, has_more, offset > 0 && is_there)
            }
            Start::Newest => (0, is_longer, false),
            Start::After(_) => (1, is_longer, is_there),
            Start::Before(_) => (0, is_there, is_longer),
        };
        let seen = skipped
            .saturating_add(returned)
            .saturating_add(u64::from(has_more));
        Self {
            items: found,
            // What the page itself shows is better evidence than statistics.
            total: total.map(|total| match total.is_estimate && is_there {
                true => Total {
                    count: total.count.max(seen),
                    ..total
                },
                false => total,
            }),
            has_more,
            has_newer,
        }
    }
}
