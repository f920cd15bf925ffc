//! `GET /api/v1/admin/dlq`: how full the backlogs are, and who works on them.

use std::sync::Arc;

use ds_dlq::{Backlog, Status};
use ds_domain::{event::EventOutcome, time::Clock};
use ds_ingest::port::Ports;
use ds_metrics::BacklogName;
use http::StatusCode;
use serde_json::json;

use crate::{
    Service,
    admin::{self, Inquiry},
    endpoint::{Call, Reply, json},
    problem::Problem,
    wire::{BacklogReport, DeadLetterQueue},
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let ingest = &service.ingest;
    let (queue, spool, notifications) = tokio::join!(
        ask(BacklogName::Queue, ingest.queue()),
        ask(BacklogName::Spool, ingest.spool()),
        ask(BacklogName::Notifications, ingest.notification_queue()),
    );
    let (state, now) = (ingest.state(), ingest.clock().now());
    let entries = |status: &Option<Status>| status.as_ref().map(|status| status.entries);
    let inquiry = Inquiry {
        event_type: "datastorage.dlq.inspected",
        action: "inspected",
        outcome: EventOutcome::Success,
        resource_type: "dead_letter_queue",
        resource_id: "audit".to_owned(),
        data: json!({
            "queue_entries": entries(&queue),
            "spool_entries": entries(&spool),
            "notifications_entries": entries(&notifications),
        }),
    };
    let report = |is_there, breaker, durability, status| match is_there {
        true => BacklogReport::new(breaker, durability, status, now),
        false => BacklogReport::absent(),
    };
    let durability = (service.queue_durability)();
    let queue = report(
        ingest.queue().is_some(),
        state.queue.map(|it| it.breaker),
        durability,
        queue,
    );
    let spool = report(
        ingest.spool().is_some(),
        state.spool.map(|it| it.breaker),
        None,
        spool,
    );
    let notifications = report(
        ingest.notification_queue().is_some(),
        state.notification_queue.map(|it| it.breaker),
        durability,
        notifications,
    );
    admin::note(&service, &call.request_id, &inquiry).await;
    let report = DeadLetterQueue::new(state, queue, spool, notifications);
    json(StatusCode::OK, &report)
}

/// What a backlog tells, if there is one and it does.
async fn ask<B: Backlog>(name: BacklogName, backlog: Option<&B>) -> Option<Status> {
    let told = admin::in_time(backlog?.status()).await;
    told.inspect_err(|error| admin::warn(name, error)).ok()
}
