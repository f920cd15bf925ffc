//! Markup and SQL where text is expected: noticed, never altered.
//!
//! An audit store keeps what happened, an attempted attack included, and its own SQL is made of
//! constants and bound values. So `<script>` and `'; DROP TABLE` are stored as they came and flagged,
//! for whoever shows them to people or looks for those who try. Only whole shapes count: words such
//! as `delete_pod` or `select` are the daily business of events.

use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use crate::secret::pattern;

/// What a text looks like.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flag {
    /// It would run a script if it were shown as HTML.
    Xss,
    /// It would change a statement it was pasted into.
    SqlInjection,
}

impl Flag {
    /// Every flag, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Xss, Self::SqlInjection];

    /// The stable code of the flag: in the event's metadata and as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xss => "xss_detected",
            Self::SqlInjection => "sql_injection_detected",
        }
    }
}

/// The flags that `text` deserves, each once.
///
/// ```
/// use ds_validation::markup::{Flag, flags};
///
/// assert_eq!(flags("'; DROP TABLE audit_events; --"), [Flag::SqlInjection]);
/// assert_eq!(flags("delete_pod; select a drop-in"), []);
/// ```
pub fn flags(text: &str) -> Vec<Flag> {
    if !PATTERNS.hints.is_match(text.as_bytes()) {
        return Vec::new();
    }
    let mut flags = Vec::new();
    for (shape, regex) in SHAPES.iter().zip(&PATTERNS.each) {
        let is_new = !flags.contains(&shape.flag);
        let mut matches = regex.captures_iter(text.as_bytes());
        if is_new && matches.any(|found| (shape.is_credible)(text, &found)) {
            flags.push(shape.flag);
        }
    }
    flags
}

/// What makes a text worth a closer look, as alternatives of one pattern. They match the JSON text of
/// a string as well.
pub(crate) fn hints() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|shape| shape.hint)
}

/// One shape that is flagged.
struct Shape {
    flag: Flag,
    hint: &'static str,
    pattern: &'static str,
    is_credible: fn(&str, &Captures<'_>) -> bool,
}

const fn xss(hint: &'static str, pattern: &'static str) -> Shape {
    Shape {
        flag: Flag::Xss,
        hint,
        pattern,
        is_credible: always,
    }
}

const fn sql(
    hint: &'static str,
    pattern: &'static str,
    is_credible: fn(&str, &Captures<'_>) -> bool,
) -> Shape {
    Shape {
        flag: Flag::SqlInjection,
        hint,
        pattern,
        is_credible,
    }
}

/// Every shape. Patterns are ASCII and ignore case.
#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    // Elements that run or load something.
    xss(r"(?:<|\\u003c)[\s/]*(?:script|iframe|object|embed|applet)",
        r"<[\s/]*(?:script|iframe|object|embed|applet)(?:[\s/>]|$)"),
    // An event handler inside of a tag, closed or not.
    xss(r#"[\s/"'\\nt]on[a-z]{3,24}\s*="#,
        r#"<[a-z][^<>]*[\s/"']on[a-z]{3,24}\s*="#),
    // A URL that is a script.
    xss("(?:java|vb)script:|data:text/html",
        r#"(?:^|[\s"'=(])(?:java|vb)script:[^\s]|(?:href|src|action|data)\s*=\s*["']?\s*data:text/html|^data:text/html[,;]"#),
    sql(r"\bunion[\s/*\\a-z]+select",
        r"\bunion(?:\s|/\*.*?\*/)+(?:(?:all|distinct)(?:\s|/\*.*?\*/)+)?select\b",
        always),
    // A second statement behind the first.
    sql(r"[;'][\s\\nrt;]*(?:drop|truncate|alter|delete|insert|update|exec|grant)\b",
        r"[;'][\s;]*(?:(?:drop|truncate|alter)\s+(?:table|database|schema|index|view|user|role)\s+\S|delete\s+from\s+\S|insert\s+into\s+\S|update\s+\S+\s+set\s+\S|exec(?:ute)?\s+(?:xp_|sp_|immediate\b)|grant\s+\S+\s+(?:on|to)\s)",
        always),
    // Something that is always true.
    sql(r#"\bor\b[\s\\nrt(]+['"\\]*[a-z0-9_]+['"\\]*\s*(?:=|like)"#,
        r#"\bor\s+\(*\s*['"]?([a-z0-9_]+)['"]?\s*(?:=|\blike\b)\s*['"]?([a-z0-9_]+)"#,
        is_tautology),
    // A quote that ends nothing, and a comment that hides the rest.
    sql(r"'[\s);]*(?:--|#|/\*)",
        r"'[\s);]*(?:--|#|/\*)[^'\r\n]{0,8}\z",
        has_odd_quotes),
    sql(r"xp_cmdshell|waitfor\s+delay|into\s+(?:out|dump)file",
        r"\bxp_cmdshell\b|\bwaitfor\s+delay\s+'|\binto\s+(?:out|dump)file\s+'",
        always),
];

fn always(_text: &str, _found: &Captures<'_>) -> bool {
    true
}

/// `1=1`, `'a'='a`: both sides are the same.
fn is_tautology(_text: &str, found: &Captures<'_>) -> bool {
    match (found.get(1), found.get(2)) {
        (Some(left), Some(right)) => left.as_bytes().eq_ignore_ascii_case(right.as_bytes()),
        (Some(_) | None, _) => false,
    }
}

fn has_odd_quotes(text: &str, _found: &Captures<'_>) -> bool {
    !text.matches('\'').count().is_multiple_of(2)
}

/// The shapes, compiled.
struct Patterns {
    hints: Regex,
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let hints: Vec<&str> = hints().collect();
    Patterns {
        hints: pattern(&hints.join("|")),
        each: SHAPES.iter().map(|shape| pattern(shape.pattern)).collect(),
    }
});

#[cfg(test)]
mod tests;
