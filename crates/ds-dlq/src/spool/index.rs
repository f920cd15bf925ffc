//! Which entries there are, where their texts are, and which may be taken.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    log::Place,
    record::{Failure, Kept},
};

/// Most failures that are remembered of one entry.
const HISTORY_MAX: usize = 8;

/// Longest texts that are remembered of a failure, and of why an entry failed for good.
const SETBACK_BYTES_MAX: usize = 200;
const REASON_BYTES_MAX: usize = 1_000;

/// What the log holds of an entry beside its text, at most, and what it holds more of one that
/// failed and of a dead letter.
const NOTE_BYTES: u64 = 128;
const FAILURES_BYTES: u64 = 2_560;
const LETTER_BYTES: u64 = 4_096;

/// What is known of an entry that never failed; there may be very many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) place: Place,
    /// When it was put here.
    pub(super) at: Timestamp,
}

/// What is known of an entry that failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    pub(super) attempts: u32,
    pub(super) due: Option<Timestamp>,
    pub(super) history: Vec<Failure>,
}

/// A dead letter.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) slot: Slot,
    pub(super) death: Failure,
    pub(super) failures: Failures,
}

/// Why an entry may not be taken at present.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hold {
    Taken(Instant),
    Deferred(Instant),
}

impl Hold {
    fn until(self) -> Instant {
        match self {
            Self::Taken(until) | Self::Deferred(until) => until,
        }
    }
}

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Index {
    waiting: BTreeMap<u64, Slot>,
    /// Those that may be taken.
    ready: BTreeSet<u64>,
    holds: HashMap<u64, Hold>,
    /// When the holds end.
    ends: BTreeSet<(Instant, u64)>,
    failures: HashMap<u64, Failures>,
    dead: BTreeMap<u64, Letter>,
    waiting_bytes: u64,
    dead_bytes: u64,
    /// How many texts each segment holds.
    texts: HashMap<u64, u64>,
    deferred: u64,
}

impl Index {
    /// Adds an entry, or learns that it moved.
    pub(super) fn keep(&mut self, kept: &Kept, place: Place) {
        let slot = Slot { place, at: kept.at };
        let failures = Failures {
            attempts: kept.attempts,
            due: kept.due,
            history: kept.history.clone(),
        };
        self.forget(kept.number);
        if let Some(death) = kept.death.clone() {
            let letter = Letter {
                slot,
                death,
                failures,
            };
            self.count_text(place.segment);
            self.dead_bytes += u64::from(place.length);
            self.dead.insert(kept.number, letter);
            return;
        }
        if failures.attempts > 0 {
            self.failures.insert(kept.number, failures);
        }
        self.wait(kept.number, slot);
    }

    fn wait(&mut self, number: u64, slot: Slot) {
        self.count_text(slot.place.segment);
        self.waiting_bytes += u64::from(slot.place.length);
        self.waiting.insert(number, slot);
        self.ready.insert(number);
    }

    /// Learns that the text of an entry or dead letter is somewhere else.
    pub(super) fn relocate(&mut self, number: u64, place: Place) {
        let slot = self.waiting.get_mut(&number);
        let slot = slot.or_else(|| self.dead.get_mut(&number).map(|letter| &mut letter.slot));
        if let Some(slot) = slot {
            let before = std::mem::replace(&mut slot.place, place).segment;
            self.count_text(place.segment);
            self.discount_text(before);
        }
    }

    /// Removes an entry or a dead letter. Says whether it was there.
    pub(super) fn forget(&mut self, number: u64) -> bool {
        let slot = match self.dead.remove(&number) {
            Some(letter) => {
                self.dead_bytes -= u64::from(letter.slot.place.length);
                Some(letter.slot)
            }
            None => self.stop_waiting(number),
        };
        self.failures.remove(&number);
        slot.inspect(|slot| self.discount_text(slot.place.segment))
            .is_some()
    }

    fn stop_waiting(&mut self, number: u64) -> Option<Slot> {
        let slot = self.waiting.remove(&number)?;
        self.waiting_bytes -= u64::from(slot.place.length);
        self.let_go(number);
        self.ready.remove(&number);
        Some(slot)
    }

    /// The entries that are due, the first one first, as many as `max` and about `bytes_max`. Nobody
    /// else gets them until `lease_end`.
    pub(super) fn take(
        &mut self,
        max: usize,
        bytes_max: u64,
        now: Instant,
        lease_end: Instant,
    ) -> Vec<(u64, Place, u32)> {
        while let Some((end, number)) = self.ends.first().copied()
            && end <= now
        {
            self.let_go(number);
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < max
            && bytes < bytes_max
            && let Some(number) = self.ready.pop_first()
        {
            let Some(slot) = self.waiting.get(&number) else {
                continue;
            };
            bytes += u64::from(slot.place.length);
            let failures = self.failures.get(&number);
            let attempts = failures.map_or(0, |failures| failures.attempts);
            taken.push((number, slot.place, attempts));
            self.hold(number, Hold::Taken(lease_end));
        }
        taken
    }

    /// Whether somebody has taken it and not said what became of it.
    pub(super) fn is_taken(&self, number: u64) -> bool {
        matches!(self.holds.get(&number), Some(Hold::Taken(_)))
    }

    /// How many entries somebody has taken and not said what became of them.
    pub(super) fn taken(&self) -> u64 {
        count(self.holds.len()) - self.deferred
    }

    /// Lets a taken entry be taken again.
    pub(super) fn release(&mut self, number: u64) {
        if self.is_taken(number) {
            self.let_go(number);
        }
    }

    /// Lets an entry be taken again when it is due.
    pub(super) fn defer(&mut self, number: u64, until: Instant, due: Timestamp, setback: Failure) {
        if self.waiting.contains_key(&number) {
            self.fail(number, due, setback);
            self.let_go(number);
            self.ready.remove(&number);
            self.hold(number, Hold::Deferred(until));
        }
    }

    /// Remembers that an entry could not be stored.
    pub(super) fn fail(&mut self, number: u64, due: Timestamp, setback: Failure) {
        if !self.waiting.contains_key(&number) {
            return;
        }
        let failures = self.failures.entry(number).or_default();
        failures.attempts = failures.attempts.saturating_add(1);
        failures.due = Some(due);
        if failures.history.len() >= HISTORY_MAX {
            failures.history.remove(0);
        }
        failures.history.push(shortened(setback, SETBACK_BYTES_MAX));
    }

    /// Defers what was deferred before the spool was opened.
    pub(super) fn resume(&mut self, now: Timestamp, instant: Instant) {
        let deferred: Vec<_> = self
            .failures
            .iter()
            .filter_map(|(number, failures)| Some((*number, failures.due.filter(|d| *d > now)?)))
            .collect();
        for (number, due) in deferred {
            let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            if let Some(until) = instant.checked_add(wait)
                && self.ready.remove(&number)
            {
                self.hold(number, Hold::Deferred(until));
            }
        }
    }

    /// Makes an entry a dead letter.
    pub(super) fn bury(&mut self, number: u64, letter: u64, death: Failure) {
        let Some(slot) = self.stop_waiting(number) else {
            return;
        };
        self.dead_bytes += u64::from(slot.place.length);
        let buried = Letter {
            slot,
            death: shortened(death, REASON_BYTES_MAX),
            failures: self.failures.remove(&number).unwrap_or_default(),
        };
        self.dead.insert(letter, buried);
    }

    /// Makes a dead letter an entry that never failed.
    pub(super) fn revive(&mut self, letter: u64, number: u64, at: Timestamp) {
        if let Some(Letter { slot, .. }) = self.dead.remove(&letter) {
            self.dead_bytes -= u64::from(slot.place.length);
            self.discount_text(slot.place.segment);
            self.wait(number, Slot { at, ..slot });
        }
    }

    fn hold(&mut self, number: u64, hold: Hold) {
        self.deferred += u64::from(matches!(hold, Hold::Deferred(_)));
        self.ends.insert((hold.until(), number));
        self.holds.insert(number, hold);
    }

    fn let_go(&mut self, number: u64) {
        if let Some(hold) = self.holds.remove(&number) {
            self.deferred -= u64::from(matches!(hold, Hold::Deferred(_)));
            self.ends.remove(&(hold.until(), number));
            self.ready.insert(number);
        }
    }

    fn count_text(&mut self, segment: u64) {
        *self.texts.entry(segment).or_default() += 1;
    }

    fn discount_text(&mut self, segment: u64) {
        if let Some(texts) = self.texts.get_mut(&segment) {
            *texts -= 1;
            if *texts == 0 {
                self.texts.remove(&segment);
            }
        }
    }

    /// Whether no text in this segment is needed.
    pub(super) fn needs_nothing_of(&self, segment: u64) -> bool {
        !self.texts.contains_key(&segment)
    }

    /// The entries and dead letters in a segment, as they are to be written to another one.
    pub(super) fn texts_in(&self, segment: u64) -> Vec<(Kept, Place)> {
        let waiting = self.waiting.iter().map(|(number, slot)| {
            let failures = self.failures.get(number);
            (*number, slot, failures, None)
        });
        let dead = self.dead.iter().map(|(number, letter)| {
            let death = Some(&letter.death);
            (*number, &letter.slot, Some(&letter.failures), death)
        });
        waiting
            .chain(dead)
            .filter(|(_, slot, ..)| slot.place.segment == segment)
            .map(|(number, slot, failures, death)| {
                let failures = failures.cloned().unwrap_or_default();
                let kept = Kept {
                    number,
                    at: slot.at,
                    length: slot.place.length,
                    crc: slot.place.crc,
                    attempts: failures.attempts,
                    due: failures.due,
                    history: failures.history,
                    death: death.cloned(),
                };
                (kept, slot.place)
            })
            .collect()
    }

    /// Entries that wait.
    pub(super) fn entries(&self) -> u64 {
        count(self.waiting.len())
    }

    /// Bytes of the entries that wait.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes
    }

    /// Bytes of the dead letters.
    pub(super) fn dead_bytes(&self) -> u64 {
        self.dead_bytes
    }

    /// Bytes that a log of nothing but these entries and dead letters would have, or more.
    pub(super) fn live_bytes(&self) -> u64 {
        let notes = self.entries() * NOTE_BYTES
            + count(self.failures.len()) * FAILURES_BYTES
            + count(self.dead.len()) * LETTER_BYTES;
        self.waiting_bytes + self.dead_bytes + notes
    }

    /// Entries that are not due yet.
    pub(super) fn deferred(&self) -> u64 {
        self.deferred
    }

    /// Dead letters, in the order they were buried.
    pub(super) fn dead(&self) -> &BTreeMap<u64, Letter> {
        &self.dead
    }

    /// When the oldest entry was put here.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.waiting.first_key_value().map(|(_, slot)| slot.at)
    }

    /// Whether an entry waits.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }
}

fn shortened(mut failure: Failure, bytes_max: usize) -> Failure {
    let end = failure.error.floor_char_boundary(bytes_max);
    failure.error.truncate(end);
    failure
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
