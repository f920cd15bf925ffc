//! `POST /api/v1/workflows`: adds one version of a workflow to the catalogue.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Attempt, Problem},
    trail, warning,
    wire::WorkflowElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let recorded = service.ingest.record_workflow(&call.body).await;
    let recorded = recorded.map_err(|error| Problem::of_workflow(error, Attempt::Create, None))?;
    trail::created(&service.ingest, &recorded.stored);
    let mut reply = json(
        StatusCode::CREATED,
        &WorkflowElement::new(&recorded.stored)?,
    )?;
    warning::mark_workflow(reply.headers_mut(), &recorded.warnings);
    Ok(reply)
}
