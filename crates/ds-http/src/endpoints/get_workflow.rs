//! `GET /api/v1/workflows/{workflow_id}`: gives one version of a workflow back.

use std::sync::Arc;

use ds_ingest::port::Ports;
use ds_metrics::catalog;
use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::{Attempt, Problem},
    wire::WorkflowElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_id().ok_or_else(Problem::not_a_workflow)?;
    let started = Instant::now();
    let found = service.repository.find_workflow(id).await;
    catalog::query_duration("get_workflow").record(started.elapsed());
    catalog::queries("get_workflow", outcome(&found)).increment(1);
    let found = found.map_err(|error| Problem::of_catalogue(error, Attempt::Get))?;
    let found = found.ok_or_else(|| Problem::no_workflow(id))?;
    json(StatusCode::OK, &WorkflowElement::new(&found)?)
}
