//! `POST /api/v1/workflows/{workflow_id}/executions`: counts how a workflow ran.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Attempt, Problem},
    wire::WorkflowElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_id().ok_or_else(Problem::not_a_workflow)?;
    let counted = service.ingest.count_executions(id, &call.body).await;
    let counted = counted.map_err(|error| Problem::of_workflow(error, Attempt::Count, Some(id)))?;
    json(StatusCode::OK, &WorkflowElement::new(&counted)?)
}
