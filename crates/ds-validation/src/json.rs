//! A strict JSON reader: one pass that checks syntax and every bound a payload has, and hands out
//! the text of each value as it was received.
//!
//! General parsers lose what an audit store must keep or refuse: they round numbers, keep the last
//! of two members with one name, and recurse as deep as the sender likes. This one never decodes a
//! number, reports duplicate names and NUL characters with a pointer, and stops at its bounds.

mod names;
mod number;
mod outline;
#[cfg(feature = "workflows")]
mod part;
mod pointer;
mod string;
mod syntax_error;

use std::borrow::Cow;

use ds_domain::{kind::FIELD_DEPTH_MAX, limit::NUMBER_DIGITS_MAX};

use crate::{Limits, Rule, Violation, Violations};

use names::Names;
pub(crate) use number::{canonical as canonical_number, digits_written_out};
pub(crate) use outline::{Kinds, Outline, Part};
#[cfg(feature = "workflows")]
pub(crate) use part::{Members, items};
use pointer::{Step, pointer};
pub(crate) use pointer::{push_step, shorten};
pub(crate) use string::{decode, unescape};
pub use syntax_error::SyntaxError;

/// Why reading stopped before the end of the text.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is not JSON.
    Syntax(SyntaxError),
    /// A bound is exceeded, so that reading on would only cost.
    Bound,
}

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// One value: its type, and its text as received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

/// Most findings kept for one event: enough to mend it, too few to be made a weapon of.
const FINDINGS_MAX: usize = 100;

/// Whether `text` is JSON. What an event may not hold is still JSON: a name twice, half a character.
pub(crate) fn is_json(text: &str) -> bool {
    let reader = Reader::new(text.as_bytes(), &Limits::widest());
    reader.is_ok_and(|mut reader| reader.value().is_ok() && reader.end().is_ok())
}

/// Reads one text from front to back.
pub(crate) struct Reader<'a> {
    text: &'a str,
    pub(crate) at: usize,
    depth: usize,
    depth_max: usize,
    members: usize,
    members_max: usize,
    /// Where we are below `field`.
    path: Vec<Step<'a>>,
    /// The envelope member being read; labels what is found inside.
    field: &'static str,
    found: Violations,
    /// What is noted about the value being read, if somebody wants to know.
    outline: Option<Outline<'a>>,
    /// The types of what the object or array held that was read last.
    inside: Kinds,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `body`.
    pub(crate) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, SyntaxError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let valid = body.get(..error.valid_up_to()).unwrap_or_default();
            SyntaxError::behind(valid, "invalid UTF-8")
        })?;
        Ok(Self {
            text,
            at: 0,
            depth: 0,
            depth_max: limits.json_depth_max,
            members: 0,
            members_max: limits.json_members_max,
            path: Vec::new(),
            field: "body",
            found: Violations::default(),
            outline: None,
            inside: Kinds::default(),
        })
    }

    /// Starts the bounds of the next event afresh, and returns what was found in the last one.
    pub(crate) fn take_found(&mut self) -> Violations {
        self.members = 0;
        self.path.clear();
        self.field = "body";
        std::mem::take(&mut self.found)
    }

    /// Labels what is found from here on.
    pub(crate) fn enter_field(&mut self, field: &'static str) {
        self.field = field;
    }

    /// Notes the members of what is read from here on.
    pub(crate) fn start_outline(&mut self) {
        self.outline = Some(Outline::default());
    }

    /// What was noted.
    pub(crate) fn take_outline(&mut self) -> Option<Outline<'a>> {
        self.outline.take()
    }

    /// The first byte of the next value or punctuation.
    pub(crate) fn peek(&mut self) -> Result<u8, Stop> {
        self.skip_space();
        self.byte()
            .ok_or_else(|| self.syntax("unexpected end of input"))
    }

    /// Checks that nothing but space is left.
    pub(crate) fn end(&mut self) -> Result<(), Stop> {
        self.skip_space();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(self.syntax("trailing characters")),
        }
    }

    /// Opens an object or array whose parts the caller reads one by one.
    pub(crate) fn open(&mut self, bracket: u8) -> Result<(), Stop> {
        self.expect(bracket, "unexpected character")
    }

    /// The next member name of the object that the caller opened, or `None` at its end.
    pub(crate) fn next_name(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, Stop> {
        if !self.next_part(first, b'}')? {
            return Ok(None);
        }
        let name = self.name()?;
        Ok(Some(name))
    }

    /// Whether the array that the caller opened has another item.
    pub(crate) fn next_item(&mut self, first: bool) -> Result<bool, Stop> {
        self.next_part(first, b']')
    }

    /// Reads one whole value.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Stop> {
        let first = self.peek()?;
        let start = self.at;
        let kind = match first {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => {
                self.string()?;
                Kind::String
            }
            b't' => self.word("true", Kind::Bool)?,
            b'f' => self.word("false", Kind::Bool)?,
            b'n' => self.word("null", Kind::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.syntax("unexpected character")),
        };
        Ok(Value {
            kind,
            text: self.since(start),
        })
    }

    /// Reports that `name` occurs twice in the object at the current place.
    pub(crate) fn report_duplicate(&mut self, name: &str) {
        let name = name.to_owned();
        self.path.push(Step::Member(Cow::Owned(name)));
        self.report(Rule::DuplicateKey, "object names this member twice");
        self.path.pop();
    }

    // === parts ===

    fn object(&mut self) -> Result<Kind, Stop> {
        self.descend()?;
        self.at += 1;
        let mut names = Names::default();
        let mut inside = Kinds::default();
        let mut first = true;
        while let Some(name) = self.next_name(first)? {
            first = false;
            if !names.insert(name.clone()) {
                self.report_duplicate(&name);
            }
            let place = self.outline.is_some().then(|| self.note(name.clone()));
            self.path.push(Step::Member(name));
            let value = self.value()?;
            self.path.pop();
            inside.add(value.kind);
            if let (Some(outline), Some(place)) = (&mut self.outline, place.flatten()) {
                outline.leave(place, &value, self.inside);
            }
        }
        self.depth -= 1;
        self.inside = inside;
        Ok(Kind::Object)
    }

    fn array(&mut self) -> Result<Kind, Stop> {
        self.descend()?;
        self.at += 1;
        let mut inside = Kinds::default();
        let mut index = 0;
        while self.next_item(index == 0)? {
            self.path.push(Step::Item(index));
            inside.add(self.value()?.kind);
            self.path.pop();
            index += 1;
        }
        self.depth -= 1;
        self.inside = inside;
        Ok(Kind::Array)
    }

    /// Notes the member `name` of the object at the current place. What is in arrays is not noted.
    fn note(&mut self, name: Cow<'a, str>) -> Option<usize> {
        let outline = self.outline.as_mut()?;
        let depth = self.path.len();
        let in_array = |step: &Step<'_>| matches!(step, Step::Item(_));
        if depth > 0 && self.path.iter().take(FIELD_DEPTH_MAX).any(in_array) {
            return None;
        }
        outline.enter(depth, name)
    }

    fn descend(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth <= self.depth_max {
            return Ok(());
        }
        // The pointer to the place would be as deep as the nesting: name the member instead.
        self.path.clear();
        let message = format!("nesting is deeper than {} levels", self.depth_max);
        let violation = Violation::at(self.pointer(), self.field, Rule::TooDeep, message);
        self.found
            .add(violation.measured(self.depth_max, self.depth));
        Err(Stop::Bound)
    }

    /// Steps to the next member or item; `false` when `close` ends the container.
    fn next_part(&mut self, first: bool, close: u8) -> Result<bool, Stop> {
        let next = self.peek()?;
        if next == close {
            self.at += 1;
            return Ok(false);
        }
        if !first {
            self.expect(b',', "expected `,` or the end of the container")?;
            if self.peek()? == close {
                return Err(self.syntax("trailing comma"));
            }
        }
        Ok(true)
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Stop> {
        if self.peek()? != b'"' {
            return Err(self.syntax("member name must be a string"));
        }
        self.members += 1;
        if self.members > self.members_max {
            self.path.clear();
            let message = format!("more than {} object members", self.members_max);
            let violation =
                Violation::at(self.pointer(), self.field, Rule::TooManyMembers, message);
            self.found
                .add(violation.measured(self.members_max, self.members));
            return Err(Stop::Bound);
        }
        let start = self.at;
        let plain = self.string()?;
        let raw = self.since(start);
        self.expect(b':', "expected `:`")?;
        Ok(if plain {
            Cow::Borrowed(&raw[1..raw.len() - 1])
        } else {
            decode(raw)
        })
    }

    /// Reads a string; says whether it is free of escapes.
    fn string(&mut self) -> Result<bool, Stop> {
        let rest = &self.text.as_bytes()[self.at..];
        match string::scan(rest) {
            Ok(scan) => {
                self.at += scan.length;
                if scan.has_nul {
                    self.report(Rule::Nul, "string contains a NUL character");
                }
                if scan.has_lone_surrogate {
                    self.report(Rule::Format, "string contains half of a surrogate pair");
                }
                Ok(scan.is_plain)
            }
            Err((offset, reason)) => {
                self.at += offset;
                Err(self.syntax(reason))
            }
        }
    }

    fn number(&mut self) -> Result<Kind, Stop> {
        match number::scan(&self.text.as_bytes()[self.at..]) {
            Ok(scan) => {
                self.at += scan.length;
                if scan.digits > NUMBER_DIGITS_MAX {
                    self.report(Rule::Range, "number needs too many digits");
                }
                Ok(Kind::Number)
            }
            Err((offset, reason)) => {
                self.at += offset;
                Err(self.syntax(reason))
            }
        }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<Kind, Stop> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.syntax("unexpected character"));
        }
        self.at += word.len();
        Ok(kind)
    }

    // === bytes ===

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(self.syntax(reason));
        }
        self.at += 1;
        Ok(())
    }

    // === findings ===

    fn syntax(&self, reason: &'static str) -> Stop {
        let at = self.at.min(self.text.len());
        Stop::Syntax(SyntaxError::behind(&self.text.as_bytes()[..at], reason))
    }

    fn report(&mut self, rule: Rule, message: &'static str) {
        if self.found.len() < FINDINGS_MAX {
            let violation = Violation::at(self.pointer(), self.field, rule, message);
            self.found.add(violation);
        }
    }

    fn pointer(&self) -> String {
        pointer(self.field, &self.path)
    }
}

#[cfg(test)]
mod tests;
