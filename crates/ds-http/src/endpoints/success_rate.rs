//! `GET /api/v1/success-rate/…`: how often actions did what they were meant to.

use std::sync::Arc;

use ds_domain::time::Clock as _;
use ds_ingest::port::Ports;
use ds_validation::rate::{RateSubject, parse_rate_query};
use http::StatusCode;

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::timed,
    problem::Problem,
    wire::SuccessRateReport,
};

pub(super) async fn handle<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
    subject: RateSubject,
) -> Result<Reply, Problem> {
    let pairs = form_urlencoded::parse(call.uri.query().unwrap_or_default().as_bytes());
    let query = parse_rate_query(subject, pairs);
    let query = query.map_err(|errors| Problem::of_rate_parameters(&errors, subject))?;
    let now = service.ingest.clock().now();
    let since = now.checked_sub(query.range.duration());
    let since = since.unwrap_or(jiff::Timestamp::MIN);
    let operation = match subject {
        RateSubject::IncidentType => "success_rate_incident_type",
        RateSubject::Workflow => "success_rate_workflow",
        RateSubject::MultiDimensional => "success_rate_multi_dimensional",
    };
    let asking = service.repository.success_rate(&query.dimensions, since);
    let found = timed(operation, asking).await.map_err(Problem::of_rate)?;
    json(
        StatusCode::OK,
        &SuccessRateReport::new(subject, &query, &found),
    )
}
