//! The trace that a change of dead letters leaves: an audit event, written before the change is made.

use std::sync::Arc;

use anyhow::Context;
use ds_dlq::{RedisQueue, Stream};
use ds_domain::{event::EventCategory, id::IdSource, time::Clock};
use ds_ingest::{Ingest, Parts};
use serde_json::json;

use super::{Change, Chosen};
use crate::{
    clock::{SystemClock, SystemIds},
    config::Settings,
    wiring::{self, Production},
};

/// Most names in one event.
const IDS_MAX: usize = 1000;

/// Records that the dead letters `chosen` of the queue `name` are about to be changed. It takes the
/// way of every event: into PostgreSQL, or into the queue while that is away.
pub(super) async fn leave(
    settings: &Settings,
    queue: &RedisQueue,
    name: &str,
    change: Change,
    chosen: &Chosen,
) -> anyhow::Result<()> {
    let repository = wiring::repository(settings)?;
    let ingest = Ingest::<Production>::start(Parts {
        store: repository.clone(),
        queue: Some(Arc::new(queue.sibling(Stream::Events))),
        spool: None,
        notification_queue: None,
        clock: SystemClock,
        ids: SystemIds,
        limits: settings.limits,
        settings: settings.ingest,
    });
    let ids: Vec<&str> = chosen.which.ids.iter().map(String::as_str).collect();
    let event = json!({
        "version": "1.0",
        "event_type": change.event_type(),
        "event_timestamp": SystemClock.now(),
        "event_category": EventCategory::Orchestration.as_str(),
        "event_action": change.participle(),
        "event_outcome": "pending",
        "actor_type": "user",
        "actor_id": "ds-server dlq",
        "resource_type": "dead_letter",
        "resource_id": if let [id] = ids[..] { id } else { name },
        "correlation_id": SystemIds.next_id(),
        "event_data": {
            "stream": name,
            "all": chosen.which.all,
            "limit": chosen.limit,
            "ids": &ids[..ids.len().min(IDS_MAX)],
            "count": ids.len(),
        },
    });
    let recorded = ingest.record(event.to_string().as_bytes()).await;
    ingest.close().await;
    repository.close();
    recorded.context("the change cannot be audited and is not made")?;
    Ok(())
}
