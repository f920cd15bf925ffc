//! `POST /api/v1/audit/events/batch`: records many events, or none.

use std::sync::Arc;

use ds_ingest::port::Ports;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    wire::{BatchRecorded, status_of},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let recorded = service.ingest.record_batch(&call.body).await;
    let (recorded, kept) = recorded.map_err(|error| Problem::of_record(error, Write::Batch))?;
    json(status_of(kept), &BatchRecorded::new(&recorded, kept))
}
