//! Finding workflows: the score is that of [`ds_domain::score`], and so is the order. What comes into
//! question is looked up in memory, in an index that is brought up to the table first ([`live`]).
//!
//! Labels of a workflow never change, and neither does anything else that is shown of it. So it does
//! no harm that what is found is looked up by a second statement: what may be used was decided in one
//! snapshot of the table, and so is the same for all replicas.

mod index;
mod labels;
pub(crate) mod live;

use std::collections::HashMap;

use ds_domain::{
    json::JsonObject,
    label::{CustomLabels, DetectedLabels},
    score::{Labels, Score},
    search::{Ranked, WorkflowSearch},
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    Repository,
    error::{Cause, StoreError},
    jsonb::Read,
    pool::within,
    row::Columns,
    statement::Statement,
};
use live::Reader;

pub(crate) const SHOW: Statement = Statement::new(
    "-- show_workflows
SELECT workflow_id, name, description, labels->>'signal_type', container_image, container_digest,
    custom_labels, detected_labels
FROM remediation_workflow_catalog WHERE workflow_id = ANY($1::uuid[])",
);

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct SearchResults {
    /// The best, in their order.
    pub workflows: Vec<FoundWorkflow>,
    /// How many there are whose score is high enough, these included.
    pub matching: u64,
}

/// A workflow that was found.
#[derive(Clone, Debug)]
pub struct FoundWorkflow {
    /// Its id.
    pub workflow_id: Uuid,
    /// Its name, for people.
    pub title: String,
    /// What it does.
    pub description: String,
    /// What it is for.
    pub signal_type: String,
    /// The image that runs it.
    pub container_image: Option<String>,
    /// The digest of that.
    pub container_digest: Option<String>,
    /// What the customer says about it, as it is stored.
    pub custom_labels: JsonObject,
    /// What its author expects, as it is stored.
    pub detected_labels: JsonObject,
    /// The same, to be compared.
    pub custom: CustomLabels,
    /// Likewise.
    pub detected: DetectedLabels,
    /// What its labels are worth.
    pub score: Score,
}

impl FoundWorkflow {
    /// Its labels that make the score.
    pub fn scored(&self) -> Labels<'_> {
        Labels {
            detected: &self.detected,
            custom: &self.custom,
        }
    }
}

impl Repository {
    /// Finds the workflows that suit best.
    pub async fn search_workflows(
        &self,
        search: &WorkflowSearch,
    ) -> Result<SearchResults, StoreError> {
        let budget = self.settings.query_timeout;
        let searching = async {
            let (results, is_complete) = self.search_once(search).await?;
            if is_complete {
                return Ok(results);
            }
            // Rows were removed by hand, which nobody tells.
            self.search_index.forget().await;
            let (results, _is_complete) = self.search_once(search).await?;
            Ok(results)
        };
        within(SHOW.name(), budget, searching).await?
    }

    /// Searches; says as well whether all that was found is in the table.
    async fn search_once(
        &self,
        search: &WorkflowSearch,
    ) -> Result<(SearchResults, bool), StoreError> {
        let reader = Reader {
            pool: &self.read,
            budget: self.settings.query_timeout,
        };
        let best = self.search_index.best(&reader, search).await?;
        let matching = best.matching();
        let ranked = best.ranked();
        let found = ranked.len();
        let workflows = self.show(ranked).await?;
        let is_complete = workflows.len() == found;
        let results = SearchResults {
            workflows,
            matching,
        };
        Ok((results, is_complete))
    }

    async fn show(&self, ranked: Vec<Ranked>) -> Result<Vec<FoundWorkflow>, StoreError> {
        if ranked.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = ranked.iter().map(|one| one.workflow_id).collect();
        let budget = self.settings.query_timeout;
        let rows = self.read.query(SHOW, &[&ids], budget).await?;
        let shown = rows.iter().map(|row| {
            let found = found(row)?;
            Ok((found.workflow_id, found))
        });
        let shown: Result<HashMap<Uuid, FoundWorkflow>, _> = shown.collect();
        let mut shown = shown.map_err(Cause::driver(SHOW.name()))?;
        let workflows = ranked.into_iter().filter_map(|one| {
            let found = shown.remove(&one.workflow_id)?;
            let score = one.score;
            Some(FoundWorkflow { score, ..found })
        });
        Ok(workflows.collect())
    }
}

/// Reads a workflow; its score is not in the table.
fn found(row: &Row) -> Result<FoundWorkflow, tokio_postgres::Error> {
    let mut columns = Columns::from(row, 0);
    let (workflow_id, title, description) = (columns.next()?, columns.next()?, columns.next()?);
    let signal_type = columns.next()?;
    let (container_image, container_digest) = (columns.next()?, columns.next()?);
    let custom_labels = columns.next::<Read>()?.0;
    let detected_labels = columns.next::<Read>()?.0;
    Ok(FoundWorkflow {
        workflow_id,
        title,
        description,
        signal_type,
        container_image,
        container_digest,
        custom: labels::custom(custom_labels.as_str()),
        detected: labels::detected(detected_labels.as_str()),
        custom_labels,
        detected_labels,
        score: Score::default(),
    })
}
