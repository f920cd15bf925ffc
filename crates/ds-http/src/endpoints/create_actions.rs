//! `POST /api/v1/actions`: records one action, or an array of them.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    warning,
    wire::{ActionCreated, ActionsCreated},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let recorded = service.ingest.record_actions(&call.body).await;
    let recorded = recorded.map_err(Problem::of_action)?;
    let (mut reply, write) = match (recorded.is_batch, recorded.actions.as_slice()) {
        (false, [action]) => (
            json(StatusCode::CREATED, &ActionCreated::new(action))?,
            Write::Single,
        ),
        (_, actions) => (
            json(StatusCode::CREATED, &ActionsCreated::new(actions))?,
            Write::Batch,
        ),
    };
    warning::mark_redacted(reply.headers_mut(), &recorded.redacted, write);
    Ok(reply)
}
