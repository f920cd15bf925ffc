//! `GET /api/v1/audit/notifications`: finds notifications, newest first.

use std::sync::Arc;

use ds_domain::time::Clock;
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use ds_validation::parse_notification_query;
use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::Problem,
    wire::NotificationList,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let pairs = form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes());
    let parsed = parse_notification_query(pairs, service.ingest.clock().now());
    let (filter, slice) = parsed.map_err(Problem::of_parameters)?;
    let started = Instant::now();
    let found = service.repository.list_notifications(&filter, slice).await;
    catalog::query_duration("list_notifications").record(started.elapsed());
    catalog::queries("list_notifications", outcome(&found)).increment(1);
    let found = found.map_err(Problem::of_query)?;
    json(StatusCode::OK, &NotificationList::new(&found, slice))
}
