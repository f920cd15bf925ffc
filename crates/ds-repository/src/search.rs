//! Finding workflows: the table narrows, by the labels that must fit and by what may be used; the
//! score is that of [`ds_domain::score`], and so is the order.
//!
//! Labels of a workflow never change, and neither does anything else that is shown of it. So it does
//! no harm that what is found is looked up by a second statement: what may be used was decided by the
//! first one, in one snapshot, on the table itself, and so is the same for all replicas.

mod labels;

use std::collections::HashMap;

use ds_domain::{
    json::JsonObject,
    label::{CustomLabels, DetectedLabels},
    score::{Labels, Score, score},
    search::{Best, Candidate, Ranked, WorkflowSearch, WorkflowStatus},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{
    Repository,
    error::{Cause, StoreError},
    jsonb::{Glanced, Read},
    pool::within,
    row::Columns,
    statement::Statement,
};

/// What must fit. The first two labels know no wildcard: an index finds them.
macro_rules! fits {
    () => {
        "labels->>'signal_type' = $1::text AND labels->>'severity' = $2::text
    AND labels->>'component' IN ($3::text, '*') AND labels->>'environment' IN ($4::text, '*')
    AND labels->>'priority' IN ($5::text, '*')"
    };
}

/// What is needed to rank a workflow: its wildcards that are needed, and the labels that are looked for.
macro_rules! rankable {
    () => {
        "SELECT workflow_id, created_at, (labels->>'component' <> $3::text)::int4
    + (labels->>'environment' <> $4::text)::int4 + (labels->>'priority' <> $5::text)::int4,
    CASE WHEN $6::bool THEN detected_labels END, CASE WHEN $7::bool THEN custom_labels END
FROM remediation_workflow_catalog WHERE "
    };
}

/// Of each name the highest active version; and the latest one, if that is not active but of a status
/// that is looked for.
pub(crate) const NARROW: Statement = Statement::new(concat!(
    "-- narrow_workflows\n",
    rankable!(),
    "is_search_version AND $8::bool AND ",
    fits!(),
    "\nUNION ALL\n",
    rankable!(),
    "is_latest_version AND NOT is_search_version AND status = ANY($9::text[]) AND ",
    fits!(),
));

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
            let best = self.narrow(search).await?;
            let matching = best.matching();
            let workflows = self.show(best.ranked()).await?;
            Ok(SearchResults {
                workflows,
                matching,
            })
        };
        within(NARROW.name(), budget, searching).await?
    }

    async fn narrow(&self, search: &WorkflowSearch) -> Result<Best, StoreError> {
        let filters = &search.filters;
        let labels = &filters.labels;
        let statuses = search.statuses();
        let is_active = |status: &WorkflowStatus| *status == WorkflowStatus::Active;
        let others = statuses.iter().filter(|status| !is_active(status));
        let others: Vec<&str> = others.map(|status| status.as_str()).collect();
        let params: [&(dyn ToSql + Sync); 9] = [
            /* $1 */ &labels.signal_type,
            /* $2 */ &labels.severity.as_str(),
            /* $3 */ &labels.component,
            /* $4 */ &labels.environment,
            /* $5 */ &labels.priority.as_str(),
            /* $6 */ &!filters.detected.is_empty(),
            /* $7 */ &!filters.custom.is_empty(),
            /* $8 */ &statuses.iter().any(is_active),
            /* $9 */ &others,
        ];
        let budget = self.settings.query_timeout;
        let rows = self.read.query(NARROW, &params, budget).await?;
        Ok(rank(&rows, search).map_err(Cause::driver(NARROW.name()))?)
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
        // None is removed, unless by hand.
        let workflows = ranked.into_iter().filter_map(|one| {
            let found = shown.remove(&one.workflow_id)?;
            let score = one.score;
            Some(FoundWorkflow { score, ..found })
        });
        Ok(workflows.collect())
    }
}

/// Ranks what came into question. Workflows often have the same labels: these are read once.
fn rank(rows: &[Row], search: &WorkflowSearch) -> Result<Best, tokio_postgres::Error> {
    let mut best = Best::of(search);
    let mut scores: HashMap<(Option<Glanced<'_>>, Option<Glanced<'_>>), Score> = HashMap::new();
    for row in rows {
        let mut columns = Columns::from(row, 0);
        let (workflow_id, created_at) = (columns.next()?, columns.next()?);
        let wildcards: i32 = columns.next()?;
        let texts = (columns.next()?, columns.next()?);
        let score = *scores
            .entry(texts)
            .or_insert_with_key(|(detected, custom)| {
                let detected = detected.as_ref().map(|it| labels::detected(it.0));
                let custom = custom.as_ref().map(|it| labels::custom(it.0));
                let offered = Labels {
                    detected: &detected.unwrap_or_default(),
                    custom: &custom.unwrap_or_default(),
                };
                score(search.filters.scored(), offered)
            });
        best.offer(Candidate {
            workflow_id,
            created_at,
            // There are three labels that can be left open.
            wildcards: u8::try_from(wildcards).unwrap_or(u8::MAX),
            score,
        });
    }
    Ok(best)
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
