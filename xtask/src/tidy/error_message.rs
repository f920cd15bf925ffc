//! Error messages: `Display` says what this layer failed to do, `source()` says why. A message that
//! interpolates its own source prints it twice wherever the chain is printed.

use super::Finding;

/// Finds `#[error("…{field}…")]` where the field is the variant's source.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, _) in text.match_indices("#[error(\"") {
        let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let begins_line = text[line_start..at].trim().is_empty();
        let Some((message, rest)) = begins_line.then(|| literal(&text[at + 8..])).flatten() else {
            continue;
        };
        let Some(fields) = rest.split_once(']').and_then(|(_, item)| fields(item)) else {
            continue;
        };
        for source in sources(fields) {
            if interpolates(message, &source) {
                let line = text[..at].matches('\n').count() + 1;
                let message = format!("the message interpolates its source {{{source}}}");
                findings.push(Finding::new(path, line, message));
            }
        }
    }
    findings
}

/// The contents of the string literal `text` begins with, and what follows it.
fn literal(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&body[..end], &body[end + 1..]))
}

/// What is between the brackets of the variant or struct that follows, if it has any.
fn fields(item: &str) -> Option<&str> {
    let open = item.find(['(', '{', ',', '}', ';'])?;
    let close = match item[open..].chars().next()? {
        '(' => ')',
        '{' => '}',
        _ => return None,
    };
    let body = &item[open + 1..];
    let mut depth = 0;
    for (at, c) in body.char_indices() {
        match c {
            '(' | '{' | '[' | '<' => depth += 1,
            c if c == close && depth == 0 => return Some(&body[..at]),
            ')' | '}' | ']' | '>' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Names (or positions) of the fields that are sources.
fn sources(fields: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (position, field) in split_fields(fields).into_iter().enumerate() {
        let code = field
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"));
        let code: String = code.collect::<Vec<_>>().join(" ");
        let marked = code.contains("#[source]") || code.contains("#[from]");
        let declaration = code
            .rsplit_once(']')
            .filter(|_| marked)
            .map_or(&*code, |(_, rest)| rest);
        // `std::io::Error` is a type, `source: Error` a name and a type.
        let name = declaration
            .split_once(':')
            .filter(|(_, kind)| !kind.starts_with(':'));
        let name = name.map(|(name, _)| name.trim().trim_start_matches("pub "));
        if marked || name == Some("source") {
            found.push(name.map_or_else(|| position.to_string(), str::to_owned));
        }
    }
    found
}

fn split_fields(fields: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in fields.char_indices() {
        match c {
            '(' | '{' | '[' | '<' => depth += 1,
            ')' | '}' | ']' | '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&fields[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&fields[start..]);
    parts
}

fn interpolates(message: &str, field: &str) -> bool {
    message.replace("{{", "").split('{').skip(1).any(|after| {
        let name = after.split(['}', ':']).next().unwrap_or_default();
        name == field
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(variant: &str) -> usize {
        check(
            "a.rs",
            &format!("enum E {{\n    {variant}\n    Last,\n}}\n"),
        )
        .len()
    }

    #[test]
    fn sources_stay_out_of_messages() {
        assert_eq!(
            findings("#[error(\"cannot read\")]\n Read(#[from] std::io::Error),"),
            0
        );
        assert_eq!(
            findings("#[error(\"cannot read: {0}\")]\n Read(#[from] std::io::Error),"),
            1
        );
        assert_eq!(
            findings("#[error(\"no: {source:?}\")]\n Read { path: P, source: Io },"),
            1
        );
        assert_eq!(
            findings("#[error(\"no: {why}\")]\n Read {\n #[source]\n why: Box<dyn E>, n: u8 },"),
            1
        );
    }

    #[test]
    fn other_fields_may_be_interpolated() {
        assert_eq!(
            findings("#[error(\"no {path}\")]\n Read {\n /// Why.\n path: P, source: Io },"),
            0
        );
        assert_eq!(
            findings("#[error(\"no {0}\")]\n Read(String, #[source] Io),"),
            0
        );
        assert_eq!(
            findings("#[error(\"{{source}}\")]\n Read { source: Io },"),
            0
        );
        assert_eq!(findings("#[error(\"a \\\" {0}\")]\n Unit,"), 0);
    }
}
