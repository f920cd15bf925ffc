//! `POST /api/v1/workflows/batch`: adds workflows to the catalogue, each for itself.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Attempt, Problem},
    trail,
    wire::WorkflowBatch,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let refused = |error| Problem::of_workflow(error, Attempt::CreateBatch, None);
    let results = service.ingest.record_workflows(&call.body).await;
    let results = results.map_err(refused)?;
    for recorded in results.iter().flatten() {
        trail::created(&service.ingest, &recorded.stored);
    }
    let results = results.into_iter().map(|result| {
        // They are answered inside of a success, where nobody else counts them.
        result.map_err(refused).inspect_err(Problem::count)
    });
    let batch = WorkflowBatch::new(results, call.request_id.as_str())?;
    json(StatusCode::OK, &batch)
}
