//! A form of JSON in which two texts are equal when they mean the same.
//!
//! The store keeps what a text means: it sorts members, writes numbers out and strings without needless
//! escapes. The form undoes what two texts of one meaning can differ in. It is not JSON to be read.

use crate::{
    json::{self, canonical_number},
    screen::{
        note::{NAMES as NOTES, quoted},
        tokens::{Token, Tokens},
    },
    secret::PLACEHOLDER,
};

/// How names of members are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Names {
    /// As they are.
    Exact,
    /// Those that lost a secret without the number that was given to keep them apart, which depends
    /// on the rules of the time.
    Uncounted,
}

/// A writer of the form.
pub(super) struct Canonical {
    names: Names,
    leaves_notes_out: bool,
    open: Vec<Open>,
    whole: String,
}

/// An object or array whose end is not reached.
struct Open {
    is_object: bool,
    /// The member whose value comes next, as JSON.
    name: Option<String>,
    parts: Vec<String>,
}

impl Canonical {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            leaves_notes_out: false,
            open: Vec::new(),
            whole: String::new(),
        }
    }

    /// Without what the service notes in metadata.
    pub(super) fn without_notes(self) -> Self {
        Self {
            leaves_notes_out: true,
            ..self
        }
    }

    /// The form of `text`, which was read before.
    pub(super) fn of(mut self, text: &str) -> String {
        for token in Tokens::of(text) {
            match token {
                Token::OpenObject => self.open(true),
                Token::OpenArray => self.open(false),
                Token::Close => self.close(),
                Token::Comma => {}
                Token::Text(range) => {
                    let string = json::decode(text.get(range).unwrap_or_default());
                    match self.open.last_mut() {
                        Some(open) if open.is_object && open.name.is_none() => {
                            open.name = Some(quoted(counted(&string, self.names)));
                        }
                        Some(_) | None => self.add(quoted(&string)),
                    }
                }
                Token::Word(range) => {
                    let word = text.get(range).unwrap_or_default();
                    self.add(canonical_number(word).unwrap_or_else(|| word.to_owned()));
                }
            }
        }
        self.whole
    }

    fn open(&mut self, is_object: bool) {
        self.open.push(Open {
            is_object,
            name: None,
            parts: Vec::new(),
        });
    }

    fn close(&mut self) {
        let Some(Open {
            is_object,
            mut parts,
            ..
        }) = self.open.pop()
        else {
            return;
        };
        if is_object {
            parts.sort_unstable();
        }
        if self.leaves_notes_out {
            if is_object && self.is_in_notes(2) && is_note(&parts) {
                return;
            }
            if !is_object && parts.is_empty() && self.is_in_notes(1) {
                self.open[0].name = None;
                return;
            }
        }
        let inside = parts.join(",");
        self.add(if is_object {
            format!("{{{inside}}}")
        } else {
            format!("[{inside}]")
        });
    }

    fn add(&mut self, value: String) {
        match self.open.last_mut() {
            Some(open) => open.parts.push(match open.name.take() {
                Some(name) => format!("{name}:{value}"),
                None => value,
            }),
            None => self.whole = value,
        }
    }

    /// Whether the value that ends belongs to a list of notes, so many steps below the document.
    fn is_in_notes(&self, depth: usize) -> bool {
        let name = self.open.first().and_then(|open| open.name.as_deref());
        let name = name.map(|name| name.trim_matches('"'));
        self.open.len() == depth && name.is_some_and(|name| NOTES.contains(&name))
    }
}

/// Whether an object of these members is one that the service adds to its lists.
fn is_note(members: &[String]) -> bool {
    matches!(members, [pointer, rule]
        if pointer.starts_with("\"pointer\":\"") && rule.starts_with("\"rule\":\""))
}

/// A name, without its number if it has one that does not count.
fn counted(name: &str, names: Names) -> &str {
    if names == Names::Exact || !name.contains(PLACEHOLDER) {
        return name;
    }
    match name.rsplit_once('#') {
        Some((before, number))
            if before.contains(PLACEHOLDER)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before
        }
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let canonical = Canonical::new(Names::Uncounted).without_notes();
        assert_eq!(canonical.of(text), expected, "{text}");
    }

    #[test]
    fn texts_of_one_meaning_have_one_form() {
        let form = r#"{"a":[15e2,true,null,"é\"\u0001"],"b":{}}"#;
        check(r#"{"b":{},"a":[1500,true,null,"é\"\u0001"]}"#, form);
        check(
            "{ \"\\u0061\" : [ 1.50e+3 , true, null, \"\\u00e9\\\"\\u0001\" ], \"b\" : { } }",
            form,
        );
        check("{\"z\": {}, \"b\": [{}, []]}", r#"{"b":[{},[]],"z":{}}"#);
    }

    #[test]
    fn numbers_of_names_without_secrets_do_not_count() {
        check(
            r##"{"[REDACTED]#2":1,"[REDACTED]#x":2,"a#3":3,"a#[REDACTED]":4,"[REDACTED]":5}"##,
            r##"{"[REDACTED]":1,"[REDACTED]":5,"[REDACTED]#x":2,"a#3":3,"a#[REDACTED]":4}"##,
        );
        let exact = Canonical::new(Names::Exact);
        assert_eq!(
            exact.of(r##"{"[REDACTED]#2":1}"##),
            r##"{"[REDACTED]#2":1}"##
        );
    }

    #[test]
    fn notes_are_left_out() {
        let note = r#"{"rule":"r","pointer":"/a"}"#;
        check(
            &format!(r#"{{"redactions":[{note},{note}],"flags":[{note}]}}"#),
            "{}",
        );
        check(r#"{"a":[],"flags":[],"redactions":[]}"#, r#"{"a":[]}"#);
        check(
            &format!(
                r#"{{"flags":[{note},1,{{"rule":2,"pointer":"/"}}],"a":{{"flags":[{note}]}}}}"#
            ),
            r#"{"a":{"flags":[{"pointer":"/a","rule":"r"}]},"flags":[1,{"pointer":"/","rule":2}]}"#,
        );
    }
}
