//! Replacements that are cut into a JSON text.

use std::{borrow::Cow, cmp::Reverse, ops::Range};

use crate::{
    json,
    secret::{PLACEHOLDER, Span},
};

use super::note::quoted;

/// A piece of the text that is replaced.
pub(super) struct Edit {
    range: Range<usize>,
    text: Cow<'static, str>,
    rule: &'static str,
}

impl Edit {
    /// A string instead of the value or name at `range`.
    pub(super) fn value(range: Range<usize>, text: &str, rule: &'static str) -> Self {
        Self {
            range,
            text: quoted(text).into(),
            rule,
        }
    }

    /// The placeholder instead of all that stands between the quotes of the string at `range`.
    pub(super) fn text(range: Range<usize>, rule: &'static str) -> Self {
        Self {
            range: range.start + 1..range.end - 1,
            text: PLACEHOLDER.into(),
            rule,
        }
    }

    /// What is replaced, as a secret of the text.
    pub(super) fn into_span(self) -> Span {
        Span::new(self.range, self.rule)
    }

    /// The placeholder instead of each of `spans` of the text of the string at `range`.
    pub(super) fn parts<'s>(
        json: &'s str,
        range: Range<usize>,
        spans: &'s [Span],
    ) -> impl Iterator<Item = Self> {
        let mut origins = Origins::of(&json[range.clone()]);
        let mut at = move |offset| range.start + origins.at(offset);
        spans.iter().map(move |span| Self {
            range: at(span.range.start)..at(span.range.end),
            text: PLACEHOLDER.into(),
            rule: span.rule,
        })
    }
}

/// `json` with the replacements made.
pub(super) fn cut_in(json: &str, mut edits: Vec<Edit>) -> String {
    // Of two rules that found the same value, the one that replaces more of it counts.
    edits.sort_by_key(|edit| (edit.range.start, Reverse(edit.range.end)));
    let mut clean = String::with_capacity(json.len() + edits.len() * PLACEHOLDER.len());
    let mut at = 0;
    for Edit { range, text, .. } in edits {
        if range.start < at {
            continue;
        }
        clean.push_str(&json[at..range.start]);
        clean.push_str(&text);
        at = range.end;
    }
    clean.push_str(&json[at..]);
    clean
}

/// Where bytes of a string's text stand in its JSON; asked from front to back, in one walk.
struct Origins<'r> {
    /// The string with its quotes.
    raw: &'r str,
    /// A place in it, and the byte of the text that stands there.
    place: usize,
    offset: usize,
    /// The next escape at or behind that place, or the closing quote.
    escape: usize,
}

impl<'r> Origins<'r> {
    fn of(raw: &'r str) -> Self {
        let mut origins = Self {
            raw,
            place: 1,
            offset: 0,
            escape: 0,
        };
        origins.find_escape();
        origins
    }

    /// Where the byte at `offset` stands, or what ends the text.
    fn at(&mut self, offset: usize) -> usize {
        loop {
            let step = (offset - self.offset).min(self.escape - self.place);
            self.place += step;
            self.offset += step;
            if self.offset >= offset || self.place >= self.end() {
                return self.place;
            }
            let (character, length) = json::unescape(&self.raw[self.place..]);
            self.offset += character.len_utf8();
            self.place += length;
            self.find_escape();
        }
    }

    fn find_escape(&mut self) {
        let rest = self.raw.get(self.place..self.end()).unwrap_or_default();
        self.escape = self.place + rest.find('\\').unwrap_or(rest.len());
    }

    /// The place of the closing quote.
    fn end(&self) -> usize {
        self.raw.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_text_are_found_behind_escapes() {
        // ü stands for itself and for an escape, the rocket for two of them.
        let raw = r#""aü\n\u00fcb\\\ud83d\ude80c""#;
        let text = json::decode(raw);
        assert_eq!(text, "aü\nüb\\🚀c");
        let mut origins = Origins::of(raw);
        let mut found = |needle| origins.at(text.find(needle).unwrap_or(text.len()));
        let expected = |needle| raw.find(needle).unwrap();
        assert_eq!(found("a"), 1);
        assert_eq!(found("\n"), expected(r"\n"));
        assert_eq!(found("b"), expected("b"));
        assert_eq!(found("🚀"), expected(r"\ud83d"));
        assert_eq!(Some(found("c")), raw.rfind('c'));
        assert_eq!(found("not there"), raw.len() - 1);
    }
}
