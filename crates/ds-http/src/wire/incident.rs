//! The JSON of incidents and their aggregates.

use ds_domain::{
    incident::{DayCount, Group, TrendPeriod},
    rate::Tally,
};
use ds_repository::IncidentPage;
use ds_validation::incident::IncidentSlice;
use jiff::civil::Date;
use serde::Serialize;

use super::ActionElement;
use crate::problem::Problem;

/// A page of incidents.
#[derive(Serialize)]
pub(crate) struct IncidentList<'i> {
    data: Vec<ActionElement<'i>>,
    pagination: IncidentPagination,
}

/// Where a page stands in the whole list.
#[derive(Serialize)]
struct IncidentPagination {
    limit: u16,
    offset: u64,
    total: u64,
}

impl<'i> IncidentList<'i> {
    /// The answer for what was `found` when `slice` was asked for.
    pub(crate) fn new(found: &'i IncidentPage, slice: IncidentSlice) -> Result<Self, Problem> {
        let data = found.incidents.iter().map(ActionElement::new);
        let data = data.collect::<Result<_, _>>()?;
        let pagination = IncidentPagination {
            limit: slice.limit,
            offset: slice.offset,
            total: found.total,
        };
        Ok(Self { data, pagination })
    }
}

/// How the actions of a workflow ended.
#[derive(Serialize)]
pub(crate) struct OutcomeCounts<'i> {
    workflow_id: &'i str,
    total_count: u64,
    success_count: u64,
    failure_count: u64,
    /// A fraction, as the first contract has it here.
    success_rate: f64,
}

impl<'i> OutcomeCounts<'i> {
    /// The answer for `workflow_id`.
    pub(crate) fn new(workflow_id: &'i str, tally: Tally) -> Self {
        Self {
            workflow_id,
            total_count: tally.total,
            success_count: tally.completed,
            failure_count: tally.failed,
            success_rate: tally.fraction(),
        }
    }
}

/// How many incidents there are in each namespace.
#[derive(Serialize)]
pub(crate) struct NamespaceCounts<'i> {
    aggregations: Vec<NamespaceCount<'i>>,
}

#[derive(Serialize)]
struct NamespaceCount<'i> {
    namespace: &'i str,
    count: u64,
}

impl<'i> NamespaceCounts<'i> {
    /// The answer for these groups.
    pub(crate) fn new(groups: &'i [Group]) -> Self {
        let each = groups.iter().map(|group| NamespaceCount {
            namespace: &group.name,
            count: group.count,
        });
        Self {
            aggregations: each.collect(),
        }
    }
}

/// How many incidents there are of each severity.
#[derive(Serialize)]
pub(crate) struct SeverityCounts<'i> {
    aggregations: Vec<SeverityCount<'i>>,
}

#[derive(Serialize)]
struct SeverityCount<'i> {
    severity: &'i str,
    count: u64,
}

impl<'i> SeverityCounts<'i> {
    /// The answer for these groups.
    pub(crate) fn new(groups: &'i [Group]) -> Self {
        let each = groups.iter().map(|group| SeverityCount {
            severity: &group.name,
            count: group.count,
        });
        Self {
            aggregations: each.collect(),
        }
    }
}

/// How many incidents there were on each day.
#[derive(Serialize)]
pub(crate) struct Trend {
    period: &'static str,
    data_points: Vec<DataPoint>,
}

#[derive(Serialize)]
struct DataPoint {
    date: Date,
    count: u64,
}

impl Trend {
    /// The answer for these days.
    pub(crate) fn new(period: TrendPeriod, days: &[DayCount]) -> Self {
        let points = days.iter().map(|day| DataPoint {
            date: day.date,
            count: day.count,
        });
        Self {
            period: period.as_str(),
            data_points: points.collect(),
        }
    }
}
