//! The table of endpoints: everything that can be asked, one line each.

mod change_workflow;
mod count_executions;
mod create_actions;
mod create_audit_event;
mod create_audit_events_batch;
mod create_delivery;
mod create_notification;
mod create_workflow;
mod create_workflows_batch;
mod get_action;
mod get_audit_event;
mod get_correlation;
mod get_dead_letter_queue;
mod get_health;
mod get_liveness;
mod get_metrics;
mod get_notification;
mod get_openapi;
mod get_readiness;
mod get_workflow;
mod incidents;
mod list_dead_letters;
mod list_event_types;
mod list_notifications;
mod list_workflow_versions;
mod list_workflows;
mod purge_dead_letter;
mod query_audit_events;
mod replay_dead_letter;
mod search_workflows;
mod success_rate;
mod update_action;

use std::sync::Arc;

use ds_ingest::{Edit, port::Ports};
use ds_validation::rate::RateSubject;
use http::Method;

use crate::{
    Service,
    endpoint::{Call, Endpoint, Handling, Kind},
};

/// Which endpoints a listener has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Surface {
    /// All of them.
    Api,
    /// Those for operators: health, metrics, and the backlogs.
    Admin,
}

impl Surface {
    /// Its endpoints.
    pub(crate) fn endpoints<P: Ports>(self) -> Vec<Endpoint<P>> {
        let mut endpoints = table();
        endpoints.retain(|endpoint| self == Self::Api || endpoint.for_operators);
        endpoints
    }
}

const EVENTS: &str = "/api/v1/audit/events";
const BATCH: &str = "/api/v1/audit/events/batch";
const EVENT: &str = "/api/v1/audit/events/{event_id}";
const EVENT_TYPES: &str = "/api/v1/audit/event-types";
const CORRELATION: &str = "/api/v1/audit/correlations/{correlation_id}";

const NOTIFICATIONS: &str = "/api/v1/audit/notifications";
const NOTIFICATION: &str = "/api/v1/audit/notifications/{notification_id}";
const DELIVERIES: &str = "/api/v1/audit/notifications/{notification_id}/deliveries";

const ACTIONS: &str = "/api/v1/actions";
const ACTION: &str = "/api/v1/actions/{action_id}";

const INCIDENT_TYPE_RATE: &str = "/api/v1/success-rate/incident-type";
const WORKFLOW_RATE: &str = "/api/v1/success-rate/workflow";
const ANY_RATE: &str = "/api/v1/success-rate/multi-dimensional";

const INCIDENTS: &str = "/api/v1/incidents";
const INCIDENT: &str = "/api/v1/incidents/{id}";
const INCIDENT_OUTCOMES: &str = "/api/v1/incidents/aggregate/success-rate";
const BY_NAMESPACE: &str = "/api/v1/incidents/aggregate/by-namespace";
const BY_SEVERITY: &str = "/api/v1/incidents/aggregate/by-severity";
const TREND: &str = "/api/v1/incidents/aggregate/trend";
const SEARCH: &str = "/api/v1/workflows/search";

const WORKFLOWS: &str = "/api/v1/workflows";
const WORKFLOW_BATCH: &str = "/api/v1/workflows/batch";
const WORKFLOW: &str = "/api/v1/workflows/{workflow_id}";
const DISABLE: &str = "/api/v1/workflows/{workflow_id}/disable";
const ENABLE: &str = "/api/v1/workflows/{workflow_id}/enable";
const EXECUTIONS: &str = "/api/v1/workflows/{workflow_id}/executions";
const VERSIONS: &str = "/api/v1/workflows/by-name/{workflow_name}/versions";

const DLQ: &str = "/api/v1/admin/dlq";
const LETTERS: &str = "/api/v1/admin/dlq/dead-letters";
const LETTER: &str = "/api/v1/admin/dlq/dead-letters/{id}";
const REPLAY: &str = "/api/v1/admin/dlq/dead-letters/{id}/replay";

const WRITE: &[u16] = &[201, 202, 400, 408, 409, 413, 415, 500, 503];
const APPEND: &[u16] = &[201, 400, 404, 408, 409, 413, 415, 500, 503];
const RECORD: &[u16] = &[201, 400, 408, 409, 413, 415, 500, 503];
const CREATE_EACH: &[u16] = &[200, 400, 408, 413, 415, 500, 503];
const CHANGE: &[u16] = &[200, 400, 404, 408, 409, 413, 415, 500, 503];
const LIST: &[u16] = &[200, 400, 500, 503];
const ASK: &[u16] = &[200, 400, 408, 413, 415, 500, 503];
const GET: &[u16] = &[200, 400, 404, 500, 503];
const LOOK_UP: &[u16] = &[200, 304, 400];
const CHECK: &[u16] = &[200, 503];
const INSPECT: &[u16] = &[200, 500, 503];
const ACCEPT: &[u16] = &[202, 400, 403, 404, 500, 503];
const REMOVE: &[u16] = &[204, 400, 403, 404, 500, 503];

#[rustfmt::skip]
fn table<P: Ports>() -> Vec<Endpoint<P>> {
    vec![
        write("createAuditEvent", EVENTS, WRITE, |s, c| Box::pin(create_audit_event::handle(s, c))),
        write("createAuditEventsBatch", BATCH, WRITE, |s, c| Box::pin(create_audit_events_batch::handle(s, c))),
        query("queryAuditEvents", EVENTS, LIST, |s, c| Box::pin(query_audit_events::handle(s, c))),
        query("getAuditEvent", EVENT, GET, |s, c| Box::pin(get_audit_event::handle(s, c))),
        tell("listEventTypes", EVENT_TYPES, LOOK_UP, |_, c| Box::pin(list_event_types::handle(c))),
        query("getCorrelation", CORRELATION, GET, |s, c| Box::pin(get_correlation::handle(s, c))),
        write("createNotification", NOTIFICATIONS, WRITE, |s, c| Box::pin(create_notification::handle(s, c))),
        query("listNotifications", NOTIFICATIONS, LIST, |s, c| Box::pin(list_notifications::handle(s, c))),
        query("getNotification", NOTIFICATION, GET, |s, c| Box::pin(get_notification::handle(s, c))),
        write("createNotificationDelivery", DELIVERIES, APPEND, |s, c| Box::pin(create_delivery::handle(s, c))),
        write("createActions", ACTIONS, RECORD, |s, c| Box::pin(create_actions::handle(s, c))),
        query("getAction", ACTION, GET, |s, c| Box::pin(get_action::handle(s, c))),
        amend("updateAction", Method::PATCH, ACTION, Kind::Write, |s, c| Box::pin(update_action::handle(s, c))),
        query("getIncidentTypeSuccessRate", INCIDENT_TYPE_RATE, LIST, |s, c| Box::pin(success_rate::handle(s, c, RateSubject::IncidentType))),
        query("getWorkflowSuccessRate", WORKFLOW_RATE, LIST, |s, c| Box::pin(success_rate::handle(s, c, RateSubject::Workflow))),
        query("getSuccessRate", ANY_RATE, LIST, |s, c| Box::pin(success_rate::handle(s, c, RateSubject::MultiDimensional))),
        query("listIncidents", INCIDENTS, LIST, |s, c| Box::pin(incidents::list(s, c))),
        query("getIncident", INCIDENT, GET, |s, c| Box::pin(incidents::get(s, c))),
        query("getIncidentSuccessRate", INCIDENT_OUTCOMES, LIST, |s, c| Box::pin(incidents::success_rate(s, c))),
        query("countIncidentsByNamespace", BY_NAMESPACE, INSPECT, |s, _| Box::pin(incidents::by_namespace(s))),
        query("countIncidentsBySeverity", BY_SEVERITY, INSPECT, |s, _| Box::pin(incidents::by_severity(s))),
        query("getIncidentTrend", TREND, LIST, |s, c| Box::pin(incidents::trend(s, c))),
        write("createWorkflow", WORKFLOWS, RECORD, |s, c| Box::pin(create_workflow::handle(s, c))),
        write("createWorkflowsBatch", WORKFLOW_BATCH, CREATE_EACH, |s, c| Box::pin(create_workflows_batch::handle(s, c))),
        query("listWorkflows", WORKFLOWS, LIST, |s, c| Box::pin(list_workflows::handle(s, c))),
        query("getWorkflow", WORKFLOW, GET, |s, c| Box::pin(get_workflow::handle(s, c))),
        query("listWorkflowVersions", VERSIONS, LIST, |s, c| Box::pin(list_workflow_versions::handle(s, c))),
        amend("updateWorkflow", Method::PATCH, WORKFLOW, Kind::Write, |s, c| Box::pin(change_workflow::handle(s, c, Edit::Update))),
        amend("disableWorkflow", Method::PATCH, DISABLE, Kind::Amend, |s, c| Box::pin(change_workflow::handle(s, c, Edit::Disable))),
        amend("enableWorkflow", Method::POST, ENABLE, Kind::Amend, |s, c| Box::pin(change_workflow::handle(s, c, Edit::Enable))),
        amend("countWorkflowExecutions", Method::POST, EXECUTIONS, Kind::Write, |s, c| Box::pin(count_executions::handle(s, c))),
        ask("searchWorkflows", SEARCH, ASK, |s, c| Box::pin(search_workflows::handle(s, c))),
        command("getDeadLetterQueue", Method::GET, DLQ, INSPECT, |s, c| Box::pin(get_dead_letter_queue::handle(s, c))),
        command("listDeadLetters", Method::GET, LETTERS, LIST, |s, c| Box::pin(list_dead_letters::handle(s, c))),
        command("replayDeadLetter", Method::POST, REPLAY, ACCEPT, |s, c| Box::pin(replay_dead_letter::handle(s, c))),
        command("purgeDeadLetter", Method::DELETE, LETTER, REMOVE, |s, c| Box::pin(purge_dead_letter::handle(s, c))),
        tell("getOpenApi", "/openapi.yaml", &[200], |_, _| Box::pin(get_openapi::handle())),
        operate("getHealth", "/health", CHECK, |s, _| Box::pin(get_health::handle(s))),
        operate("getHealthz", "/healthz", CHECK, |s, _| Box::pin(get_health::handle(s))),
        operate("getReadiness", "/health/ready", CHECK, |s, _| Box::pin(get_readiness::handle(s))),
        operate("getReadyz", "/readyz", CHECK, |s, _| Box::pin(get_readiness::handle(s))),
        operate("getLiveness", "/health/live", &[200], |_, _| Box::pin(get_liveness::handle())),
        operate("getLivez", "/livez", &[200], |_, _| Box::pin(get_liveness::handle())),
        operate("getMetrics", "/metrics", &[200], |s, _| Box::pin(get_metrics::handle(s))),
    ]
}

type Handle<P> = fn(Arc<Service<P>>, Call) -> Handling;

/// Reads from the store.
fn query<P: Ports>(
    operation: &'static str,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        operation,
        method: Method::GET,
        path,
        kind: Kind::Read,
        for_operators: false,
        needs_store: true,
        statuses,
        handle,
    }
}

/// The same where what is asked for is in the body.
fn ask<P: Ports>(
    operation: &'static str,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        method: Method::POST,
        kind: Kind::Question,
        ..query(operation, path, statuses, handle)
    }
}

/// Writes to the store.
fn write<P: Ports>(
    operation: &'static str,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        method: Method::POST,
        kind: Kind::Write,
        ..query(operation, path, statuses, handle)
    }
}

/// Changes something that is stored.
fn amend<P: Ports>(
    operation: &'static str,
    method: Method,
    path: &'static str,
    kind: Kind,
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        method,
        kind,
        ..query(operation, path, CHANGE, handle)
    }
}

/// Shows operators the backlogs, or changes them. All of it is audited, so all of it writes.
fn command<P: Ports>(
    operation: &'static str,
    method: Method,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        method,
        kind: Kind::Command,
        for_operators: true,
        ..query(operation, path, statuses, handle)
    }
}

/// Answers from what the process knows by itself.
fn tell<P: Ports>(
    operation: &'static str,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        needs_store: false,
        ..query(operation, path, statuses, handle)
    }
}

/// Tells operators and their machines.
fn operate<P: Ports>(
    operation: &'static str,
    path: &'static str,
    statuses: &'static [u16],
    handle: Handle<P>,
) -> Endpoint<P> {
    Endpoint {
        for_operators: true,
        ..tell(operation, path, statuses, handle)
    }
}

#[cfg(test)]
mod tests;
