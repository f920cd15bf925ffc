//! `DELETE /api/v1/admin/dlq/dead-letters/{id}`: removes a dead letter for good.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::{Response, StatusCode};

use crate::{
    Service,
    admin::{Change, change},
    endpoint::{Call, Reply},
    problem::Problem,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    change(&service, &call, Change::Purge).await?;
    let mut reply = Response::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}
