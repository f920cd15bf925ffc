//! What becomes of entries.

use std::{error::Error, io, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::Keeper;
use crate::{
    Burial, Deferral,
    spool::{
        index::Letter,
        log::{LogError, Place},
        record::{self, Failure, Note},
    },
};

/// Most bytes of entries that are read at once.
const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The longest wait there is.
const WAIT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A text that was read, or not.
pub(in crate::spool) type Text = io::Result<Vec<u8>>;

impl Keeper {
    /// Takes what is due.
    pub(in crate::spool) fn take(&mut self, max: usize, now: Instant) -> Vec<(u64, Text, u32)> {
        let lease_end = now + self.settings.lease;
        self.last_taken = now;
        let taken = self.index.take(max, READ_BYTES_MAX, now, lease_end);
        let read = |(number, place, attempts)| (number, self.read(&place), attempts);
        taken.into_iter().map(read).collect()
    }

    fn read(&self, place: &Place) -> Text {
        let text = self.log.read(place)?;
        if crc32fast::hash(&text) == place.crc {
            Ok(text)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "checksum does not match",
            ))
        }
    }

    /// Puts back what was taken.
    pub(in crate::spool) fn release(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.index.release(*number);
        }
    }

    /// Removes what is stored. That the record survives the loss of power is not waited for: then
    /// the entry comes again and is found to be stored.
    pub(in crate::spool) fn settle(&mut self, numbers: &[u64]) {
        let mut settled: Vec<u64> = numbers.to_vec();
        settled.retain(|number| self.index.contains(*number) && self.index.forget(*number));
        if !settled.is_empty() {
            self.note(&[Note::Settled(settled)]);
            self.clean();
        }
    }

    /// Puts back what was taken, to be taken when it is due. Forgotten when the power is lost.
    pub(in crate::spool) fn defer(&mut self, deferrals: Vec<(u64, Deferral)>, instant: Instant) {
        let now = self.clock.now();
        let mut notes = Vec::new();
        for (number, deferral) in deferrals {
            if !self.index.is_taken(number) {
                continue;
            }
            let wait = deferral.wait.min(WAIT_MAX);
            let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let setback = Failure {
                at: now,
                error: deferral.error,
            };
            self.index
                .defer(number, instant + wait, due, setback.clone());
            notes.push(Note::Deferred {
                number,
                due,
                setback,
            });
        }
        self.note(&notes);
    }

    /// Makes entries dead letters. Forgotten when the power is lost; then they fail again.
    pub(in crate::spool) fn bury(&mut self, burials: Vec<(u64, Burial)>) {
        let at = self.clock.now();
        let mut notes = Vec::new();
        for (number, burial) in burials {
            if !self.index.contains(number) {
                continue;
            }
            let letter = self.next;
            self.next += 1;
            let death = Failure {
                at,
                error: burial.reason,
            };
            self.index.bury(number, letter, death.clone());
            notes.push(Note::Buried {
                number,
                letter,
                death,
            });
        }
        self.note(&notes);
    }

    /// Dead letters after this one.
    pub(in crate::spool) fn dead_letters(
        &self,
        after: u64,
        max: usize,
    ) -> Vec<(u64, Letter, Text)> {
        let mut bytes = 0;
        let letters = self.index.dead().range(after.saturating_add(1)..);
        letters
            .take(max)
            .take_while(|(_, letter)| {
                let is_first = bytes == 0;
                bytes += u64::from(letter.slot.place.length);
                is_first || bytes <= READ_BYTES_MAX
            })
            .map(|(number, letter)| (*number, letter.clone(), self.read(&letter.slot.place)))
            .collect()
    }

    /// Lets a dead letter wait again.
    pub(in crate::spool) fn revive(&mut self, letter: u64) -> Result<bool, LogError> {
        if !self.index.dead().contains_key(&letter) {
            return Ok(false);
        }
        let (number, at) = (self.next, self.clock.now());
        self.next += 1;
        self.sync_note(&Note::Revived { letter, number, at })?;
        self.index.revive(letter, number, at);
        Ok(true)
    }

    /// Removes a dead letter.
    pub(in crate::spool) fn purge(&mut self, letter: u64) -> Result<bool, LogError> {
        if !self.index.dead().contains_key(&letter) {
            return Ok(false);
        }
        self.sync_note(&Note::Settled(vec![letter]))?;
        self.index.forget(letter);
        self.clean();
        Ok(true)
    }

    fn sync_note(&mut self, note: &Note) -> Result<(), LogError> {
        let mut bytes = Vec::new();
        let _ = record::write(&mut bytes, note, &[]);
        self.log.append(&bytes, true, self.next).map(|_| ())
    }

    /// Writes what may be forgotten: a disk that is full must not keep the spool from being emptied.
    fn note(&mut self, notes: &[Note]) {
        if notes.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        for note in notes {
            let _ = record::write(&mut bytes, note, &[]);
        }
        if let Err(error) = self.log.append(&bytes, false, self.next) {
            let error = &error as &dyn Error;
            tracing::warn!(error, "cannot note what became of entries in the spool");
        }
    }
}
