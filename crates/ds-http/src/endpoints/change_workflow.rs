//! `PATCH /api/v1/workflows/{workflow_id}`, `PATCH …/disable` and `POST …/enable`: change what becomes
//! of a version of a workflow.

use std::sync::Arc;

use ds_ingest::{Edit, port::Ports};
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Attempt, Problem},
    trail,
    wire::WorkflowElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
    edit: Edit,
) -> Result<Reply, Problem> {
    let id = call.path_id().ok_or_else(Problem::not_a_workflow)?;
    let changed = service.ingest.change_workflow(id, edit, &call.body).await;
    let changed = changed.map_err(|error| Problem::of_workflow(error, attempt(edit), Some(id)))?;
    trail::changed(&service.ingest, &changed);
    let workflow = changed.changed.workflow();
    json(StatusCode::OK, &WorkflowElement::new(workflow)?)
}

const fn attempt(edit: Edit) -> Attempt {
    match edit {
        Edit::Update => Attempt::Update,
        Edit::Disable => Attempt::Disable,
        Edit::Enable => Attempt::Enable,
    }
}
