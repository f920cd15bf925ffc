//! `GET /api/v1/audit/notifications/{notification_id}`: gives one notification back, with what became
//! of it.

use std::sync::Arc;

use ds_domain::limit::DELIVERIES_MAX;
use ds_ingest::port::Ports;
use ds_metrics::catalog;
use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::outcome,
    problem::Problem,
    wire::NotificationDetail,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_text().ok_or_else(Problem::not_a_notification)?;
    let started = Instant::now();
    let asking = async {
        // The notification first: its history is not longer by then.
        let found = service.repository.find_notification(&id).await?;
        let history = match &found {
            Some(_) => {
                service
                    .repository
                    .list_deliveries(&id, DELIVERIES_MAX)
                    .await?
            }
            None => Vec::new(),
        };
        Ok(found.map(|found| (found, history)))
    };
    let found = asking.await;
    catalog::query_duration("get_notification").record(started.elapsed());
    catalog::queries("get_notification", outcome(&found)).increment(1);
    let (found, history) = found
        .map_err(Problem::of_query)?
        .ok_or_else(Problem::no_notification)?;
    json(StatusCode::OK, &NotificationDetail::new(&found, &history))
}
