//! `GET /api/v1/audit/events`: finds events, newest first, as a page or as a stream.

use std::sync::Arc;

use ds_domain::{filter::Start, time::Clock};
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_validation::query::{EventQuery, parse_event_query};
use http::{HeaderValue, StatusCode, Uri, header::VARY};
use tokio::time::Instant;

use crate::{
    Service, accept,
    endpoint::{Call, Reply, json_text},
    exchange::outcome,
    export,
    problem::Problem,
    walk, wire,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let query = parse(&service, &call.uri).await?;
    let mut reply = match accept::wants_ndjson(&call.headers) {
        true => stream(&service, &query, &call).await?,
        false => page(&service, &query, &call.uri).await?,
    };
    let headers = reply.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    Ok(reply)
}

/// All of the answer, one event a line.
async fn stream<P: Ports>(
    service: &Service<P>,
    query: &EventQuery,
    call: &Call,
) -> Result<Reply, Problem> {
    match query.page.start {
        Start::Offset(0) | Start::Newest | Start::After(_) => {}
        Start::Offset(_) => return Err(Problem::no_stream_from("offset")),
        Start::Before(_) => return Err(Problem::no_stream_from("cursor")),
    }
    export::start(
        &service.exports,
        &service.repository,
        query,
        &call.request_id,
    )
    .await
}

/// A page of the answer.
async fn page<P: Ports>(
    service: &Service<P>,
    query: &EventQuery,
    uri: &Uri,
) -> Result<Reply, Problem> {
    let operation = match query.page.start {
        Start::Offset(_) => "list",
        Start::Newest | Start::After(_) | Start::Before(_) => "walk",
    };
    let started = Instant::now();
    let found = service
        .repository
        .query_events(&query.filter, query.page)
        .await;
    catalog::query_duration(operation).record(started.elapsed());
    catalog::queries(operation, outcome(&found)).increment(1);
    let found = found.map_err(Problem::of_query)?;
    let list = |pagination| {
        let text = wire::event_list(&found, &pagination)?;
        Ok(json_text(StatusCode::OK, text))
    };
    walk::answer_as(&service.repository, uri, query, &found, list).await
}

/// What is asked for, with its cursor opened.
async fn parse<P: Ports>(service: &Service<P>, uri: &Uri) -> Result<EventQuery, Problem> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let parsed = parse_event_query(pairs, service.ingest.clock().now());
    let query = parsed.map_err(Problem::of_parameters)?;
    walk::resumed(&service.repository, query).await
}
