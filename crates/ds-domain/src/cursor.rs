//! A place in an ordered answer, as bytes that can be handed out and taken back.
//!
//! The bytes are neither secret nor trusted: whoever hands them out signs them together with a
//! [`Scope`], the question they belong to, so that what comes back is what was handed out, to the
//! same question.

use jiff::Timestamp;
use uuid::Uuid;

use crate::time::truncate_to_micros;

/// Version of the bytes. Another version is another format, and not read.
const VERSION: u8 = 1;

const BEFORE: u8 = 1;
const HAS_SINCE: u8 = 1 << 1;
const HAS_UNTIL: u8 = 1 << 2;

/// Where an element stands in an answer that is ordered by time and then by id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Its time.
    pub at: Timestamp,
    /// Its id, which tells it from others with the same time.
    pub id: Uuid,
}

impl Position {
    /// The position of an element that has a number, from 0 up, where others have an id.
    pub fn numbered(at: Timestamp, number: i64) -> Self {
        let id = Uuid::from_u128(number.unsigned_abs().into());
        Self { at, id }
    }

    /// The number of such an element.
    pub fn number(&self) -> i64 {
        i64::try_from(self.id.as_u128()).unwrap_or(i64::MAX)
    }
}

/// An element of an ordered answer, which can be walked through by cursor.
pub trait Placed {
    /// Where it stands.
    fn position(&self) -> Position;
}

/// On which side of a position a page lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Behind it, in the order of the answer.
    After,
    /// In front of it.
    Before,
}

/// Where the next or the previous page is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The side of [`Self::position`] on which the page lies; the position itself is not on it.
    pub side: Side,
    /// The position.
    pub position: Position,
    /// The lower bound of time that the first page had: "24 hours ago" must not move along.
    pub since: Option<Timestamp>,
    /// The upper bound of time, likewise.
    pub until: Option<Timestamp>,
}

impl Cursor {
    /// The cursor as bytes. Times are cut to microseconds.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut flags = 0;
        if self.side == Side::Before {
            flags |= BEFORE;
        }
        if self.since.is_some() {
            flags |= HAS_SINCE;
        }
        if self.until.is_some() {
            flags |= HAS_UNTIL;
        }
        let mut bytes = vec![VERSION, flags];
        bytes.extend(micros(self.position.at));
        bytes.extend(self.position.id.as_bytes());
        for bound in [self.since, self.until].into_iter().flatten() {
            bytes.extend(micros(bound));
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, and nothing else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[version, flags], rest) = bytes.split_first_chunk()?;
        if version != VERSION || flags & !(BEFORE | HAS_SINCE | HAS_UNTIL) != 0 {
            return None;
        }
        let (at, rest) = time(rest)?;
        let (id, rest) = rest.split_first_chunk()?;
        let (since, rest) = optional(flags & HAS_SINCE != 0, rest)?;
        let (until, rest) = optional(flags & HAS_UNTIL != 0, rest)?;
        rest.is_empty().then_some(Self {
            side: match flags & BEFORE {
                0 => Side::After,
                _ => Side::Before,
            },
            position: Position {
                at,
                id: Uuid::from_bytes(*id),
            },
            since,
            until,
        })
    }
}

fn micros(at: Timestamp) -> [u8; 8] {
    truncate_to_micros(at).as_microsecond().to_be_bytes()
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (micros, rest) = bytes.split_first_chunk()?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(*micros)).ok()?;
    Some((at, rest))
}

fn optional(is_there: bool, bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    if !is_there {
        return Some((None, bytes));
    }
    let (at, rest) = time(bytes)?;
    Some((Some(at), rest))
}

/// The question a cursor belongs to, in one canonical form: the same for two questions only if they
/// are the same question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope(Vec<u8>);

impl Scope {
    /// All of the resource `name`.
    pub fn of(name: &'static str) -> Self {
        Self(Vec::new()).with(name, "")
    }

    /// Narrowed by a condition. The order of conditions matters: callers add them in one order.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        for text in [name, value] {
            // Lengths in front, so that no text can look like the end of another.
            let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
            self.0.extend(length.to_be_bytes());
            self.0.extend(text.as_bytes());
        }
        self
    }

    /// The canonical form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(since: Option<&str>, until: Option<&str>, side: Side) -> Cursor {
        let time = |text: &str| text.parse().unwrap();
        Cursor {
            side,
            position: Position {
                at: time("1969-12-31T23:59:59.999999Z"),
                id: Uuid::from_u128(u128::MAX - 7),
            },
            since: since.map(time),
            until: until.map(time),
        }
    }

    #[test]
    fn what_is_handed_out_comes_back() {
        let (early, late) = (Some("0001-01-01T00:00:00Z"), Some("9999-12-30T00:00:00.5Z"));
        for since in [None, early, late] {
            for until in [None, early, late] {
                for side in [Side::After, Side::Before] {
                    let cursor = cursor(since, until, side);
                    assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let good = cursor(Some("2026-11-21T10:00:00Z"), None, Side::After).to_bytes();
        for length in 0..good.len() {
            assert_eq!(Cursor::from_bytes(&good[..length]), None, "{length}");
        }
        let longer = [&good[..], &[0]].concat();
        assert_eq!(Cursor::from_bytes(&longer), None);
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Cursor::from_bytes(&bytes)
        };
        assert_eq!(with(0, 2), None, "another version");
        assert_eq!(with(1, 0b1010), None, "an unknown flag");
        assert_eq!(with(1, 0), None, "a bound too many");
        assert_eq!(with(2, 0x7f), None, "a time beyond the calendar");
    }

    #[test]
    fn numbers_have_positions_of_their_own() {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        for number in [0, 1, i64::MAX] {
            assert_eq!(Position::numbered(at, number).number(), number);
        }
        let id = Uuid::max();
        assert_eq!(Position { at, id }.number(), i64::MAX);
    }

    #[test]
    fn times_are_cut_to_what_the_store_keeps() {
        let fine = cursor(Some("2026-11-21T10:00:00.123456789Z"), None, Side::After);
        let cut = cursor(Some("2026-11-21T10:00:00.123456Z"), None, Side::After);
        assert_eq!(Cursor::from_bytes(&fine.to_bytes()), Some(cut));
    }

    #[test]
    fn different_questions_have_different_scopes() {
        let scope = |parts: &[(&str, &str)]| {
            let all = Scope::of("events");
            parts
                .iter()
                .fold(all, |scope, (name, value)| scope.with(name, value))
        };
        let scopes = [
            Scope::of("event"),
            scope(&[]),
            scope(&[("a", "")]),
            scope(&[("a", "b")]),
            scope(&[("ab", "")]),
            scope(&[("", "ab")]),
            scope(&[("a", "b"), ("c", "d")]),
            scope(&[("a", "bc"), ("", "d")]),
            scope(&[("a", "b\0\0\0\0\0\0\0\u{1}cd")]),
        ];
        for (index, one) in scopes.iter().enumerate() {
            for other in &scopes[index + 1..] {
                assert_ne!(one, other);
            }
        }
    }
}
