//! The rules on the envelope: what the shape of an event cannot express.

use ds_domain::{
    event::{Event, EventCategory, EventOutcome},
    limit::{self, EVENT_TEXT_FIELDS, TextField},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    EventDraft, KindCheck, Limits, Rule, Screening, ValidEvent, Violation, Violations,
    decode::Read, kind, relative_time::go_duration, screen,
};

/// Checks `draft` against every rule as of `now`.
pub fn validate(
    mut draft: EventDraft,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidEvent, Violations> {
    let mut shape = Violations::default();
    let screening = screen::event(&mut draft, None, limits, &mut shape);
    let read = Read {
        draft,
        shape,
        outline: None,
        screening,
    };
    check(read, Violations::default(), now, limits)
}

/// Checks a draft, with what is known about it from reading it; `found` is what is wrong with its
/// text. Its secrets are out already, so that what is checked is what will be stored.
pub(crate) fn check(
    read: Read<'_>,
    mut found: Violations,
    now: Timestamp,
    limits: &Limits,
) -> Result<ValidEvent, Violations> {
    let Read {
        mut draft,
        shape,
        outline,
        screening,
    } = read;
    found.append(shape);
    let mut kind = KindCheck::Off;
    // A body that is no object has no members to be missing.
    if !found.has("") {
        check_presence(&mut draft, &mut found);
        for field in EVENT_TEXT_FIELDS {
            check_text(field, &mut draft, &mut found);
        }
        check_enums(&draft, &mut found);
        check_timestamp(draft.event_timestamp, now, limits, &mut found);
        check_numbers(&draft, &mut found);
        check_parent(&draft, &mut found);
        kind = kind::check(&draft, outline.as_ref(), limits, &mut found);
    }
    match (found.is_empty(), complete(draft, kind, screening)) {
        (true, Some(event)) => Ok(event),
        (true, None) | (false, _) => {
            found.sort();
            Err(found)
        }
    }
}

/// The members that must be there, in the order in which the API document names them.
const REQUIRED: [&str; 8] = [
    "version",
    "event_type",
    "event_timestamp",
    "event_category",
    "event_action",
    "event_outcome",
    "correlation_id",
    "event_data",
];

fn check_presence(draft: &mut EventDraft, found: &mut Violations) {
    for name in REQUIRED {
        let is_present = match name {
            "event_timestamp" => draft.event_timestamp.is_some(),
            "event_data" => draft.event_data.is_some(),
            _ => draft.text_slot(name).is_some_and(|slot| slot.is_some()),
        };
        // A member of the wrong type is there.
        if !is_present && !found.has(&format!("/{name}")) {
            let message = format!("property \"{name}\" is missing");
            found.add(Violation::of_field(name, Rule::Required, message));
        }
    }
}

fn check_text(field: &TextField, draft: &mut EventDraft, found: &mut Violations) {
    let Some(slot) = draft.text_slot(field.name) else {
        return;
    };
    let Some(text) = slot else { return };
    if text.is_empty() {
        if field.required {
            let violation =
                Violation::of_field(field.name, Rule::Empty, "minimum string length is 1");
            found.add(violation.measured(1, 0));
        }
        return;
    }
    // The byte length bounds the number of characters, and is free.
    let Some(chars_max) = field.chars_max.filter(|max| text.len() > *max) else {
        return;
    };
    let chars = text.chars().count();
    if chars > chars_max {
        let message = format!("maximum string length is {chars_max}");
        let violation = Violation::of_field(field.name, Rule::TooLong, message);
        found.add(violation.measured(chars_max, chars));
    }
}

fn check_enums(draft: &EventDraft, found: &mut Violations) {
    let categories = EventCategory::ALL.iter().map(|word| word.as_str());
    check_enum(
        "event_category",
        draft.event_category.as_deref(),
        categories,
        found,
    );
    let outcomes = EventOutcome::ALL.iter().map(|word| word.as_str());
    check_enum(
        "event_outcome",
        draft.event_outcome.as_deref(),
        outcomes,
        found,
    );
}

fn check_enum(
    name: &'static str,
    given: Option<&str>,
    words: impl Iterator<Item = &'static str> + Clone,
    found: &mut Violations,
) {
    let Some(given) = given else { return };
    if words.clone().any(|word| word == given) || found.has(&format!("/{name}")) {
        return;
    }
    let list = words.collect::<Vec<_>>().join("\",\"");
    let message = format!("value is not one of the allowed values [\"{list}\"]");
    found.add(Violation::of_field(name, Rule::Enum, message));
}

fn check_timestamp(
    given: Option<Timestamp>,
    now: Timestamp,
    limits: &Limits,
    found: &mut Violations,
) {
    let Some(given) = given else { return };
    let age = now.duration_since(given);
    // Both bounds are inclusive.
    if -age > limits.clock_skew_max {
        let message = format!(
            "invalid timestamp: timestamp is in the future (server time: {now:.0}, event time: {given:.0})"
        );
        found.add(Violation::of_field(
            "event_timestamp",
            Rule::Future,
            message,
        ));
    } else if age > limits.event_age_max {
        let message = format!(
            "invalid timestamp: timestamp is too old (must be within {}, age: {})",
            window(limits.event_age_max),
            go_duration(age)
        );
        found.add(Violation::of_field(
            "event_timestamp",
            Rule::TooOld,
            message,
        ));
    }
}

/// The accepted age in the words of the contract: whole days where it is whole days.
fn window(age_max: SignedDuration) -> String {
    match (age_max.as_hours() / 24, age_max.as_secs() % 86_400) {
        (days, 0) if days > 0 => format!("{days} days"),
        _ => go_duration(age_max),
    }
}

fn check_numbers(draft: &EventDraft, found: &mut Violations) {
    check_range(
        "duration_ms",
        draft.duration_ms,
        0,
        i64::from(limit::DURATION_MS_MAX),
        found,
    );
    let retention_max = i64::from(limit::RETENTION_DAYS_MAX);
    check_range(
        "retention_days",
        draft.retention_days,
        1,
        retention_max,
        found,
    );
}

fn check_range(name: &'static str, given: Option<i64>, min: i64, max: i64, found: &mut Violations) {
    if let Some(number) = given.filter(|number| !(min..=max).contains(number)) {
        found.add(Violation::of_integer(name, number, min, max));
    }
}

fn check_parent(draft: &EventDraft, found: &mut Violations) {
    if draft.parent_event_id.is_some() && draft.parent_event_id == draft.event_id {
        let message = "an event cannot be its own parent";
        found.add(Violation::of_field(
            "parent_event_id",
            Rule::ParentCycle,
            message,
        ));
    }
    if draft.parent_event_date.is_some() && draft.parent_event_id.is_none() {
        let message = "a parent's date needs the parent's id";
        found.add(Violation::of_field(
            "parent_event_date",
            Rule::Required,
            message,
        ));
    }
}

/// Applies the defaults. `None` when a required member is missing, which the rules have reported.
fn complete(draft: EventDraft, kind: KindCheck, screening: Screening) -> Option<ValidEvent> {
    let category = EventCategory::from_word(draft.event_category.as_deref()?)?;
    let correlation_id = draft.correlation_id?;
    let event = Event {
        event_id: draft.event_id.unwrap_or(Uuid::nil()),
        version: draft.version?,
        event_timestamp: ds_domain::time::truncate_to_micros(draft.event_timestamp?),
        event_type: draft.event_type?,
        event_category: category,
        event_action: draft.event_action?,
        event_outcome: EventOutcome::from_word(draft.event_outcome.as_deref()?)?,
        actor_type: or_default(draft.actor_type, || "service".to_owned()),
        actor_id: or_default(draft.actor_id, || format!("{}-service", category.as_str())),
        actor_ip: draft.actor_ip,
        resource_type: or_default(draft.resource_type, || category.as_str().to_owned()),
        resource_id: or_default(draft.resource_id, || correlation_id.clone()),
        resource_name: non_empty(draft.resource_name),
        correlation_id,
        parent: None,
        trace_id: non_empty(draft.trace_id),
        span_id: non_empty(draft.span_id),
        namespace: non_empty(draft.namespace),
        cluster_name: non_empty(draft.cluster_name),
        event_data: draft.event_data?,
        event_metadata: draft.event_metadata,
        // Absent means `info`; an empty text means that the sender has none.
        severity: non_empty(Some(draft.severity.unwrap_or_else(|| "info".to_owned()))),
        duration_ms: draft
            .duration_ms
            .and_then(|number| i32::try_from(number).ok()),
        error_code: non_empty(draft.error_code),
        error_message: non_empty(draft.error_message),
        retention_days: draft
            .retention_days
            .and_then(|days| i32::try_from(days).ok())
            .unwrap_or(limit::RETENTION_DAYS_DEFAULT),
        is_sensitive: draft.is_sensitive.unwrap_or(false),
    };
    Some(ValidEvent {
        event,
        event_id: draft.event_id,
        parent_event_id: draft.parent_event_id,
        parent_event_date: draft.parent_event_date,
        kind,
        screening,
        trace_is_propagated: false,
    })
}

/// An empty optional text says nothing, and is stored as absent.
fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn or_default(text: Option<String>, default: impl FnOnce() -> String) -> String {
    non_empty(text).unwrap_or_else(default)
}

#[cfg(test)]
mod tests;
