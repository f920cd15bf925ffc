//! How many connections writers have: they are in no pool that would know.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ds_metrics::{Pool as Label, catalog};

use crate::pool::gauge;

/// The connections of all writers of a repository.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    open: AtomicUsize,
    in_use: AtomicUsize,
}

impl Tally {
    /// Counts an open connection until the result is dropped.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Counts a connection at work until the result is dropped.
    pub(crate) fn in_use(self: &Arc<Self>) -> InUse {
        self.in_use.fetch_add(1, Ordering::Relaxed);
        InUse(Arc::clone(self))
    }

    /// Writes the state into the metrics.
    pub(crate) fn sample(&self, connections_max: usize) {
        let open = self.open.load(Ordering::Relaxed);
        let in_use = self.in_use.load(Ordering::Relaxed).min(open);
        catalog::db_connections_max(Label::Write).set(gauge(connections_max));
        catalog::db_connections_open(Label::Write).set(gauge(open));
        catalog::db_connections_idle(Label::Write).set(gauge(open - in_use));
        catalog::db_connections_in_use(Label::Write).set(gauge(in_use));
    }
}

/// One open connection.
pub(crate) struct Open(Arc<Tally>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connection at work.
pub(crate) struct InUse(Arc<Tally>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_as_long_as_they_are_held() {
        let tally = Arc::new(Tally::default());
        let state = || {
            let in_use = tally.in_use.load(Ordering::Relaxed);
            (tally.open.load(Ordering::Relaxed), in_use)
        };
        let (first, second) = (tally.open(), tally.open());
        let at_work = tally.in_use();
        assert_eq!(state(), (2, 1));
        drop((first, at_work));
        assert_eq!(state(), (1, 0));
        drop(second);
        assert_eq!(state(), (0, 0));
    }
}
