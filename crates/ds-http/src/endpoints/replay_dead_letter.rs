//! `POST /api/v1/admin/dlq/dead-letters/{id}/replay`: lets a dead letter wait for the store again.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    admin::{Change, change},
    endpoint::{Call, Reply, json},
    problem::Problem,
    wire::LetterReplayed,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = change(&service, &call, Change::Replay).await?;
    json(StatusCode::ACCEPTED, &LetterReplayed::new(&id))
}
