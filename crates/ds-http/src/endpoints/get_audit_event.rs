//! `GET /api/v1/audit/events/{event_id}`: gives one event back.

use std::sync::Arc;

use ds_ingest::port::Ports;
use ds_metrics::catalog;
use http::StatusCode;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Service,
    endpoint::{Call, Reply, json_text},
    exchange::outcome,
    problem::Problem,
    wire,
};

/// Length of a UUID in its canonical form; the shorter and braced ones are not accepted.
const UUID_CHARS: usize = 36;

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = Some(&*call.path_parameter).filter(|text| text.len() == UUID_CHARS);
    let id = id
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(Problem::not_a_uuid)?;
    let started = Instant::now();
    let found = service.repository.find_event(id).await;
    catalog::query_duration("get").record(started.elapsed());
    catalog::queries("get", outcome(&found)).increment(1);
    let found = found
        .map_err(Problem::of_query)?
        .ok_or_else(|| Problem::no_event(id))?;
    Ok(json_text(StatusCode::OK, wire::stored_event(&found)))
}
