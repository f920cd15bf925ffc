//! Whether a record that comes again is the one that is stored under its name.
//!
//! A sender may send a record as often as it likes, and gets its first answer every time. What the
//! service itself did to the record does not count: settings and rules may have changed since. So a
//! record is also the one that is stored when both are the same once their secrets are taken out by
//! the rules of today, provided that one of them has lost secrets already. Two records that are kept
//! with their secrets are told apart by them.

mod canonical;

use ds_domain::{event::Event, json::JsonObject, limit::event_text_field};

use crate::{
    Limits, MarkupMode, NewEvent, SecretMode, Violations, screen::Screen, secret::PLACEHOLDER,
};
use canonical::{Canonical, Names};

impl NewEvent {
    /// Whether it is the event `stored`, sent again.
    ///
    /// Lists of redactions and flags do not count, and neither do the date of the parent, which the
    /// service looks up, and a trace that the sender did not give: each repetition is a span of its
    /// own.
    pub fn repeats(&self, stored: &Event) -> bool {
        let given = self.event();
        let has_trace = |own: &Option<String>| own.is_some() && !self.trace_is_propagated();
        let traces = [has_trace(&given.trace_id), has_trace(&given.span_id)];
        fixed(given) == fixed(stored)
            && Content::of_event(given, traces).is(&Content::of_event(stored, traces))
    }
}

/// What an event says beside its texts and documents.
fn fixed(event: &Event) -> impl PartialEq {
    (
        (event.event_id, event.event_timestamp, event.event_category),
        (event.event_outcome, event.actor_ip, event.duration_ms),
        (event.retention_days, event.is_sensitive),
        event.parent.map(|parent| parent.id),
    )
}

#[cfg(feature = "notifications")]
impl crate::ValidNotification {
    /// Whether it is the notification `stored`, sent again.
    pub fn repeats(&self, stored: &ds_domain::notification::Notification) -> bool {
        use ds_domain::{limit::NOTIFICATION_TEXT_FIELDS as FIELDS, notification::Notification};
        let of = |one: &Notification| (one.channel, one.status, one.sent_at, one.escalation_level);
        let texts = |one: &'_ Notification| {
            [
                ("remediation_id", Some(one.remediation_id.clone())),
                ("notification_id", Some(one.notification_id.clone())),
                ("recipient", Some(one.recipient.clone())),
                ("message_summary", Some(one.message_summary.clone())),
                ("delivery_status", one.delivery_status.clone()),
                ("error_message", one.error_message.clone()),
            ]
        };
        let given = self.notification();
        of(given) == of(stored)
            && Content::of_texts(FIELDS, texts(given)).is(&Content::of_texts(FIELDS, texts(stored)))
    }
}

#[cfg(feature = "notifications")]
impl crate::ValidDelivery {
    /// Whether it is the delivery `stored`, sent again.
    pub fn repeats(&self, stored: &ds_domain::notification::Delivery) -> bool {
        use ds_domain::{limit::DELIVERY_TEXT_FIELDS as FIELDS, notification::Delivery};
        let of = |one: &Delivery| {
            let Delivery {
                attempt, status, ..
            } = *one;
            (attempt, status, one.occurred_at, one.escalation_level)
        };
        let texts = |one: &Delivery| {
            [
                ("delivery_status", one.delivery_status.clone()),
                ("error_message", one.error_message.clone()),
            ]
        };
        let given = self.delivery();
        of(given) == of(stored)
            && Content::of_texts(FIELDS, texts(given)).is(&Content::of_texts(FIELDS, texts(stored)))
    }
}

/// A text of a record.
struct Text {
    field: &'static str,
    chars_max: Option<usize>,
    text: Option<String>,
}

/// Everything in a record that may hold a secret.
struct Content<'r> {
    texts: Vec<Text>,
    data: Option<&'r JsonObject>,
    /// Where the service leaves its notes.
    metadata: Option<&'r JsonObject>,
}

impl<'r> Content<'r> {
    /// That of an event; of its trace and span only what counts.
    fn of_event(event: &'r Event, traces: [bool; 2]) -> Self {
        let some = |text: &String| Some(text.clone());
        let [has_trace, has_span] = traces;
        let texts = [
            ("version", some(&event.version)),
            ("event_type", some(&event.event_type)),
            ("event_action", some(&event.event_action)),
            ("actor_type", some(&event.actor_type)),
            ("actor_id", some(&event.actor_id)),
            ("resource_type", some(&event.resource_type)),
            ("resource_id", some(&event.resource_id)),
            ("resource_name", event.resource_name.clone()),
            ("correlation_id", some(&event.correlation_id)),
            ("trace_id", event.trace_id.clone().filter(|_| has_trace)),
            ("span_id", event.span_id.clone().filter(|_| has_span)),
            ("namespace", event.namespace.clone()),
            ("cluster_name", event.cluster_name.clone()),
            ("severity", event.severity.clone()),
            ("error_code", event.error_code.clone()),
            ("error_message", event.error_message.clone()),
        ];
        let texts = texts.map(|(field, text)| Text {
            field,
            chars_max: event_text_field(field).and_then(|field| field.chars_max),
            text,
        });
        Self {
            texts: texts.into(),
            data: Some(&event.event_data),
            metadata: event.event_metadata.as_ref(),
        }
    }

    /// That of a record that has only texts.
    #[cfg(feature = "notifications")]
    fn of_texts<const N: usize>(
        fields: &[ds_domain::limit::TextField],
        texts: [(&'static str, Option<String>); N],
    ) -> Self {
        let texts = texts.map(|(name, text)| {
            let field = fields.iter().find(|field| field.name == name);
            Text {
                field: name,
                chars_max: field.and_then(|field| field.chars_max),
                text,
            }
        });
        Self {
            texts: texts.into(),
            data: None,
            metadata: None,
        }
    }

    /// Whether both are what one sender sent.
    fn is(&self, other: &Self) -> bool {
        let has_lost_secrets = self.has_lost_secrets() || other.has_lost_secrets();
        self.exact() == other.exact() || (has_lost_secrets && self.clean() == other.clean())
    }

    fn has_lost_secrets(&self) -> bool {
        let texts = self.texts.iter().filter_map(|text| text.text.as_deref());
        let documents = [self.data, self.metadata].into_iter().flatten();
        let mut all = texts.chain(documents.map(JsonObject::as_str));
        all.any(|text| text.contains(PLACEHOLDER))
    }

    /// All of it, as it is.
    fn exact(&self) -> Vec<Option<String>> {
        let texts = self.texts.iter().map(|text| text.text.clone());
        let documents = documents(self.data.cloned(), self.metadata.cloned(), Names::Exact);
        texts.chain(documents).collect()
    }

    /// All of it, without what is a secret today.
    fn clean(&self) -> Vec<Option<String>> {
        let limits = Limits {
            secrets: SecretMode::Redact,
            markup: MarkupMode::Off,
            ..Limits::default()
        };
        let mut screen = Screen::new(&limits);
        let mut parts = Vec::with_capacity(self.texts.len() + 2);
        for Text {
            field,
            chars_max,
            text,
        } in &self.texts
        {
            let mut text = text.clone();
            if let Some(text) = &mut text {
                screen.text(field, *chars_max, text);
            }
            parts.push(text);
        }
        let [mut data, mut metadata] = [self.data.cloned(), self.metadata.cloned()];
        if let Some(data) = &mut data {
            screen.document("event_data", data);
        }
        if let Some(metadata) = &mut metadata {
            screen.document("event_metadata", metadata);
        }
        // Nothing is refused for a secret that is taken out.
        screen.finish(&mut Violations::default());
        parts.extend(documents(data, metadata, Names::Uncounted));
        parts
    }
}

/// The documents in the form in which they are compared. Metadata that says nothing is none.
fn documents(
    data: Option<JsonObject>,
    metadata: Option<JsonObject>,
    names: Names,
) -> [Option<String>; 2] {
    let data = data.map(|data| Canonical::new(names).of(data.as_str()));
    let metadata = metadata.map(|metadata| {
        let canonical = Canonical::new(names).without_notes();
        canonical.of(metadata.as_str())
    });
    [data, metadata.filter(|metadata| metadata != "{}")]
}

#[cfg(test)]
mod tests;
