//! Screening of JSON: every string, with the name of the member it is in.
//!
//! What is not replaced stays byte for byte as it was received: replacements are cut into the text.
//! The text has passed the reader, so its nesting is bounded, and it is walked without recursion.

use std::{borrow::Cow, ops::Range};

use super::{
    MarkupMode, Screen, SecretMode,
    edit::{Edit, cut_in},
    renames::Renames,
    tokens::{Token, Tokens},
};
use crate::{
    Limits, json,
    secret::{
        self, PLACEHOLDER, Span, is_plain_base64, is_secret_of_name, is_secret_value,
        name::{self, SECRET_OBJECT, Sensitive},
    },
};

/// Numbers shorter than this are counts, not passwords.
const NUMBER_DIGITS_MIN: usize = 4;

/// Screens `json`, which is the value of the member `field`. `None` when it stays as it is.
pub(super) fn screen(screen: &mut Screen, field: &'static str, json: &str) -> Option<String> {
    let mut walk = Walk::new(screen, field, json);
    walk.run();
    let Walk { edits, .. } = walk;
    (!edits.is_empty()).then(|| cut_in(json, edits))
}

/// The secrets of `json`, the text of a string, so many `levels` of JSON in texts deep. Names are cleaned
/// in their place: a text loses no member.
pub(crate) fn secrets_of_json(json: &str, levels: usize) -> Vec<Span> {
    let limits = Limits {
        secrets: SecretMode::Redact,
        markup: MarkupMode::Off,
        ..Limits::default()
    };
    let mut screen = Screen::new(&limits);
    let mut walk = Walk {
        is_text: true,
        levels,
        ..Walk::new(&mut screen, "", json)
    };
    walk.run();
    let mut spans: Vec<Span> = walk.edits.into_iter().map(Edit::into_span).collect();
    spans.sort_by_key(|span| span.range.start);
    spans
}

/// An object or array on the way to the current value.
#[derive(Default)]
struct Frame {
    is_object: bool,
    /// Whether the next string is a name.
    is_name_next: bool,
    /// The item of an array.
    index: usize,
    /// The member of an object, as it is written.
    name: Range<usize>,
    /// Whether it is called `data` or `stringData`.
    is_data: bool,
    /// What the member's name says; an array says what its own member's name says.
    sensitive: Option<Sensitive>,
    /// What the name of an object says, for those of its members that hold just that.
    carried: Option<Sensitive>,
    /// Likewise whether the name is one of a directory, too.
    is_pwd: bool,
    /// The object's own members that matter only together.
    parts: Parts,
}

/// A member whose value is a string: where its name and its value are written.
#[derive(Clone)]
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

/// Members that make a secret only together with others.
#[derive(Default)]
struct Parts {
    /// What the text of `name` or `key` says about `value`, and whether it is one of a directory, too.
    named: Option<(Sensitive, bool)>,
    /// The strings `value` and `Value`.
    values: Vec<Member>,
    /// Whether `kind` is `Secret`.
    is_secret: bool,
    /// Strings of the object, if it is called `data` or `stringData` itself: names and values.
    strings: Vec<Member>,
    /// The same of its members `data` and `stringData`, with the name of the member.
    data: Vec<(Range<usize>, Vec<Member>)>,
}

struct Walk<'s, 'j> {
    screen: &'s mut Screen,
    field: &'static str,
    json: &'j str,
    frames: Vec<Frame>,
    edits: Vec<Edit>,
    /// What becomes of names; looked up when the first one holds a secret.
    renames: Option<Renames>,
    /// Whether it is the text of a string.
    is_text: bool,
    /// How many levels of JSON in its own texts are read.
    levels: usize,
}

impl<'s, 'j> Walk<'s, 'j> {
    fn new(screen: &'s mut Screen, field: &'static str, json: &'j str) -> Self {
        Self {
            screen,
            field,
            json,
            frames: Vec::new(),
            edits: Vec::new(),
            renames: None,
            is_text: false,
            levels: secret::LEVELS_MAX,
        }
    }

    fn run(&mut self) {
        for token in Tokens::of(self.json) {
            match token {
                Token::OpenObject => self.open(true),
                Token::OpenArray => self.open(false),
                Token::Close => self.close(),
                Token::Comma => self.step(),
                Token::Text(range) => self.text(range),
                Token::Word(range) => self.word(range),
            }
        }
    }

    fn open(&mut self, is_object: bool) {
        // What a name says holds for the items of an array, not for the members of an object.
        let inherited = self.frames.last().and_then(|frame| frame.sensitive);
        let is_pwd = self.frames.last().is_some_and(|frame| frame.is_pwd);
        self.frames.push(Frame {
            is_object,
            is_name_next: is_object,
            sensitive: inherited.filter(|_| !is_object),
            carried: inherited.filter(|_| is_object),
            is_pwd: is_pwd && !is_object,
            ..Frame::default()
        });
    }

    fn step(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.index += 1;
            frame.is_name_next = frame.is_object;
        }
    }

    /// Ends an object or array, and judges what its members say together.
    fn close(&mut self) {
        let Some(Frame { parts, .. }) = self.frames.pop() else {
            return;
        };
        if let Some((Sensitive::Value(rule), is_pwd)) = parts.named {
            for Member { name, value } in parts.values {
                if is_secret_of_name(rule, is_pwd, &self.decoded(&value)) {
                    self.replace(value, rule, &[name]);
                }
            }
        }
        if parts.is_secret {
            for (member, strings) in parts.data {
                let is_plain = self.decoded(&member) == "stringData";
                for Member { name, value } in strings {
                    let text = self.decoded(&value);
                    if is_secret_value(&text) && (is_plain || is_plain_base64(&text)) {
                        self.replace(value, SECRET_OBJECT, &[member.clone(), name]);
                    }
                }
            }
        }
        let Some(parent) = self.frames.last_mut().filter(|_| !parts.strings.is_empty()) else {
            return;
        };
        if parent.is_object {
            parent.parts.data.push((parent.name.clone(), parts.strings));
        }
    }

    fn text(&mut self, range: Range<usize>) {
        match self.frames.last() {
            Some(frame) if frame.is_name_next => self.name(range),
            Some(_) | None => self.value(range),
        }
    }

    fn name(&mut self, range: Range<usize>) {
        let text = self.decoded(&range);
        let sensitive = name::sensitive(&text);
        let spans = match self.screen.secrets {
            SecretMode::Off => Vec::new(),
            SecretMode::Redact | SecretMode::Reject => secret::find_within(&text, self.levels),
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.is_name_next = false;
            frame.name = range.clone();
            frame.is_data = matches!(&*text, "data" | "stringData");
            frame.sensitive = sensitive.or(frame.carried.filter(|carried| match carried {
                Sensitive::Value(rule) => name::carries(&text, rule),
                Sensitive::Header => name::carries(&text, ""),
            }));
            frame.is_pwd = sensitive.is_some() && name::is_pwd(&text);
        }
        if spans.is_empty() {
            return self.flag(&text);
        }
        let json = self.json;
        if self.is_text {
            return self.edits.extend(Edit::parts(json, range, &spans));
        }
        let renames = self.renames.get_or_insert_with(|| Renames::of(json));
        if let Some(clean) = renames.of_name(&range) {
            let rule = spans.first().map_or("", |span| span.rule);
            self.edits.push(Edit::value(range, clean, rule));
        }
        self.flag(&text);
        for rule in secret::rules_of(&spans) {
            self.note(rule, &[]);
        }
    }

    fn value(&mut self, range: Range<usize>) {
        let text = self.decoded(&range);
        self.flag(&text);
        self.remember(&range, &text);
        if self.screen.secrets == SecretMode::Off {
            return;
        }
        let sensitive = self.frames.last().and_then(|frame| frame.sensitive);
        let is_pwd = self.frames.last().is_some_and(|frame| frame.is_pwd);
        let whole = match sensitive {
            Some(Sensitive::Value(rule)) if is_secret_of_name(rule, is_pwd, &text) => Some(rule),
            Some(Sensitive::Value(_) | Sensitive::Header) | None => None,
        };
        if let Some(rule) = whole {
            return self.replace(range, rule, &[]);
        }
        let spans = match sensitive {
            Some(Sensitive::Header) => secret::find_in_header(&text, self.levels),
            Some(Sensitive::Value(_)) | None => secret::find_within(&text, self.levels),
        };
        if spans.is_empty() {
            return;
        }
        self.edits.extend(Edit::parts(self.json, range, &spans));
        for rule in secret::rules_of(&spans) {
            self.note(rule, &[]);
        }
    }

    /// A number may be a password, too.
    fn word(&mut self, range: Range<usize>) {
        let sensitive = self.frames.last().and_then(|frame| frame.sensitive);
        if let Some(Sensitive::Value(rule @ "password-json")) = sensitive
            && json::digits_written_out(&self.json[range.clone()]) >= NUMBER_DIGITS_MIN
            && self.screen.secrets != SecretMode::Off
        {
            self.note(rule, &[]);
            self.edits.push(Edit::value(range, PLACEHOLDER, rule));
        }
    }

    /// Keeps what may be a secret together with other members of its object.
    fn remember(&mut self, range: &Range<usize>, text: &str) {
        let json = self.json;
        let name = |frame: &Frame| json::decode(json.get(frame.name.clone()).unwrap_or_default());
        let [before @ .., frame] = self.frames.as_mut_slice() else {
            return;
        };
        if !frame.is_object {
            return;
        }
        let is_data = before.last().is_some_and(|parent| parent.is_data);
        let own = name(frame);
        let member = Member {
            name: frame.name.clone(),
            value: range.clone(),
        };
        let parts = &mut frame.parts;
        if is_data {
            parts.strings.push(member.clone());
        }
        match &*own {
            "name" | "key" | "Name" | "Key" => {
                if let Some(sensitive) = name::sensitive(text) {
                    parts.named = Some((sensitive, name::is_pwd(text)));
                }
            }
            "value" | "Value" => parts.values.push(member),
            "kind" => parts.is_secret = text == "Secret",
            _ => {}
        }
    }

    /// Replaces all of a string, which stands under `tail` from here.
    fn replace(&mut self, range: Range<usize>, rule: &'static str, tail: &[Range<usize>]) {
        if self.screen.secrets == SecretMode::Off {
            return;
        }
        self.note(rule, tail);
        self.edits.push(Edit::text(range, rule));
    }

    fn flag(&mut self, text: &str) {
        let Self {
            screen,
            field,
            json,
            frames,
            renames,
            ..
        } = self;
        let pointer = || pointer(field, json, renames.as_ref(), frames, &[]);
        screen.flag(field, text, pointer);
    }

    fn note(&mut self, rule: &'static str, tail: &[Range<usize>]) {
        let Self {
            screen,
            field,
            json,
            frames,
            renames,
            ..
        } = self;
        let pointer = || pointer(field, json, renames.as_ref(), frames, tail);
        screen.screening.redactions.add(field, rule, pointer);
    }

    fn decoded(&self, range: &Range<usize>) -> Cow<'j, str> {
        json::decode(self.json.get(range.clone()).unwrap_or_default())
    }
}

/// The pointer to the current place, or to `tail` below it, in the document as it is stored.
fn pointer(
    field: &str,
    json: &str,
    renames: Option<&Renames>,
    frames: &[Frame],
    tail: &[Range<usize>],
) -> String {
    let mut pointer = format!("/{field}");
    for frame in frames {
        if frame.is_object {
            push_name(&mut pointer, json, renames, &frame.name);
        } else {
            json::push_step(&mut pointer, &frame.index.to_string());
        }
    }
    for range in tail {
        push_name(&mut pointer, json, renames, range);
    }
    json::shorten(&mut pointer);
    pointer
}

/// Adds the name at `range` to a pointer.
fn push_name(pointer: &mut String, json: &str, renames: Option<&Renames>, range: &Range<usize>) {
    match renames.and_then(|renames| renames.of_name(range)) {
        Some(clean) => json::push_step(pointer, clean),
        None => {
            let name = json::decode(json.get(range.clone()).unwrap_or_default());
            json::push_step(pointer, &name);
        }
    }
}
