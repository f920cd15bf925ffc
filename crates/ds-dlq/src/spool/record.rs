//! A record of the log: what happened, and the texts that came with it.
//!
//! ```text
//! ff 'd' 's' 1 │ length of note │ length of texts │ CRC-32 of both lengths, │ note (JSON) │ texts
//!              │ u32 big endian │ u32 big endian  │ note and texts          │             │
//! ```
//!
//! The first byte occurs nowhere in UTF-8, so nothing that a client sent can look like a record, and
//! a reader finds the next record behind one that is damaged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const MARK: [u8; 4] = [0xff, b'd', b's', 1];
const HEADER: usize = 16;

/// What happened.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Note {
    /// A segment begins: the first record of each.
    Opened {
        /// The segment before it.
        previous: Option<u64>,
        /// No number from here on was given before.
        next: u64,
    },
    /// Entries are here, new ones or some that were moved out of an older segment. Their texts follow
    /// in this order.
    Kept(Vec<Kept>),
    /// Entries are stored elsewhere, or purged.
    Settled(Vec<u64>),
    /// An entry is to be tried again.
    Deferred {
        /// The entry.
        number: u64,
        /// Not before.
        due: Timestamp,
        /// What went wrong.
        setback: Failure,
    },
    /// An entry became a dead letter.
    Buried {
        /// The entry.
        number: u64,
        /// Number of the dead letter.
        letter: u64,
        /// Why and when.
        death: Failure,
    },
    /// A dead letter waits again.
    Revived {
        /// The dead letter.
        letter: u64,
        /// Number of the entry.
        number: u64,
        /// When.
        at: Timestamp,
    },
}

/// An entry, and what became of it so far.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Kept {
    /// Its number, or that of the dead letter.
    pub(super) number: u64,
    /// When it was put here.
    pub(super) at: Timestamp,
    /// Length of its text.
    pub(super) length: u32,
    /// CRC-32 of its text: bits may rot between the start and the reading.
    pub(super) crc: u32,
    /// How often storing it failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) attempts: u32,
    /// Not to be tried before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<Timestamp>,
    /// What went wrong, the last few times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) history: Vec<Failure>,
    /// Why and when it became a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) death: Option<Failure>,
}

/// Something that went wrong.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Failure {
    pub(super) at: Timestamp,
    pub(super) error: String,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A record that was read.
#[derive(Debug)]
pub(super) struct Record {
    /// What happened.
    pub(super) note: Note,
    /// Where in the segment its texts begin.
    pub(super) texts: u64,
}

/// What a segment holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The records that can be read.
    pub(super) records: Vec<Record>,
    /// Bytes that no record accounts for, a torn tail left out.
    pub(super) damaged: u64,
    /// Where an unfinished record at the end begins.
    pub(super) torn: Option<u64>,
}

/// Writes a record behind `buffer`; says where in the buffer its texts begin. Nothing when it is too
/// long for the lengths of its parts.
pub(super) fn write(buffer: &mut Vec<u8>, note: &Note, texts: &[&[u8]]) -> Option<usize> {
    let note = serde_json::to_vec(note).ok()?;
    let length: usize = texts.iter().map(|text| text.len()).sum();
    let lengths = [
        u32::try_from(note.len()).ok()?.to_be_bytes(),
        u32::try_from(length).ok()?.to_be_bytes(),
    ];
    let mut crc = crc32fast::Hasher::new();
    let parts = lengths.iter().map(<[u8; 4]>::as_slice);
    for part in parts.chain([note.as_slice()]).chain(texts.iter().copied()) {
        crc.update(part);
    }
    buffer.reserve(HEADER + note.len() + length);
    buffer.extend(MARK);
    buffer.extend(lengths.as_flattened());
    buffer.extend(crc.finalize().to_be_bytes());
    buffer.extend(note);
    let start = buffer.len();
    for text in texts {
        buffer.extend_from_slice(text);
    }
    Some(start)
}

/// Reads all that can be read.
pub(super) fn read(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    let mut at = 0;
    while at < bytes.len() {
        if let Some((record, end)) = read_one(bytes, at) {
            contents.records.push(record);
            at = end;
        } else if let Some(next) = next_record(bytes, at + 1) {
            contents.damaged += offset(next - at);
            at = next;
        } else {
            if is_torn(&bytes[at..]) {
                contents.torn = Some(offset(at));
            } else {
                contents.damaged += offset(bytes.len() - at);
            }
            break;
        }
    }
    contents
}

/// The record that begins here, and where it ends.
fn read_one(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(&MARK)?;
    let (lengths, rest) = rest.split_at_checked(8)?;
    let (crc, rest) = rest.split_at_checked(4)?;
    let (note, texts) = lengths_of(lengths)?;
    let body = rest.get(..note.checked_add(texts)?)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(lengths);
    hasher.update(body);
    if hasher.finalize().to_be_bytes() != crc {
        return None;
    }
    let start = at + HEADER + note;
    let record = Record {
        note: serde_json::from_slice(&body[..note]).ok()?,
        texts: offset(start),
    };
    Some((record, start + texts))
}

fn lengths_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let (note, texts) = bytes.split_first_chunk::<4>()?;
    let texts = texts.first_chunk::<4>()?;
    let length = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).ok();
    Some((length(note)?, length(texts)?))
}

fn next_record(bytes: &[u8], from: usize) -> Option<usize> {
    let starts = bytes.get(from..)?.windows(MARK.len()).enumerate();
    starts
        .filter(|(_, window)| *window == MARK)
        .map(|(n, _)| from + n)
        .find(|at| read_one(bytes, *at).is_some())
}

/// Whether a write was cut short here: the file ends within a record, or was made longer and no byte
/// of the record came.
fn is_torn(tail: &[u8]) -> bool {
    let Some(rest) = tail.strip_prefix(&MARK) else {
        return MARK.starts_with(tail) || tail.iter().all(|byte| *byte == 0);
    };
    let Some((note, texts)) = lengths_of(rest) else {
        return true;
    };
    tail.len() < HEADER.saturating_add(note).saturating_add(texts)
}

fn offset(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
