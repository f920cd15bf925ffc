//! `GET /health`: whether the service can do its work now.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Reply, json},
    problem::Problem,
    wire::Health,
};

pub(super) async fn handle<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    match service.repository.ping(service.limits.ping_timeout).await {
        Ok(()) => json(StatusCode::OK, &Health::healthy(service.version)),
        Err(error) => {
            // The reason is for the operator's log; the answer is public.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "Database is unreachable"
            );
            json(
                StatusCode::SERVICE_UNAVAILABLE,
                &Health::unhealthy(service.version),
            )
        }
    }
}
