//! `GET /api/v1/actions/{action_id}`: gives one action back, with what was known of it before.

use std::sync::Arc;

use ds_domain::limit::REVISIONS_MAX;
use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::timed,
    problem::Problem,
    wire::ActionDetail,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_text().ok_or_else(Problem::not_an_action)?;
    let repository = &service.repository;
    let asking = async {
        // The action first: it says which revisions there were by then.
        let Some(found) = repository.find_action(&id).await? else {
            return Ok(None);
        };
        let asking = repository.list_revisions(&id, found.revision, REVISIONS_MAX);
        let revisions = match found.revision {
            0 => Vec::new(),
            _ => asking.await?,
        };
        Ok(Some((found, revisions)))
    };
    let found = timed("get_action", asking).await;
    let found = found.map_err(Problem::of_incidents)?;
    let (found, revisions) = found.ok_or_else(Problem::no_action)?;
    json(StatusCode::OK, &ActionDetail::new(&found, &revisions)?)
}
