//! Notifications and their deliveries: bytes → valid record, or everything that is wrong with it.
//!
//! They are few and flat, so their drafts derive their rules with the `validator` crate; `rules.rs`
//! turns what that finds into violations. The messages are those of the first contract.

mod draft;
mod query;
mod rules;

use ds_domain::{
    limit::{DELIVERY_TEXT_FIELDS, NOTIFICATION_TEXT_FIELDS, TextField},
    notification::{Channel, Delivery, Notification, NotificationStatus},
    time::truncate_to_micros,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    form::{self, Field, nullable, required},
    member::{integer, past_time, string},
    relative_time::go_duration,
    screen::{Screen, Screening},
};

pub use draft::{DeliveryDraft, NotificationDraft};
pub use query::{NotificationQuery, parse_notification_query};

/// A notification that passed every rule. Only [`validate_notification`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidNotification {
    notification: Notification,
    screening: Screening,
}

impl ValidNotification {
    /// The notification.
    pub fn notification(&self) -> &Notification {
        &self.notification
    }

    /// What was found in its texts, and taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// A delivery that passed every rule. Only [`validate_delivery`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidDelivery {
    delivery: Delivery,
    screening: Screening,
}

impl ValidDelivery {
    /// The delivery.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What was found in its texts, and taken out of them.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// The members of a notification. `n` is the name, `v` the value, `d` the draft it goes to.
#[rustfmt::skip]
const NOTIFICATION: &[Field<NotificationDraft>] = &[
    required("remediation_id", |n, v, d| string(n, v).map(|text| d.remediation_id = Some(text.into()))),
    required("notification_id", |n, v, d| string(n, v).map(|text| d.notification_id = Some(text.into()))),
    required("recipient", |n, v, d| string(n, v).map(|text| d.recipient = Some(text.into()))),
    required("channel", |n, v, d| string(n, v).map(|text| d.channel = Some(text.into()))),
    required("message_summary", |n, v, d| string(n, v).map(|text| d.message_summary = Some(text.into()))),
    required("status", |n, v, d| string(n, v).map(|text| d.status = Some(text.into()))),
    required("sent_at", |n, v, d| past_time(n, v).map(|at| d.sent_at = Some(at))),
    nullable("delivery_status", |n, v, d| string(n, v).map(|text| d.delivery_status = Some(text.into()))),
    nullable("error_message", |n, v, d| string(n, v).map(|text| d.error_message = Some(text.into()))),
    nullable("escalation_level", |n, v, d| integer(n, v).map(|level| d.escalation_level = Some(level))),
];

/// The members of a delivery.
#[rustfmt::skip]
const DELIVERY: &[Field<DeliveryDraft>] = &[
    required("attempt", |n, v, d| integer(n, v).map(|number| d.attempt = Some(number))),
    required("status", |n, v, d| string(n, v).map(|text| d.status = Some(text.into()))),
    required("occurred_at", |n, v, d| past_time(n, v).map(|at| d.occurred_at = Some(at))),
    nullable("delivery_status", |n, v, d| string(n, v).map(|text| d.delivery_status = Some(text.into()))),
    nullable("error_message", |n, v, d| string(n, v).map(|text| d.error_message = Some(text.into()))),
    nullable("escalation_level", |n, v, d| integer(n, v).map(|level| d.escalation_level = Some(level))),
];

/// Reads and checks one notification.
pub fn parse_notification(
    body: &[u8],
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidNotification, Rejection> {
    form::parse(body, limits, NOTIFICATION, |draft, found| {
        check_notification(draft, found, now, limits)
    })
}

/// Checks a notification against every rule as of `now`.
pub fn validate_notification(
    draft: NotificationDraft,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidNotification, Violations> {
    check_notification(draft, Violations::default(), now, limits)
}

/// Reads and checks one delivery.
pub fn parse_delivery(
    body: &[u8],
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidDelivery, Rejection> {
    form::parse(body, limits, DELIVERY, |draft, found| {
        check_delivery(draft, found, now, limits)
    })
}

/// Checks a delivery against every rule as of `now`.
pub fn validate_delivery(
    draft: DeliveryDraft,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidDelivery, Violations> {
    check_delivery(draft, Violations::default(), now, limits)
}

fn check_notification(
    mut draft: NotificationDraft,
    mut found: Violations,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidNotification, Violations> {
    let texts = [
        // A webhook's address may be all it takes to write to it.
        ("recipient", &mut draft.recipient),
        ("message_summary", &mut draft.message_summary),
        ("delivery_status", &mut draft.delivery_status),
        ("error_message", &mut draft.error_message),
    ];
    let screening = screened(NOTIFICATION_TEXT_FIELDS, texts, limits, &mut found);
    // A body that is no object has no members to be missing.
    if !found.has("") {
        rules::check(&draft, &mut found);
        check_time("sent_at", draft.sent_at, now, limits, &mut found);
    }
    judge(found, || {
        let notification = notification(draft)?;
        Some(ValidNotification {
            notification,
            screening,
        })
    })
}

fn check_delivery(
    mut draft: DeliveryDraft,
    mut found: Violations,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidDelivery, Violations> {
    let texts = [
        ("delivery_status", &mut draft.delivery_status),
        ("error_message", &mut draft.error_message),
    ];
    let screening = screened(DELIVERY_TEXT_FIELDS, texts, limits, &mut found);
    if !found.has("") {
        rules::check(&draft, &mut found);
        check_time("occurred_at", draft.occurred_at, now, limits, &mut found);
    }
    judge(found, || {
        let delivery = delivery(draft)?;
        Some(ValidDelivery {
            delivery,
            screening,
        })
    })
}

/// Takes the secrets out of free texts, before anything else is checked. These records have no
/// metadata that could say so: the placeholder has to.
fn screened<const N: usize>(
    fields: &[TextField],
    texts: [(&'static str, &mut Option<String>); N],
    limits: &Limits,
    found: &mut Violations,
) -> Screening {
    let mut screen = Screen::new(limits);
    for (name, text) in texts {
        let field = fields.iter().find(|field| field.name == name);
        if let Some(text) = text {
            screen.text(name, field.and_then(|field| field.chars_max), text);
        }
    }
    screen.finish(found)
}

/// What was made of a draft that breaks no rule.
fn judge<T>(mut found: Violations, complete: impl FnOnce() -> Option<T>) -> Result<T, Violations> {
    if found.is_empty()
        && let Some(valid) = complete()
    {
        return Ok(valid);
    }
    found.sort();
    Err(found)
}

/// How the first service writes that there is no time: the zero value of its language.
const NO_TIME: Timestamp = Timestamp::constant(-62_135_596_800, 0);

fn check_time(
    name: &'static str,
    given: Option<Timestamp>,
    now: Timestamp,
    limits: &Limits,
    found: &mut Violations,
) {
    let Some(given) = given else { return };
    if given == NO_TIME {
        let message = format!("{name} is required");
        found.add(Violation::of_field(name, Rule::Empty, message));
    } else if given.duration_since(now) > limits.clock_skew_max {
        let tolerance = tolerance(limits.clock_skew_max);
        let message =
            format!("{name} cannot be in the future (beyond {tolerance} clock skew tolerance)");
        found.add(Violation::of_field(name, Rule::Future, message));
    }
}

/// A tolerance in the words of the contract: whole minutes where it is whole minutes.
fn tolerance(skew: SignedDuration) -> String {
    match skew.as_secs() % 60 {
        0 => format!("{}-minute", skew.as_mins()),
        _ => go_duration(skew),
    }
}

/// Applies the defaults. `None` when a required member is missing, which the rules have reported.
fn notification(draft: NotificationDraft) -> Option<Notification> {
    let level = draft.escalation_level.unwrap_or(0);
    Some(Notification {
        remediation_id: draft.remediation_id?,
        notification_id: draft.notification_id?,
        recipient: draft.recipient?,
        channel: Channel::from_word(&draft.channel?.to_lowercase())?,
        message_summary: draft.message_summary?,
        status: NotificationStatus::from_word(&draft.status?.to_lowercase())?,
        sent_at: truncate_to_micros(draft.sent_at?),
        delivery_status: non_empty(draft.delivery_status),
        error_message: non_empty(draft.error_message),
        escalation_level: i32::try_from(level).ok()?,
    })
}

fn delivery(draft: DeliveryDraft) -> Option<Delivery> {
    let level = draft.escalation_level.map(i32::try_from).transpose();
    Some(Delivery {
        attempt: i32::try_from(draft.attempt?).ok()?,
        status: NotificationStatus::from_word(&draft.status?.to_lowercase())?,
        occurred_at: truncate_to_micros(draft.occurred_at?),
        delivery_status: non_empty(draft.delivery_status),
        error_message: non_empty(draft.error_message),
        escalation_level: level.ok()?,
    })
}

/// An empty optional text says nothing, and is stored as absent.
fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
