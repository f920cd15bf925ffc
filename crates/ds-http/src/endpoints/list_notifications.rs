//! `GET /api/v1/audit/notifications`: finds notifications, newest first.

use std::sync::Arc;

use ds_domain::time::Clock;
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_validation::parse_notification_query;
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply},
    exchange::outcome,
    problem::Problem,
    walk,
    wire::NotificationElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let pairs = form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes());
    let parsed = parse_notification_query(pairs, service.ingest.clock().now());
    let query = parsed.map_err(Problem::of_parameters)?;
    let query = walk::resumed(&service.repository, query).await?;
    let started = Instant::now();
    let found = service
        .repository
        .list_notifications(&query.filter, query.page)
        .await;
    catalog::query_duration("list_notifications").record(started.elapsed());
    catalog::queries("list_notifications", outcome(&found)).increment(1);
    let found = found.map_err(Problem::of_query)?;
    let element = |stored| Ok(NotificationElement::new(stored));
    walk::answer(&service.repository, &call.uri, &query, &found, element).await
}
