//! `GET /api/v1/workflows/by-name/{workflow_name}/versions`: the versions of a workflow, newest first.

use std::sync::Arc;

use ds_domain::limit::VERSIONS_LISTED_MAX;
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::{Attempt, Problem},
    wire::VersionList,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let not_text = || Problem::not_text("workflow_name");
    let name = call.path_text().ok_or_else(not_text)?;
    let started = Instant::now();
    let found = service
        .repository
        .list_versions(&name, VERSIONS_LISTED_MAX)
        .await;
    catalog::query_duration("list_workflow_versions").record(started.elapsed());
    catalog::queries("list_workflow_versions", outcome(&found)).increment(1);
    let found = found.map_err(|error| Problem::of_catalogue(error, Attempt::List))?;
    json(StatusCode::OK, &VersionList::new(&name, &found)?)
}
