//! Keeping the files small, and telling how full they are.

use std::{error::Error, io, time::Duration};

use ds_metrics::catalog;
use tokio::time::Instant;

use super::{Keeper, to_u64};
use crate::{
    Consumer, Status,
    spool::{
        log::LogError,
        record::{self, Note},
        replay::places,
        report::to_gauge,
    },
};

/// Pause after old segments could not be cleaned up.
const CLEANING_PAUSE: Duration = Duration::from_secs(1);

impl Keeper {
    /// Removes segments that nobody needs, and moves the few entries that keep many bytes of others.
    pub(super) fn clean(&mut self) {
        self.drop_unneeded();
        let live = self.index.live_bytes();
        let segment = self.settings.segment_bytes;
        let is_idle = live == 0;
        let is_wasteful = self.log.bytes() > live + (live / 2).max(2 * segment);
        let may = self.clean_after.is_none_or(|after| Instant::now() >= after);
        let result = if !may {
            return;
        } else if is_idle && self.log.bytes() > segment / 8 {
            self.log.rotate(self.next)
        } else if is_wasteful && let Some(oldest) = self.log.oldest() {
            self.move_out_of(oldest)
        } else {
            return;
        };
        self.clean_after = None;
        if let Err(error) = result {
            let error = &error as &dyn Error;
            tracing::warn!(error, "cannot clean up the spool");
            self.clean_after = Some(Instant::now() + CLEANING_PAUSE);
        }
        self.drop_unneeded();
    }

    fn drop_unneeded(&mut self) {
        while let Some(oldest) = self.log.oldest()
            && self.index.needs_nothing_of(oldest)
        {
            self.log.remove_oldest();
        }
    }

    /// Writes what is still needed of a segment to the end of the log.
    fn move_out_of(&mut self, segment: u64) -> Result<(), LogError> {
        let (mut kept, mut texts) = (Vec::new(), Vec::new());
        for (each, place) in self.index.texts_in(segment) {
            // As it is, even if it is not what was written: its reader will be told.
            texts.push(self.log.read(&place).map_err(LogError::Failed)?);
            kept.push(each);
        }
        let note = Note::Kept(kept.clone());
        let texts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        let mut bytes = Vec::new();
        let Some(start) = record::write(&mut bytes, &note, &texts) else {
            return Err(LogError::Failed(io::ErrorKind::FileTooLarge.into()));
        };
        let (to, at) = self.log.append(&bytes, true, self.next)?;
        for (kept, place) in places(&kept, to, at + to_u64(start)) {
            self.index.relocate(kept.number, place);
        }
        Ok(())
    }

    /// How full it is. Also refreshes the metrics.
    pub(in crate::spool) fn status(&self, now: Instant) -> Status {
        self.publish();
        Status {
            entries: self.index.entries(),
            entries_max: self.settings.entries_max,
            bytes: self.index.waiting_bytes(),
            bytes_max: self.settings.bytes_max,
            deferred: self.index.deferred(),
            dead: to_u64(self.index.dead().len()),
            oldest: self.index.oldest(),
            consumers: vec![Consumer {
                name: "local".to_owned(),
                pending: self.index.taken(),
                idle: now.saturating_duration_since(self.last_taken),
            }],
        }
    }

    pub(super) fn publish(&self) {
        let (entries, bytes) = (self.index.entries(), self.index.waiting_bytes());
        let ratio = |part: u64, whole: u64| to_gauge(part) / to_gauge(whole.max(1));
        let by_entries = ratio(entries, self.settings.entries_max);
        let by_bytes = ratio(bytes, self.settings.bytes_max);
        catalog::spool_entries().set(to_gauge(entries));
        catalog::spool_bytes().set(to_gauge(bytes));
        catalog::spool_capacity_ratio().set(by_entries.max(by_bytes));
        catalog::spool_oldest_age().set(self.age(self.clock.now()).as_secs_f64());
        catalog::spool_dead_letters().set(to_gauge(to_u64(self.index.dead().len())));
    }
}
