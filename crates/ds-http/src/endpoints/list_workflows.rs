//! `GET /api/v1/workflows`: finds versions of workflows, those that were stored last first.

use std::sync::Arc;

use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_validation::parse_workflow_query;
use http::{StatusCode, header::LINK};
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::Problem,
    walk,
    wire::WorkflowList,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let pairs = form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes());
    let query = parse_workflow_query(pairs).map_err(Problem::of_parameters)?;
    let query = walk::resumed(&service.repository, query).await?;
    let started = Instant::now();
    let found = service
        .repository
        .list_workflows(&query.filter, query.page)
        .await;
    catalog::query_duration("list_workflows").record(started.elapsed());
    catalog::queries("list_workflows", outcome(&found)).increment(1);
    let found = found.map_err(Problem::of_workflow_page)?;
    let links = walk::links(&service.repository, &call.uri, &query, &found).await?;
    let header = links.header();
    let list = WorkflowList::new(&found, query.page, links)?;
    let mut reply = json(StatusCode::OK, &list)?;
    reply
        .headers_mut()
        .extend(header.map(|links| (LINK, links)));
    Ok(reply)
}
