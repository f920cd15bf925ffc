//! What is looked for in every text before an event is kept: secrets and markup.
//!
//! Most events hold neither. One pattern over the text of the whole event finds that out; only when it
//! matches is each text looked at on its own, decoded, and with the name of the member it is in.

mod document;
mod edit;
mod findings;
pub(crate) mod note;
mod renames;
pub(crate) mod tokens;

use std::sync::LazyLock;

use ds_domain::{json::JsonObject, limit::EVENT_TEXT_FIELDS};
use regex::bytes::Regex;

use crate::{EventDraft, Limits, Rule, Violation, Violations, markup, secret};

pub(crate) use document::secrets_of_json;
pub use findings::{Finding, Findings, Screening};

/// What is done about secrets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SecretMode {
    /// They are replaced by a placeholder, and the event says where and why.
    #[default]
    Redact,
    /// An event that holds one is refused.
    Reject,
    /// Nothing: texts are kept as they come.
    Off,
}

impl SecretMode {
    /// Every mode, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Redact, Self::Reject, Self::Off];

    /// The word that stands for it in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Reject => "reject",
            Self::Off => "off",
        }
    }
}

/// What is done about markup and SQL in texts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MarkupMode {
    /// The event says where it is.
    #[default]
    Flag,
    /// Nothing.
    Off,
}

impl MarkupMode {
    /// Every mode, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Flag, Self::Off];

    /// The word that stands for it in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Off => "off",
        }
    }
}

/// Escapes behind which a character of a hint may stand. Those that encoders use for `&`, `<` and `>`
/// are not among them: hints take care of these themselves.
const ESCAPES: &str = r"\\u00(?:2[27bdf]|3[0-9ad]|[4-7][0-9a-f])|\\/";

/// Members of the metadata that the service writes.
const NOTES: &str = r#""(?:redactions|flags)""#;

static SUSPECT: LazyLock<Regex> = LazyLock::new(|| {
    let own = [ESCAPES, NOTES].into_iter();
    let hints: Vec<&str> = own.chain(secret::hints()).chain(markup::hints()).collect();
    secret::pattern(&hints.join("|"))
});

/// Screens a draft: takes its secrets out or reports them, and notes in its metadata what was done.
///
/// `text` is what the draft was read from, if it was.
pub(crate) fn event(
    draft: &mut EventDraft,
    text: Option<&str>,
    limits: &Limits,
    found: &mut Violations,
) -> Screening {
    if !is_worth_it(text, limits) {
        return Screening::default();
    }
    let mut screen = Screen::new(limits);
    for field in EVENT_TEXT_FIELDS {
        if let Some(Some(text)) = draft.text_slot(field.name) {
            screen.text(field.name, field.chars_max, text);
        }
    }
    if let Some(data) = &mut draft.event_data {
        screen.document("event_data", data);
    }
    if let Some(metadata) = &mut draft.event_metadata {
        screen.document("event_metadata", metadata);
        note::check(metadata, found);
    }
    let screening = screen.finish(found);
    note::write(&screening, &mut draft.event_metadata);
    screening
}

/// Whether anything can be found in a record that was read from `text`, if it was.
pub(crate) fn is_worth_it(text: Option<&str>, limits: &Limits) -> bool {
    let is_off = limits.secrets == SecretMode::Off && limits.markup == MarkupMode::Off;
    !is_off && text.is_none_or(|text| SUSPECT.is_match(text.as_bytes()))
}

/// A look at the texts of one record.
pub(crate) struct Screen {
    secrets: SecretMode,
    markup: MarkupMode,
    screening: Screening,
}

impl Screen {
    /// A look as `limits` ask for.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            secrets: limits.secrets,
            markup: limits.markup,
            screening: Screening::default(),
        }
    }

    /// Screens the text of the member `field`, which may have so many characters.
    ///
    /// A text that fitted still fits: where placeholders make it too long, all of it is replaced.
    pub(crate) fn text(
        &mut self,
        field: &'static str,
        chars_max: Option<usize>,
        text: &mut String,
    ) {
        self.flag(field, text, || format!("/{field}"));
        let rules = match self.secrets {
            SecretMode::Off => return,
            SecretMode::Reject => secret::redact(text).rules,
            SecretMode::Redact => {
                let secret::Redacted { text: clean, rules } = secret::redact(text);
                if !rules.is_empty() {
                    let fits = |text: &str| chars_max.is_none_or(|max| text.chars().count() <= max);
                    *text = if fits(text) && !fits(&clean) {
                        secret::PLACEHOLDER.to_owned()
                    } else {
                        clean.into_owned()
                    };
                }
                rules
            }
        };
        for rule in rules {
            let pointer = || format!("/{field}");
            self.screening.redactions.add(field, rule, pointer);
        }
    }

    /// Looks at the text of the member `field`, and leaves it as it is.
    #[cfg(feature = "workflows")]
    pub(crate) fn look(&mut self, field: &'static str, text: &str) {
        let pointer = || format!("/{field}");
        self.flag(field, text, pointer);
        if self.secrets != SecretMode::Off {
            for rule in secret::redact(text).rules {
                self.screening.redactions.add(field, rule, pointer);
            }
        }
    }

    /// Screens every text of the JSON in the member `field`, names included.
    pub(crate) fn document(&mut self, field: &'static str, json: &mut JsonObject) {
        if let Some(clean) = document::screen(self, field, json.as_str()) {
            *json = JsonObject::from_checked_text(clean);
        }
    }

    /// What was found, and in `found` what is refused because of it. Secrets are only taken out, and
    /// only counted, where that is what is done about them.
    pub(crate) fn finish(mut self, found: &mut Violations) -> Screening {
        if self.secrets == SecretMode::Reject {
            let secrets = std::mem::take(&mut self.screening.redactions);
            for Finding {
                pointer,
                field,
                rule,
            } in secrets
            {
                let message = format!("value contains a secret (rule {rule})");
                found.add(Violation::at(pointer, field, Rule::ContainsSecret, message));
            }
        }
        self.screening
    }

    fn flag(&mut self, field: &'static str, text: &str, pointer: impl Fn() -> String) {
        if self.markup == MarkupMode::Flag {
            for flag in markup::flags(text) {
                self.screening.flags.add(field, flag.as_str(), &pointer);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
