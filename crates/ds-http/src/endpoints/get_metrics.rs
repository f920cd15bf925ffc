//! `GET /metrics`: the exposition for Prometheus.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::{HeaderValue, StatusCode};

use crate::{
    Service,
    endpoint::{Reply, reply},
    problem::Problem,
};

const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(super) async fn handle<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    Ok(reply(
        StatusCode::OK,
        EXPOSITION,
        (service.render_metrics)(),
    ))
}
