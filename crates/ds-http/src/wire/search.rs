//! The JSON of searches for workflows.

use ds_domain::{
    json::JsonObject,
    label::{DetectedLabel, DetectedLabels},
    score::{Contribution, Points, Total, contributions},
    search::{SearchFilters, WorkflowSearch},
};
use ds_repository::{FoundWorkflow, SearchResults};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::problem::Problem;

/// How an object without members is stored.
const EMPTY: &str = "{}";

/// What was found, and what was looked for.
#[derive(Serialize)]
pub(crate) struct SearchAnswer<'s> {
    workflows: Vec<FoundElement<'s>>,
    total_results: usize,
    filters: FilterEcho<'s>,
}

impl<'s> SearchAnswer<'s> {
    /// The answer to `search`, for which `found` was found.
    pub(crate) fn new(
        search: &'s WorkflowSearch,
        found: &'s SearchResults,
    ) -> Result<Self, Problem> {
        let ranked = (1..).zip(&found.workflows);
        let workflows = ranked.map(|(rank, found)| FoundElement::new(rank, found, search));
        Ok(Self {
            workflows: workflows.collect::<Result<_, _>>()?,
            total_results: found.workflows.len(),
            filters: FilterEcho(&search.filters),
        })
    }
}

/// A workflow that was found.
#[derive(Serialize)]
struct FoundElement<'s> {
    workflow_id: Uuid,
    title: &'s str,
    description: &'s str,
    signal_type: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_image: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_digest: Option<&'s str>,
    confidence: f64,
    label_boost: f64,
    label_penalty: f64,
    final_score: f64,
    rank: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_labels: Option<&'s RawValue>,
    detected_labels: &'s RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Vec<ContributionElement<'s>>>,
}

impl<'s> FoundElement<'s> {
    fn new(
        rank: u16,
        found: &'s FoundWorkflow,
        search: &'s WorkflowSearch,
    ) -> Result<Self, Problem> {
        let score = found.score;
        let total = total(score.total());
        let is_empty = |object: &&JsonObject| object.as_str() == EMPTY;
        let custom = Some(&found.custom_labels).filter(|it| !is_empty(it));
        let parts = search.explain.then(|| {
            let parts = contributions(search.filters.scored(), found.scored());
            parts.into_iter().map(ContributionElement::new).collect()
        });
        Ok(Self {
            workflow_id: found.workflow_id,
            title: &found.title,
            description: &found.description,
            signal_type: &found.signal_type,
            container_image: found.container_image.as_deref(),
            container_digest: found.container_digest.as_deref(),
            confidence: total,
            label_boost: points(score.boost),
            label_penalty: points(score.penalty),
            final_score: total,
            rank,
            custom_labels: custom.map(raw).transpose()?,
            detected_labels: raw(&found.detected_labels)?,
            contributions: parts,
        })
    }
}

/// The text as it is stored.
fn raw(object: &JsonObject) -> Result<&RawValue, Problem> {
    serde_json::from_str(object.as_str()).map_err(Problem::unwritable)
}

/// What one label does to a score.
#[derive(Serialize)]
struct ContributionElement<'s> {
    origin: &'static str,
    label: &'s str,
    wanted: &'s str,
    fit: &'static str,
    boost: f64,
    penalty: f64,
}

impl<'s> ContributionElement<'s> {
    fn new(part: Contribution<'s>) -> Self {
        Self {
            origin: part.origin.as_str(),
            label: part.label,
            wanted: part.wanted,
            fit: part.fit.as_str(),
            boost: points(part.boost),
            penalty: points(part.penalty),
        }
    }
}

/// Whole numbers become fractions here, and nowhere before: dividing once gives the number that is
/// nearest, which is the one that is written with these very digits.
pub(crate) fn points(points: Points) -> f64 {
    f64::from(points.0) / 1_000.0
}

/// Likewise.
pub(crate) fn total(total: Total) -> f64 {
    f64::from(total.0) / 10_000.0
}

/// What was looked for, as it was understood.
pub(crate) struct FilterEcho<'s>(pub(crate) &'s SearchFilters);

impl Serialize for FilterEcho<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SearchFilters {
            labels,
            detected,
            custom,
            statuses,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for label in ds_domain::label::MandatoryLabel::ALL {
            map.serialize_entry(label.as_str(), labels.get(*label))?;
        }
        if !custom.is_empty() {
            map.serialize_entry("custom_labels", &custom.0)?;
        }
        map.serialize_entry("detected_labels", &DetectedEcho(detected))?;
        if !statuses.is_empty() {
            let words: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
            map.serialize_entry("status", &words)?;
        }
        map.end()
    }
}

/// Detected labels: what was not detected is left out.
struct DetectedEcho<'s>(&'s DetectedLabels);

impl Serialize for DetectedEcho<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let failed: Vec<&str> = self.0.failed.iter().map(|label| label.as_str()).collect();
        if !failed.is_empty() {
            map.serialize_entry("failed_detections", &failed)?;
        }
        for label in DetectedLabel::ALL {
            match self.0.get(*label) {
                Some(_) if DetectedLabel::FLAGS.contains(label) => {
                    map.serialize_entry(label.as_str(), &true)?;
                }
                Some(word) => map.serialize_entry(label.as_str(), word)?,
                None => {}
            }
        }
        map.end()
    }
}

#[cfg(test)]
pub(super) mod tests;
