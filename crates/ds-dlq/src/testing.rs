//! For tests: a backlog in memory, and the contract that every backlog keeps.

mod contract;
mod memory;

use ds_validation::{Limits, parse_event};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Parked;

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
            event: event.identify(|| id, None),
            unresolved_parent: None,
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
