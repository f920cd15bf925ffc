//! Secrets in texts: found by their shape, replaced by a placeholder.
//!
//! Events describe what went wrong, and what went wrong often quotes a connection string, a header or
//! a command line. [`redact`] takes the secret out and leaves everything else as it was, so that the
//! text stays evidence: who connected to which host survives, the password does not.
//!
//! A rule is a line in the registry, `secret/rules.rs`: what it looks for, which part is the secret,
//! and what a match must look like to be believed. Every pattern takes time linear in the text.

mod base64;
mod credible;
mod evidence;
mod manifest;
pub(crate) mod name;
mod rules;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::{json, screen};
use credible::is_block_indicator;
pub(crate) use credible::{is_plain_base64, is_secret_of_name, is_secret_value};
use rules::{Hit, RULES, Rule};

/// What stands where a secret stood.
pub const PLACEHOLDER: &str = "[REDACTED]";

/// A text without its secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redacted<'t> {
    /// The text; borrowed when it is the one that was given.
    pub text: Cow<'t, str>,
    /// The rules that found something, each once.
    pub rules: Vec<&'static str>,
}

/// Takes the secrets out of `text`. What was redacted before stays as it is.
///
/// ```
/// let found = ds_validation::secret::redact("dial postgres://app:s3cr3t@db:5432/shop: refused");
/// assert_eq!(found.text, "dial postgres://app:[REDACTED]@db:5432/shop: refused");
/// assert_eq!(found.rules, ["postgresql-url"]);
/// ```
pub fn redact(text: &str) -> Redacted<'_> {
    let spans = find(text);
    if spans.is_empty() {
        return Redacted {
            text: Cow::Borrowed(text),
            rules: Vec::new(),
        };
    }
    Redacted {
        text: Cow::Owned(without(text, &spans)),
        rules: rules_of(&spans),
    }
}

/// The names of all rules, in the order in which they are asked: a closed set, safe as metric labels.
pub fn rule_names() -> impl Iterator<Item = &'static str> {
    RULES
        .iter()
        .map(|rule| rule.name)
        .chain(name::OWN_RULES.iter().copied())
}

/// A secret in a text: where it stands, and the rule that found it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) rule: &'static str,
    rank: usize,
}

impl Span {
    /// A secret that no pattern found.
    pub(crate) fn new(range: Range<usize>, rule: &'static str) -> Self {
        Self {
            range,
            rule,
            rank: RULES.len(),
        }
    }
}

/// How often JSON may be the text of a string of JSON and still be read: beyond that it is a text.
pub(crate) const LEVELS_MAX: usize = 3;

/// The secrets of `text`, in their order, none touching another.
pub(crate) fn find(text: &str) -> Vec<Span> {
    find_within(text, LEVELS_MAX)
}

/// Like [`find`]. A text that is JSON as a whole is read as JSON, so that it does not matter how its
/// names are spelled, so many `levels` deep.
pub(crate) fn find_within(text: &str, levels: usize) -> Vec<Span> {
    let bytes = text.as_bytes();
    let may_be_json = levels > 0 && looks_like_container(text);
    let is_suspect = is_suspect(bytes) || (may_be_json && text.contains("\\u00"));
    if !is_suspect {
        return Vec::new();
    }
    if may_be_json && json::is_json(text) {
        return merged(screen::secrets_of_json(text, levels - 1));
    }
    let mut spans = Vec::new();
    for rank in PATTERNS.set.matches(bytes) {
        collect(text, rank, &mut spans);
    }
    let manifest = manifest::find(text).into_iter();
    spans.extend(manifest.map(|range| Span::new(range, name::SECRET_OBJECT)));
    spans.sort_by_key(|span| (span.range.start, span.rank));
    merged(spans)
}

/// Whether `text` may be an object or an array.
fn looks_like_container(text: &str) -> bool {
    let text = text.trim_ascii().as_bytes();
    matches!(text, [b'{', .., b'}'] | [b'[', .., b']'])
}

/// The secrets of `text`, which is the value of an authorization header.
pub(crate) fn find_in_header(text: &str, levels: usize) -> Vec<Span> {
    let spans = find_within(text, levels);
    let credentials = credible::credentials(text).filter(|_| spans.is_empty());
    match credentials {
        Some(start) => vec![Span {
            range: start..text.len(),
            rule: "authorization-header",
            rank: 0,
        }],
        None => spans,
    }
}

/// `text` with the placeholder in place of each span.
pub(crate) fn without(text: &str, spans: &[Span]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        clean.push_str(&text[at..span.range.start]);
        clean.push_str(PLACEHOLDER);
        at = span.range.end;
    }
    clean.push_str(&text[at..]);
    clean
}

/// The rules of `spans`, each once.
pub(crate) fn rules_of(spans: &[Span]) -> Vec<&'static str> {
    let mut rules: Vec<&'static str> = Vec::new();
    for span in spans {
        if !rules.contains(&span.rule) {
            rules.push(span.rule);
        }
    }
    rules
}

/// Whether `text` holds a word that some rule needs. It may be the text of JSON, escapes and all.
pub(crate) fn is_suspect(text: &[u8]) -> bool {
    PATTERNS.hints.is_match(text)
}

/// What makes a text worth a closer look, as alternatives of one pattern.
pub(crate) fn hints() -> impl Iterator<Item = &'static str> {
    let of_rules = RULES.iter().map(|rule| rule.hint);
    of_rules.chain([manifest::HINT])
}

/// The registry, compiled.
struct Patterns {
    hints: Regex,
    set: RegexSet,
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let hints: Vec<&str> = hints().collect();
    Patterns {
        hints: pattern(&hints.join("|")),
        set: set(RULES),
        each: RULES.iter().map(|rule| pattern(rule.pattern)).collect(),
    }
});

/// Compiles a constant pattern, for bytes: classes are ASCII, and every secret begins behind an ASCII
/// character and ends before one, so that no character is cut.
#[expect(
    clippy::expect_used,
    reason = "patterns are constants, and a test compiles them all"
)]
pub(crate) fn pattern(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .case_insensitive(true)
        .multi_line(true)
        .build()
        .expect("pattern compiles")
}

#[expect(
    clippy::expect_used,
    reason = "patterns are constants, and a test compiles them all"
)]
fn set(rules: &[Rule]) -> RegexSet {
    RegexSetBuilder::new(rules.iter().map(|rule| rule.pattern))
        .unicode(false)
        .case_insensitive(true)
        .multi_line(true)
        .build()
        .expect("patterns compile")
}

/// Adds the secrets that one rule finds.
fn collect(text: &str, rank: usize, spans: &mut Vec<Span>) {
    let (Some(rule), Some(regex)) = (RULES.get(rank), PATTERNS.each.get(rank)) else {
        return;
    };
    // A block of YAML is longer than its match, and what is in it is covered.
    let mut covered = 0;
    for found in regex.captures_iter(text.as_bytes()) {
        let Some(whole) = found.get(0) else { continue };
        let keys = ["key", "inner", "inner2", "inner3"];
        let key = keys.iter().find_map(|name| found.name(name));
        let is_key = |group: Range<usize>| key.is_some_and(|key| key.range() == group);
        // The one group that took part and is not the key; a pattern without groups is all secret.
        let secret = (1..found.len())
            .filter_map(|group| found.get(group))
            .map(|group| group.range())
            .find(|range| !is_key(range.clone()))
            .unwrap_or(whole.range());
        let hit = Hit {
            text,
            key: key.map_or(secret.start..secret.start, |key| key.range()),
            range: trimmed(text, secret),
        };
        let range = block(text, &hit.key, hit.range.clone());
        if range.start < covered {
            continue;
        }
        let hit = Hit { range, ..hit };
        if text.get(hit.range.clone()).is_some()
            && !hit.range.is_empty()
            && (rule.is_credible)(&hit)
        {
            let (range, rule) = (hit.range, rule.name);
            covered = range.end;
            spans.push(Span { range, rule, rank });
        }
    }
}

/// A value without a closing bracket that was opened before it: `map[password:x]`, `(token=x)`.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    if !value.ends_with([')', ']']) {
        return range;
    }
    // Taking closing brackets away changes nothing about the opening ones.
    let (has_round, has_square) = (value.contains('('), value.contains('['));
    let is_surplus = |c: char| (c == ')' && !has_round) || (c == ']' && !has_square);
    range.start..range.start + value.trim_end_matches(is_surplus).len()
}

/// The lines that stand indented below the key at `key`, when the value is `|` or `>`: a block of YAML.
fn block(text: &str, key: &Range<usize>, value: Range<usize>) -> Range<usize> {
    if !text.get(value.clone()).is_some_and(is_block_indicator) {
        return value;
    }
    // No further than to what follows: a line may hold many.
    let rest = text.get(value.end..).unwrap_or_default();
    let below = rest.trim_start_matches([' ', '\t', '\r']);
    if !below.starts_with('\n') {
        return value;
    }
    let lead = text.get(..key.start).unwrap_or_default();
    let lead = lead.rsplit('\n').next().unwrap_or_default();
    let indent = lead.len() - lead.trim_start_matches([' ', '-']).len();
    let mut lines: Option<Range<usize>> = None;
    let mut at = text.len() - below.len() + 1;
    for line in text.get(at..).unwrap_or_default().split('\n') {
        let inner = line.trim_start_matches(' ');
        let depth = line.len() - inner.len();
        let inner = inner.trim_end();
        if !inner.is_empty() {
            if depth <= indent {
                break;
            }
            let start = lines.map_or(at + depth, |lines| lines.start);
            lines = Some(start..at + depth + inner.len());
        }
        at += line.len() + 1;
    }
    lines.unwrap_or(value)
}

/// Joins what overlaps; the rule that stands first in the registry gives the name.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.range.start < last.range.end => {
                last.range.end = last.range.end.max(span.range.end);
                if span.rank < last.rank {
                    (last.rank, last.rule) = (span.rank, span.rule);
                }
            }
            Some(_) | None => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
