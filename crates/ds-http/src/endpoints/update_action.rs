//! `PATCH /api/v1/actions/{action_id}`: says what became of an action.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Write},
    warning,
    wire::ActionElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_text().ok_or_else(Problem::not_an_action)?;
    let updated = service.ingest.update_action(&id, &call.body).await;
    let updated = updated.map_err(Problem::of_action)?;
    let mut reply = json(StatusCode::OK, &ActionElement::new(&updated.stored)?)?;
    warning::mark_redacted(reply.headers_mut(), &updated.redacted, Write::Single);
    Ok(reply)
}
