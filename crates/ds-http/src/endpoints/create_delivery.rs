//! `POST /api/v1/audit/notifications/{notification_id}/deliveries`: records what became of one.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Record},
    wire::DeliveryElement,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let id = call.path_text().ok_or_else(Problem::not_a_notification)?;
    let recorded = service.ingest.record_delivery(&id, &call.body).await;
    let recorded = recorded.map_err(|error| Problem::of_notification(error, Record::Delivery))?;
    json(StatusCode::CREATED, &DeliveryElement::new(&recorded))
}
