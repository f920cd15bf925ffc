//! The JSON of success rates. On top a rate is a percentage, in breakdowns it is a fraction, as the
//! first contract has it.

use ds_domain::rate::{SuccessRate, Tally};
use ds_validation::rate::{RateQuery, RateSubject};
use serde::Serialize;

/// A success rate, with the members that its subject has.
#[derive(Serialize)]
pub(crate) struct SuccessRateReport<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    incident_type: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_version: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<DimensionsElement<'r>>,
    time_range: String,
    total_executions: u64,
    successful_executions: u64,
    failed_executions: u64,
    success_rate: f64,
    confidence: &'static str,
    min_samples_met: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breakdown_by_workflow: Vec<WorkflowElement<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breakdown_by_incident_type: Vec<IncidentElement<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_execution_mode: Option<ModesElement>,
}

/// What was asked for; empty where nothing was.
#[derive(Serialize)]
struct DimensionsElement<'r> {
    incident_type: &'r str,
    workflow_id: &'r str,
    workflow_version: &'r str,
    action_type: &'r str,
}

#[derive(Serialize)]
struct WorkflowElement<'r> {
    workflow_id: &'r str,
    workflow_version: &'r str,
    executions: u64,
    success_rate: f64,
}

#[derive(Serialize)]
struct IncidentElement<'r> {
    incident_type: &'r str,
    executions: u64,
    success_rate: f64,
}

#[derive(Serialize)]
struct ModesElement {
    catalog_selected: u64,
    chained: u64,
    manual_escalation: u64,
}

impl<'r> SuccessRateReport<'r> {
    /// The answer to `query`, for which `found` was counted.
    pub(crate) fn new(subject: RateSubject, query: &'r RateQuery, found: &'r SuccessRate) -> Self {
        let dimensions = &query.dimensions;
        let text = |value: &'r Option<String>| value.as_deref().unwrap_or_default();
        let is_multi = subject == RateSubject::MultiDimensional;
        let of_incident = subject == RateSubject::IncidentType;
        let of_workflow = subject == RateSubject::Workflow;
        let Tally {
            total,
            completed,
            failed,
        } = found.tally;
        let by_workflow = found.by_workflow.iter().filter(|_| !of_workflow);
        let by_incident_type = found.by_incident_type.iter().filter(|_| !of_incident);
        Self {
            incident_type: of_incident.then(|| text(&dimensions.incident_type)),
            workflow_id: of_workflow.then(|| text(&dimensions.workflow_id)),
            workflow_version: of_workflow.then(|| text(&dimensions.workflow_version)),
            dimensions: is_multi.then(|| DimensionsElement {
                incident_type: text(&dimensions.incident_type),
                workflow_id: text(&dimensions.workflow_id),
                workflow_version: text(&dimensions.workflow_version),
                action_type: text(&dimensions.action_type),
            }),
            time_range: match is_multi {
                true => query.range_given.clone(),
                false => query.range.normalised(),
            },
            total_executions: total,
            successful_executions: completed,
            failed_executions: failed,
            success_rate: found.tally.percent(),
            confidence: found.tally.confidence().as_str(),
            min_samples_met: total >= u64::from(query.min_samples),
            breakdown_by_workflow: by_workflow
                .map(|share| WorkflowElement {
                    workflow_id: &share.workflow_id,
                    workflow_version: text(&share.workflow_version),
                    executions: share.tally.total,
                    success_rate: share.tally.fraction(),
                })
                .collect(),
            breakdown_by_incident_type: by_incident_type
                .map(|share| IncidentElement {
                    incident_type: &share.incident_type,
                    executions: share.tally.total,
                    success_rate: share.tally.fraction(),
                })
                .collect(),
            ai_execution_mode: (total > 0).then_some(ModesElement {
                catalog_selected: found.modes.catalog_selected,
                chained: found.modes.chained,
                manual_escalation: found.modes.manual_escalation,
            }),
        }
    }
}
