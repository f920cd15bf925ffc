//! What a payload holds, noted while it is read: the names and types of its members, as deep as the
//! kinds of events describe them. The check of a payload needs no second pass over its text.

use std::borrow::Cow;

use ds_domain::kind::FIELD_DEPTH_MAX;

use super::{Kind, Value};

/// The members of one payload, each before those inside it.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    parts: Vec<Part<'a>>,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// How many objects of the payload it is inside of.
    pub(crate) depth: usize,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: Kind,
    /// Whether it is a number without a fractional part.
    pub(crate) is_integer: bool,
    /// The types of what it holds, if it is an object or array.
    pub(crate) inside: Kinds,
}

/// A set of JSON types.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// Adds one.
    pub(crate) fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether there is no other than `kind`.
    pub(crate) fn are_all(self, kind: Kind) -> bool {
        self.0 & !(1 << kind as u8) == 0
    }
}

impl<'a> Outline<'a> {
    /// Begins to note a member at `depth`, unless nobody asks for what is so deep. Returns where it
    /// is noted.
    pub(super) fn enter(&mut self, depth: usize, name: Cow<'a, str>) -> Option<usize> {
        if depth >= FIELD_DEPTH_MAX {
            return None;
        }
        if self.parts.is_empty() {
            self.parts.reserve(32);
        }
        self.parts.push(Part {
            depth,
            name,
            kind: Kind::Null,
            is_integer: false,
            inside: Kinds::default(),
        });
        Some(self.parts.len() - 1)
    }

    /// Completes the note at `place`: the member holds `value`, with `inside` in it.
    pub(super) fn leave(&mut self, place: usize, value: &Value<'_>, inside: Kinds) {
        if let Some(part) = self.parts.get_mut(place) {
            part.kind = value.kind;
            part.is_integer = value.kind == Kind::Number && is_integer(value.text);
            part.inside = inside;
        }
    }

    /// Every member of the payload.
    pub(crate) fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }
}

/// Whether the number `text` has no fractional part, however it is written.
fn is_integer(text: &str) -> bool {
    if !text.contains(['.', 'e', 'E']) {
        return true;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('-');
    if fraction.is_empty() && whole.bytes().all(|digit| digit == b'0') {
        return true;
    }
    // Beyond these bounds lies no number that passed the reader.
    let exponent: i64 = exponent.parse().unwrap_or(i64::MIN);
    let zeros = match fraction {
        "" => whole.len() - whole.trim_end_matches('0').len(),
        _ => 0,
    };
    let length = |digits: usize| i64::try_from(digits).unwrap_or(i64::MAX);
    length(fraction.len()) <= exponent.saturating_add(length(zeros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_numbers_without_a_fraction_however_they_are_written() {
        for text in [
            "0",
            "-7",
            "1.0",
            "1e3",
            "1.50e1",
            "-0.0",
            "0e-9",
            "120e-1",
            "9007199254740993",
        ] {
            assert!(is_integer(text), "{text}");
        }
        for text in ["0.5", "1.05e1", "1e-1", "-12.5", "123e-1", "100e-3"] {
            assert!(!is_integer(text), "{text}");
        }
    }

    #[test]
    fn sets_of_types_know_what_is_not_in_them() {
        let mut kinds = Kinds::default();
        assert!(kinds.are_all(Kind::String));
        kinds.add(Kind::String);
        assert!(kinds.are_all(Kind::String));
        kinds.add(Kind::Null);
        assert!(!kinds.are_all(Kind::String));
    }
}
