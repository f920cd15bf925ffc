//! `POST /api/v1/audit/notifications`: records one notification.

use std::sync::Arc;

use ds_ingest::{NotificationRecorded, port::Ports};
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    problem::{Problem, Record},
    wire::{NotificationAccepted, NotificationElement},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let recorded = service.ingest.record_notification(&call.body).await;
    let recorded =
        recorded.map_err(|error| Problem::of_notification(error, Record::Notification))?;
    match recorded {
        NotificationRecorded::Stored(stored) => {
            json(StatusCode::CREATED, &NotificationElement::new(&stored))
        }
        NotificationRecorded::Parked(parked) => {
            json(StatusCode::ACCEPTED, &NotificationAccepted::new(&parked))
        }
    }
}
