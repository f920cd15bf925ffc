//! Kubernetes secrets in YAML: `data` and `stringData` of an object of kind `Secret`, whatever their
//! keys are called.
//!
//! This is no reader of YAML. Lines and how far they are indented tell which members an object has.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{block, is_plain_base64, is_secret_value};

/// What such a text holds, as the hint of a rule.
pub(super) const HINT: &str = r#"kind: *["'\\]*Secret"#;

/// A line with something on it.
struct Line<'t> {
    /// Where its member begins, behind blanks and the dash of a list.
    start: usize,
    /// How far that is from the line's start.
    indent: usize,
    /// Which item of a list at this depth, or which document, it belongs to.
    group: usize,
    text: &'t str,
}

/// Where the values stand.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    if !text.contains("Secret") {
        return Vec::new();
    }
    let secrets: HashSet<(usize, usize)> = lines(text)
        .filter(|line| {
            let kind = line.text.strip_prefix("kind:").map(unquoted);
            kind.is_some_and(|kind| kind == "Secret")
        })
        .map(|line| (line.indent, line.group))
        .collect();
    if secrets.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut section: Option<(usize, bool)> = None;
    for line in lines(text) {
        if found.last().is_some_and(|range| line.start < range.end) {
            continue;
        }
        if section.is_some_and(|(indent, _)| line.indent <= indent) {
            section = None;
        }
        match section {
            Some((_, is_plain)) => found.extend(value(text, &line, is_plain)),
            None if secrets.contains(&(line.indent, line.group)) => {
                section = match line.text.trim_end() {
                    "data:" => Some((line.indent, false)),
                    "stringData:" => Some((line.indent, true)),
                    _ => None,
                };
            }
            None => {}
        }
    }
    found
}

/// The value of the member that stands on this line, if it is a secret.
fn value(text: &str, line: &Line<'_>, is_plain: bool) -> Option<Range<usize>> {
    let colon = line.text.find(": ")?;
    let value = line.text.get(colon + 1..)?;
    let inner = unquoted(value);
    let at = line.start + colon + 1 + value.find(inner)?;
    let range = block(text, &(line.start..line.start), at..at + inner.len());
    let value = text.get(range.clone())?;
    let packed: String = value.split_ascii_whitespace().collect();
    (is_secret_value(value) && (is_plain || is_plain_base64(&packed))).then_some(range)
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// The lines of `text` that hold something.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut groups: HashMap<usize, usize> = HashMap::new();
    let (mut at, mut documents) = (0, 0);
    text.split('\n').filter_map(move |whole| {
        let start = at;
        at += whole.len() + 1;
        if whole.starts_with("---") {
            documents += 1;
            groups.clear();
        }
        let text = whole.trim_start_matches([' ', '-']);
        let indent = whole.len() - text.len();
        if whole.get(..indent).is_some_and(|lead| lead.contains('-')) {
            *groups.entry(indent).or_default() += 1;
        }
        // Groups of documents do not meet: no list has so many items.
        let group = (documents << 32) + groups.get(&indent).copied().unwrap_or_default();
        let is_comment = text.trim_end().is_empty() || text.starts_with('#');
        (!is_comment).then_some(Line {
            start: start + indent,
            indent,
            group,
            text,
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::secret::redact;

    #[track_caller]
    fn check(text: &str, clean: &str) {
        assert_eq!(redact(text).text, clean, "{text}");
        assert_eq!(redact(clean).text, clean, "{clean}");
    }

    #[test]
    fn values_of_secrets_go_whatever_their_keys_are() {
        check(
            "apiVersion: v1\ndata:\n  user: YWRtaW4=\n  n: \"aHVudGVyMg==\"\nkind: Secret\nmetadata:\n  name: db",
            "apiVersion: v1\ndata:\n  user: [REDACTED]\n  n: \"[REDACTED]\"\nkind: Secret\nmetadata:\n  name: db",
        );
        check(
            "kind: Secret\nstringData:\n  a: letmein\n  b: |\n    one\n\n    two\n  c: ${X}\ntype: Opaque",
            "kind: Secret\nstringData:\n  a: [REDACTED]\n  b: |\n    [REDACTED]\n  c: ${X}\ntype: Opaque",
        );
    }

    #[test]
    fn other_objects_stay_as_they_are() {
        for text in [
            "kind: ConfigMap\ndata:\n  a: YWRtaW4=\n---\nkind: Secret\nmetadata:\n  name: db",
            "items:\n- data:\n    a: YWRtaW4=\n  kind: ConfigMap\n- kind: Secret\n  metadata:\n    data: YWRtaW4=",
            "kind: Secret\ndata:\n  phase: rotated\n",
            "kind: SecretStore\ndata:\n  a: YWRtaW4=",
        ] {
            check(text, text);
        }
        check(
            "items:\n- data:\n    a: YWRtaW4=\n  kind: ConfigMap\n- data:\n    a: YWRtaW4=\n  kind: Secret\n",
            "items:\n- data:\n    a: YWRtaW4=\n  kind: ConfigMap\n- data:\n    a: [REDACTED]\n  kind: Secret\n",
        );
    }
}
