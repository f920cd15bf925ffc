//! One event: it is refused with a reason, or comes back as it was read.

use ds_domain::event::Event;
use ds_validation::{Limits, ValidEvent, parse_event};
use serde_json::{Map, Value, json, value::RawValue};
use uuid::Uuid;

use super::{now, refusal};

/// Checks what [`parse_event`] makes of `data`.
pub fn check(data: &[u8]) {
    match parse_event(data, now(), &Limits::default()) {
        Ok(valid) => check_accepted(data, valid),
        Err(rejection) => refusal::check(data, &rejection),
    }
}

fn check_accepted(data: &[u8], valid: ValidEvent) {
    let text = std::str::from_utf8(data).expect("what is accepted is UTF-8");
    let other = serde_json::from_str::<&RawValue>(text);
    assert!(other.is_ok(), "what is accepted is JSON: {other:?}");
    let encoded = encode(&valid);
    // As a replay reads it: nothing that was accepted once is refused then, or changed.
    let again = parse_event(encoded.as_bytes(), now(), &Limits::widest());
    let again = again.unwrap_or_else(|error| panic!("{error:?} in {encoded}"));
    assert_eq!(show(&again), show(&valid), "{encoded}");
}

/// Everything there is to see of an event; payloads by their text.
pub(super) fn show(valid: &ValidEvent) -> String {
    let event = event_of(valid);
    let metadata = event.event_metadata.as_ref().map(|data| data.as_str());
    let claims = (valid.parent_event_id(), valid.parent_event_date());
    format!(
        "{event:?} {} {metadata:?} {claims:?}",
        event.event_data.as_str()
    )
}

fn event_of(valid: &ValidEvent) -> Event {
    let new = valid.clone().identify(Uuid::nil, None);
    new.event().clone()
}

fn text_of(id: Option<Uuid>) -> Option<String> {
    id.map(|id| id.to_string())
}

/// The event as a request that leaves no default to be applied.
fn encode(valid: &ValidEvent) -> String {
    let event = event_of(valid);
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("event_id", json!(text_of(valid.sender_event_id())));
    put("version", json!(event.version));
    put("event_type", json!(event.event_type));
    put("event_timestamp", json!(event.event_timestamp.to_string()));
    put("event_category", json!(event.event_category.as_str()));
    put("event_action", json!(event.event_action));
    put("event_outcome", json!(event.event_outcome.as_str()));
    put("correlation_id", json!(event.correlation_id));
    put("actor_type", json!(event.actor_type));
    put("actor_id", json!(event.actor_id));
    put("actor_ip", json!(event.actor_ip));
    put("resource_type", json!(event.resource_type));
    put("resource_id", json!(event.resource_id));
    put("resource_name", json!(event.resource_name));
    put("parent_event_id", json!(text_of(valid.parent_event_id())));
    let parent_date = valid.parent_event_date().map(|date| date.to_string());
    put("parent_event_date", json!(parent_date));
    put("trace_id", json!(event.trace_id));
    put("span_id", json!(event.span_id));
    put("namespace", json!(event.namespace));
    put("cluster_name", json!(event.cluster_name));
    put("severity", json!(event.severity.unwrap_or_default()));
    put("duration_ms", json!(event.duration_ms));
    put("error_code", json!(event.error_code));
    put("error_message", json!(event.error_message));
    put("retention_days", json!(event.retention_days));
    put("is_sensitive", json!(event.is_sensitive));
    let envelope = Value::Object(members).to_string();
    // The payloads by their bytes: a JSON library would change them.
    let metadata = event.event_metadata.as_ref();
    let metadata = metadata.map_or("null", |data| data.as_str());
    let data = event.event_data.as_str();
    let envelope = envelope.trim_end_matches('}');
    format!("{envelope},\"event_metadata\":{metadata},\"event_data\":{data}}}")
}
