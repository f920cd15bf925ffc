//! `GET /api/v1/incidents…`: actions as the first service's dashboards read them.

use std::sync::Arc;

use ds_domain::time::{Clock as _, utc_date};
use ds_ingest::port::Ports;
use ds_validation::incident::{
    parse_incident_id, parse_incident_query, parse_period, parse_workflow_id,
};
use form_urlencoded::Parse;
use http::{StatusCode, Uri};

use crate::{
    Service,
    endpoint::{Call, Reply, json},
    exchange::timed,
    problem::Problem,
    wire::{ActionElement, IncidentList, NamespaceCounts, OutcomeCounts, SeverityCounts, Trend},
};

/// `GET /api/v1/incidents`: finds incidents, newest first.
pub(super) async fn list<P: Ports>(service: Arc<Service<P>>, call: Call) -> Result<Reply, Problem> {
    let query = parse_incident_query(pairs(&call.uri));
    let (filter, slice) = query.map_err(|errors| Problem::of_incident_parameters(&errors))?;
    let asking = service.repository.list_incidents(&filter, slice);
    let found = timed("list_incidents", asking).await;
    let found = found.map_err(Problem::of_incidents)?;
    json(StatusCode::OK, &IncidentList::new(&found, slice)?)
}

/// `GET /api/v1/incidents/{id}`: gives one back.
pub(super) async fn get<P: Ports>(service: Arc<Service<P>>, call: Call) -> Result<Reply, Problem> {
    let text = call.path_text().unwrap_or_default();
    let id = parse_incident_id(&text).map_err(|errors| Problem::of_incident_parameters(&errors))?;
    let found = timed("get_incident", service.repository.find_incident(id)).await;
    let found = found.map_err(Problem::of_incidents)?;
    let found = found.ok_or_else(|| Problem::no_incident(id))?;
    json(StatusCode::OK, &ActionElement::new(&found)?)
}

/// `GET /api/v1/incidents/aggregate/success-rate`: how the actions of a workflow ended.
pub(super) async fn success_rate<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let workflow_id = parse_workflow_id(pairs(&call.uri));
    let workflow_id = workflow_id.map_err(|errors| Problem::of_incident_parameters(&errors))?;
    let asking = service.repository.count_outcomes(&workflow_id);
    let found = timed("incident_success_rate", asking).await;
    let tally = found.map_err(Problem::of_incidents)?;
    json(StatusCode::OK, &OutcomeCounts::new(&workflow_id, tally))
}

/// `GET /api/v1/incidents/aggregate/by-namespace`.
pub(super) async fn by_namespace<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    let asking = service.repository.count_by_namespace();
    let found = timed("incidents_by_namespace", asking).await;
    let groups = found.map_err(Problem::of_incidents)?;
    json(StatusCode::OK, &NamespaceCounts::new(&groups))
}

/// `GET /api/v1/incidents/aggregate/by-severity`.
pub(super) async fn by_severity<P: Ports>(service: Arc<Service<P>>) -> Result<Reply, Problem> {
    let asking = service.repository.count_by_severity();
    let found = timed("incidents_by_severity", asking).await;
    let groups = found.map_err(Problem::of_incidents)?;
    json(StatusCode::OK, &SeverityCounts::new(&groups))
}

/// `GET /api/v1/incidents/aggregate/trend`: how many there were on each UTC day.
pub(super) async fn trend<P: Ports>(
    service: Arc<Service<P>>,
    call: Call,
) -> Result<Reply, Problem> {
    let period = parse_period(pairs(&call.uri));
    let period = period.map_err(|errors| Problem::of_incident_parameters(&errors))?;
    let today = utc_date(service.ingest.clock().now());
    let asking = service.repository.count_by_day(today, period);
    let found = timed("incident_trend", asking).await;
    let days = found.map_err(Problem::of_incidents)?;
    json(StatusCode::OK, &Trend::new(period, &days))
}

fn pairs(uri: &Uri) -> Parse<'_> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
}
