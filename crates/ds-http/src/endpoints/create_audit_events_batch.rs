//! `POST /api/v1/audit/events/batch`: records many events, or none.

use std::sync::Arc;

use ds_ingest::port::Ports;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    warning,
    wire::{BatchRecorded, status_of},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let receipt = service.ingest.record_batch(call.submission()).await;
    let receipt = receipt.map_err(|error| Problem::of_record(error, Write::Batch))?;
    let body = BatchRecorded::new(&receipt.recorded, receipt.kept);
    let mut reply = json(status_of(receipt.kept), &body)?;
    warning::mark(reply.headers_mut(), &receipt.warnings, Write::Batch);
    Ok(reply)
}
