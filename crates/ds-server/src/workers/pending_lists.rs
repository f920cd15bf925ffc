//! Merges the pending lists of the payload indexes while events are stored.
//!
//! Inserts leave their keys in a list beside the index, which is fast; but a query reads all of it, and
//! once it is too long the next insert merges it and its sender waits for 100 to 180 ms.

use std::sync::atomic::{AtomicU64, Ordering};

use ds_domain::{
    month,
    time::{Clock, utc_date},
};
use ds_repository::{Repository, error::StoreError};

/// Counts the events that this process has stored, in whatever way.
pub(crate) type Stored = Box<dyn Fn() -> u64 + Send + Sync>;

/// What is known about the lists without asking the database.
pub(crate) struct PendingLists {
    stored: Stored,
    /// How many events had been stored when the lists were merged last.
    merged: AtomicU64,
}

impl PendingLists {
    /// Lists that grow with `stored`. The first pass is always due: an earlier process may have left
    /// something.
    pub(crate) fn new(stored: Stored) -> Self {
        Self {
            stored,
            merged: AtomicU64::new(u64::MAX),
        }
    }

    /// How many events are stored, if some have been since the last merge.
    fn due(&self) -> Option<u64> {
        let stored = (self.stored)();
        (stored != self.merged.load(Ordering::Relaxed)).then_some(stored)
    }

    fn note_merged(&self, stored: u64) {
        self.merged.store(stored, Ordering::Relaxed);
    }
}

/// Merges the lists of the months that events arrive for, unless nothing was stored since the last time.
pub(super) async fn pass(
    repository: &Repository,
    lists: &PendingLists,
    clock: &impl Clock,
) -> Result<(), StoreError> {
    let Some(stored) = lists.due() else {
        return Ok(());
    };
    let months = month::covering(utc_date(clock.now()), 1);
    repository.clean_pending_lists(&months).await?;
    lists.note_merged(stored);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn lists_are_merged_at_first_and_when_something_was_stored() {
        let count = Arc::new(AtomicU64::new(0));
        let stored = Arc::clone(&count);
        let lists = PendingLists::new(Box::new(move || stored.load(Ordering::Relaxed)));
        assert_eq!(
            lists.due(),
            Some(0),
            "an earlier process may have left some"
        );
        lists.note_merged(0);
        assert_eq!(lists.due(), None);
        count.store(3, Ordering::Relaxed);
        assert_eq!(lists.due(), Some(3));
        assert_eq!(lists.due(), Some(3), "a pass that failed is repeated");
        // Stored while the merge was running: it may have missed them.
        count.store(4, Ordering::Relaxed);
        lists.note_merged(3);
        assert_eq!(lists.due(), Some(4));
    }
}
