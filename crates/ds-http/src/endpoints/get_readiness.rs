//! `GET /health/ready`: whether the process wants traffic.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service, State,
    endpoint::{Reply, json},
    problem::Problem,
    wire::Ready,
};

pub(super) async fn handle<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    let reason = match service.readiness.state() {
        // Said before the store is asked: a process that leaves must be quick to say so.
        State::ShuttingDown => "shutting_down",
        State::Starting => "starting",
        State::Ready => match service.repository.ping(service.limits.ping_timeout).await {
            Ok(()) => return json(StatusCode::OK, &Ready::yes()),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "Database is unreachable"
                );
                "database_unreachable"
            }
        },
    };
    json(StatusCode::SERVICE_UNAVAILABLE, &Ready::no(reason))
}
