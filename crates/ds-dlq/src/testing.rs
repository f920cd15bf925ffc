//! For tests: a backlog in memory, and the contract that every backlog keeps.

mod contract;
mod memory;

use ds_validation::{Limits, parse_event, parse_notification};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Item, Parked};

pub use contract::backlog_contract;
pub use memory::MemoryBacklog;

/// An event that was accepted at `now` and waits.
///
/// # Panics
///
/// Never: the event is valid.
pub fn parked(id: Uuid, now: Timestamp) -> Parked {
    let body = format!(
        r#"{{"version":"1.0","event_id":"{id}","event_type":"gateway.signal.received",
            "event_timestamp":"{now}","event_category":"gateway","event_action":"received",
            "event_outcome":"success","correlation_id":"rr-1","actor_ip":"10.0.0.7",
            "duration_ms":7,"error_message":"line\nbreak \u001f é","namespace":"shop",
            "event_data":{{"n":9007199254740993,"d":1.10,"deep":{{"z":1,"a":[null,true]}}}},
            "event_metadata":{{"k":"v"}},"is_sensitive":true,"retention_days":30}}"#
    );
    match parse_event(body.as_bytes(), now, &Limits::default()) {
        Ok(event) => Parked {
            item: Item::Event {
                event: event.identify(|| id, None),
                unresolved_parent: None,
            },
            accepted_at: now,
            reason: "store is unavailable".to_owned(),
        },
        Err(error) => unreachable!("the body is valid: {error:?}"),
    }
}

/// A notification that was accepted at `now` and waits.
///
/// # Panics
///
/// Never: the notification is valid.
pub fn parked_notification(id: &str, recipient: &str, now: Timestamp) -> Parked {
    let body = format!(
        r#"{{"remediation_id":"rr-1","notification_id":"{id}","recipient":"{recipient}",
            "channel":"slack","message_summary":"line\nbreak \u001f é","status":"failed",
            "sent_at":"{now}","error_message":"too \"late\"","escalation_level":2}}"#
    );
    match parse_notification(body.as_bytes(), now, &Limits::default()) {
        Ok(notification) => Parked {
            item: Item::Notification(notification),
            accepted_at: now,
            reason: "store is unavailable".to_owned(),
        },
        Err(error) => unreachable!("the body is valid: {error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_backlog_in_memory_keeps_the_contract() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        backlog_contract(&MemoryBacklog::new(10), now).await;
    }
}
