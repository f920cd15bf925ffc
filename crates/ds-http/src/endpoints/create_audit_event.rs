//! `POST /api/v1/audit/events`: records one event.

use std::sync::Arc;

use ds_ingest::port::Ports;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    warning,
    wire::{EventRecorded, status_of},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let receipt = service.ingest.record(call.submission()).await;
    let receipt = receipt.map_err(|error| Problem::of_record(error, Write::Single))?;
    let body = EventRecorded::new(receipt.recorded, receipt.kept);
    let mut reply = json(status_of(receipt.kept), &body)?;
    warning::mark(reply.headers_mut(), &receipt.warnings, Write::Single);
    Ok(reply)
}
