//! Notifications and deliveries as their senders wrote them, with the rules of each member.

use ds_domain::{
    limit::{
        ATTEMPT_MAX, DELIVERY_STATUS_CHARS_MAX, ESCALATION_LEVEL_MAX, NOTIFICATION_NAME_CHARS_MAX,
        NOTIFICATION_TEXT_CHARS_MAX, NOTIFICATION_WORD_CHARS_MAX,
    },
    notification::{Channel, NotificationStatus},
};
use jiff::Timestamp;
use validator::{Validate, ValidationError};

use super::rules::{BLANK, WORD};

// The bounds, as the derived code compares them.
const NAME: u64 = NOTIFICATION_NAME_CHARS_MAX as u64;
const WORD_MAX: u64 = NOTIFICATION_WORD_CHARS_MAX as u64;
const TEXT: u64 = NOTIFICATION_TEXT_CHARS_MAX as u64;
const ANSWER: u64 = DELIVERY_STATUS_CHARS_MAX as u64;
const LEVEL: i64 = ESCALATION_LEVEL_MAX as i64;
const ATTEMPT: i64 = ATTEMPT_MAX as i64;

/// A notification as its sender wrote it: shaped, but not yet checked. `None` is an absent member.
#[derive(Clone, Debug, Default, Validate)]
#[expect(
    missing_docs,
    reason = "the members are those of `ds_domain::notification::Notification`"
)]
pub struct NotificationDraft {
    #[validate(required, length(max = NAME), custom(function = says_something))]
    pub remediation_id: Option<String>,
    #[validate(required, length(max = NAME), custom(function = says_something))]
    pub notification_id: Option<String>,
    #[validate(required, length(max = NAME), custom(function = says_something))]
    pub recipient: Option<String>,
    #[validate(required, length(max = WORD_MAX), custom(function = is_channel))]
    pub channel: Option<String>,
    #[validate(required, length(max = TEXT), custom(function = says_something))]
    pub message_summary: Option<String>,
    #[validate(required, length(max = WORD_MAX), custom(function = is_status))]
    pub status: Option<String>,
    #[validate(required)]
    pub sent_at: Option<Timestamp>,
    #[validate(length(max = ANSWER))]
    pub delivery_status: Option<String>,
    #[validate(length(max = TEXT))]
    pub error_message: Option<String>,
    #[validate(range(min = 0, max = LEVEL))]
    pub escalation_level: Option<i64>,
}

/// A delivery as its sender wrote it, likewise.
#[derive(Clone, Debug, Default, Validate)]
#[expect(
    missing_docs,
    reason = "the members are those of `ds_domain::notification::Delivery`"
)]
pub struct DeliveryDraft {
    #[validate(required, range(min = 1, max = ATTEMPT))]
    pub attempt: Option<i64>,
    #[validate(required, length(max = WORD_MAX), custom(function = is_status))]
    pub status: Option<String>,
    #[validate(required)]
    pub occurred_at: Option<Timestamp>,
    #[validate(length(max = ANSWER))]
    pub delivery_status: Option<String>,
    #[validate(length(max = TEXT))]
    pub error_message: Option<String>,
    #[validate(range(min = 0, max = LEVEL))]
    pub escalation_level: Option<i64>,
}

fn says_something(text: &str) -> Result<(), ValidationError> {
    if text.trim().is_empty() {
        return Err(ValidationError::new(BLANK));
    }
    Ok(())
}

fn is_channel(text: &str) -> Result<(), ValidationError> {
    is_word(text, Channel::ALL.iter().map(|word| word.as_str()))
}

fn is_status(text: &str) -> Result<(), ValidationError> {
    is_word(
        text,
        NotificationStatus::ALL.iter().map(|word| word.as_str()),
    )
}

/// Upper and lower case are the same here, as the first contract has it.
fn is_word(text: &str, words: impl Iterator<Item = &'static str>) -> Result<(), ValidationError> {
    says_something(text)?;
    let words: Vec<&str> = words.collect();
    // What is too long breaks the rule about that.
    let is_long = text.chars().nth(NOTIFICATION_WORD_CHARS_MAX).is_some();
    if is_long || words.contains(&&*text.to_lowercase()) {
        return Ok(());
    }
    Err(ValidationError::new(WORD).with_message(words.join(", ").into()))
}
