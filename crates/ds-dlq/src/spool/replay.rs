//! Reading the log: what each record means for the index.

use super::{
    index::Index,
    log::Place,
    record::{Kept, Note, Record},
};

/// Learns what a record says.
pub(super) fn replay(index: &mut Index, next: &mut u64, segment: u64, record: Record) {
    let mut saw = |number: u64| *next = (*next).max(number.saturating_add(1));
    match record.note {
        Note::Opened { next: first, .. } => saw(first.saturating_sub(1)),
        Note::Kept(kept) => {
            for (kept, place) in places(&kept, segment, record.texts) {
                saw(kept.number);
                index.keep(kept, place);
            }
        }
        Note::Settled(numbers) => {
            for number in numbers {
                index.forget(number);
            }
        }
        Note::Deferred {
            number,
            due,
            setback,
        } => index.fail(number, due, setback),
        Note::Buried {
            number,
            letter,
            death,
        } => {
            saw(letter);
            index.bury(number, letter, death);
        }
        Note::Revived { letter, number, at } => {
            saw(number);
            index.revive(letter, number, at);
        }
    }
}

/// Where the texts are that begin here.
pub(super) fn places(
    kept: &[Kept],
    segment: u64,
    texts: u64,
) -> impl Iterator<Item = (&Kept, Place)> {
    kept.iter().scan(texts, move |at, kept| {
        let place = Place {
            segment,
            at: *at,
            length: kept.length,
            crc: kept.crc,
        };
        *at = at.saturating_add(u64::from(kept.length));
        Some((kept, place))
    })
}
