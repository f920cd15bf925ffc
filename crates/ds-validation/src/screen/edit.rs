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
}

impl Edit {
    /// A string instead of the value or name at `range`.
    pub(super) fn value(range: Range<usize>, text: &str) -> Self {
        Self {
            range,
            text: quoted(text).into(),
        }
    }

    /// The placeholder instead of all that stands between the quotes of the string at `range`.
    pub(super) fn text(range: Range<usize>) -> Self {
        Self {
            range: range.start + 1..range.end - 1,
            text: PLACEHOLDER.into(),
        }
    }

    /// The placeholder instead of each of `spans` of the text of the string at `range`.
    pub(super) fn parts<'s>(
        json: &str,
        range: Range<usize>,
        spans: &'s [Span],
    ) -> impl Iterator<Item = Self> + use<'s> {
        let origins = origins(&json[range.clone()]);
        let at = move |offset: usize| {
            let origin = match &origins {
                None => Some(offset + 1),
                Some(origins) => origins.get(offset).copied(),
            };
            range.start + origin.unwrap_or(range.len() - 1)
        };
        spans.iter().map(move |span| Self {
            range: at(span.range.start)..at(span.range.end),
            text: PLACEHOLDER.into(),
        })
    }
}

/// `json` with the replacements made.
pub(super) fn cut_in(json: &str, mut edits: Vec<Edit>) -> String {
    // Of two rules that found the same value, the one that replaces more of it counts.
    edits.sort_by_key(|edit| (edit.range.start, Reverse(edit.range.end)));
    let mut clean = String::with_capacity(json.len() + edits.len() * PLACEHOLDER.len());
    let mut at = 0;
    for Edit { range, text } in edits {
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

/// For each byte of a string's text, and for its end, where it stands in `raw`; `None` when that is
/// just behind the quote.
fn origins(raw: &str) -> Option<Vec<usize>> {
    if !raw.contains('\\') {
        return None;
    }
    let end = raw.len() - 1;
    let (mut origins, mut at) = (Vec::with_capacity(raw.len()), 1);
    while at < end {
        let (bytes, length) = match raw.as_bytes()[at] {
            b'\\' => {
                let (character, length) = json::unescape(&raw[at..]);
                (character.len_utf8(), length)
            }
            _ => (1, 1),
        };
        origins.extend(std::iter::repeat_n(at, bytes));
        at += length;
    }
    origins.push(end);
    Some(origins)
}
