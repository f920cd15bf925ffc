//! `GET /api/v1/audit/correlations/{correlation_id}`: what happened in one remediation, in order.

use std::sync::Arc;

use ds_domain::cursor::{Cursor, Placed, Position, Side};
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_repository::timeline::Timeline;
use ds_validation::query::{TimelineQuery, parse_timeline_query};
use http::{StatusCode, header::LINK};
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json_text},
    exchange::outcome,
    links::{self, Links},
    problem::Problem,
    wire::Correlation,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_text();
    let id = id.ok_or_else(|| Problem::not_text("correlation_id"))?;
    let pairs = form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes());
    let query = parse_timeline_query(&id, pairs).map_err(Problem::of_parameters)?;
    let from = from(&service, &query).await?;
    let started = Instant::now();
    let timeline = service.repository.timeline(&id, from, query.limit).await;
    catalog::query_duration("timeline").record(started.elapsed());
    catalog::queries("timeline", outcome(&timeline)).increment(1);
    let timeline = timeline.map_err(Problem::of_query)?;
    let timeline = timeline.ok_or_else(Problem::no_correlation)?;
    let next = next(&service, &call, &query, &timeline).await?;
    let links = Links { next, prev: None };
    let header = links.header();
    let answer = Correlation::new(&id, &timeline, query.limit, links.next);
    let mut reply = json_text(StatusCode::OK, answer.to_json()?);
    reply
        .headers_mut()
        .extend(header.map(|links| (LINK, links)));
    Ok(reply)
}

/// Where the part begins.
async fn from<P: Ports>(
    service: &Service<P>,
    query: &TimelineQuery,
) -> Result<Option<Position>, Problem> {
    let Some(text) = &query.cursor else {
        return Ok(None);
    };
    let key = service.repository.cursor_key().await;
    let cursor = key.map_err(Problem::of_query)?.open(text, &query.scope);
    Ok(Some(cursor.ok_or_else(Problem::of_cursor)?.position))
}

/// A link to the events behind those that were found.
async fn next<P: Ports>(
    service: &Service<P>,
    call: &Call,
    query: &TimelineQuery,
    found: &Timeline,
) -> Result<Option<String>, Problem> {
    let Some(last) = found.events.last().filter(|_| found.has_more) else {
        return Ok(None);
    };
    let cursor = Cursor {
        side: Side::After,
        position: last.position(),
        since: None,
        until: None,
    };
    let key = service.repository.cursor_key().await;
    let text = key.map_err(Problem::of_query)?.seal(&cursor, &query.scope);
    Ok(Some(links::link(&call.uri, &text)))
}
