//! `POST /api/v1/audit/events`: records one event.

use std::sync::Arc;

use ds_ingest::port::Ports;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    wire::{EventRecorded, status_of},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let recorded = service.ingest.record(&call.body).await;
    let (recorded, kept) = recorded.map_err(|error| Problem::of_record(error, Write::Single))?;
    json(status_of(kept), &EventRecorded::new(recorded, kept))
}
