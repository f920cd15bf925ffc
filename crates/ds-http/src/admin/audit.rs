//! The trace that operators leave: what they ask for is an audit event of its own.

use std::{sync::Arc, time::Duration};

use ds_dlq::SharedError;
use ds_domain::{
    event::{EventCategory, EventOutcome},
    time::Clock,
};
use ds_ingest::port::Ports;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::{Service, request_id::RequestId};

/// Longest wait for the trace of something that happens in any case.
const NOTE_MAX: Duration = Duration::from_secs(2);

/// Longest wait for the trace without which nothing happens. A write has bounds of its own; this one
/// is for what they do not foresee.
const TRACE_MAX: Duration = Duration::from_secs(15);

/// What somebody asks for.
pub(crate) struct Inquiry {
    /// Type of the event.
    pub(crate) event_type: &'static str,
    /// Its verb.
    pub(crate) action: &'static str,
    /// How it ended, as far as that is known.
    pub(crate) outcome: EventOutcome,
    /// Kind of what it is about.
    pub(crate) resource_type: &'static str,
    /// What it is about.
    pub(crate) resource_id: String,
    /// What else there is to say: an object.
    pub(crate) data: Value,
}

/// The event, as any sender writes it.
#[derive(Serialize)]
struct Event<'i> {
    version: &'static str,
    event_type: &'static str,
    event_timestamp: Timestamp,
    event_category: &'static str,
    event_action: &'static str,
    event_outcome: &'static str,
    actor_type: &'static str,
    actor_id: &'static str,
    resource_type: &'static str,
    resource_id: &'i str,
    correlation_id: &'i str,
    event_data: &'i Value,
}

/// Leaves a trace if that is possible, and goes on in any case.
pub(crate) async fn note<P: Ports>(
    service: &Arc<Service<P>>,
    request_id: &RequestId,
    inquiry: &Inquiry,
) {
    if let Err(error) = trace(service, request_id, inquiry, NOTE_MAX).await {
        tracing::warn!(
            request_id = request_id.as_str(),
            event_type = inquiry.event_type,
            error = &*error as &dyn std::error::Error,
            "Request of an operator is not audited"
        );
    }
}

/// Leaves a trace, or says why there is none.
pub(super) async fn leave<P: Ports>(
    service: &Arc<Service<P>>,
    request_id: &RequestId,
    inquiry: &Inquiry,
) -> Result<(), SharedError> {
    trace(service, request_id, inquiry, TRACE_MAX).await
}

async fn trace<P: Ports>(
    service: &Arc<Service<P>>,
    request_id: &RequestId,
    inquiry: &Inquiry,
    wait_max: Duration,
) -> Result<(), SharedError> {
    let event = Event {
        version: "1.0",
        event_type: inquiry.event_type,
        event_timestamp: service.ingest.clock().now(),
        event_category: EventCategory::Orchestration.as_str(),
        event_action: inquiry.action,
        event_outcome: inquiry.outcome.as_str(),
        actor_type: "service",
        actor_id: "admin-api",
        resource_type: inquiry.resource_type,
        resource_id: &inquiry.resource_id,
        correlation_id: request_id.as_str(),
        event_data: &inquiry.data,
    };
    let body = serde_json::to_vec(&event).map_err(shared)?;
    // As any other write: whoever asks again and again must not fill the queue of those who may.
    let admission = service.ingest.admit(body.len()).map_err(shared)?;
    let ingest = Arc::clone(service);
    // On a task of its own, because it has to be driven to its end.
    let recording = tokio::spawn(async move {
        let recorded = ingest.ingest.record(&body[..]).await;
        drop(admission);
        recorded
    });
    let recorded = timeout(wait_max, recording).await.map_err(shared)?;
    recorded.map_err(shared)?.map_err(shared)?;
    Ok(())
}

fn shared(error: impl std::error::Error + Send + Sync + 'static) -> SharedError {
    Arc::new(error)
}
