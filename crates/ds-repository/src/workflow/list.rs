//! The list of workflows: its filters as conditions.

use ds_domain::{
    filter::{Page, Start},
    label::MandatoryLabel,
    limit::PAGE_WORKFLOWS_BYTES_MAX,
    workflow::{StoredWorkflow, WorkflowFilter},
};
use tokio_postgres::{Row, types::Type};

use super::row::{stored, workflow_bytes, workflow_columns};
use crate::{
    Listing, Repository,
    error::StoreError,
    list::{Key, List, Listed, list},
    sql::Sql,
};

/// A page of workflows.
pub type WorkflowPage = Listing<StoredWorkflow>;

/// Why there is no page.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoPage {
    /// It would be too large.
    #[error("page is too large")]
    TooLarge {
        /// How many workflows fit into one that begins there.
        fitting: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Listed for WorkflowFilter {
    type Item = StoredWorkflow;

    const LIST: List = list! {
        names: ("list_workflows", "estimate_workflows"),
        table: "remediation_workflow_catalog",
        columns: (workflow_columns!(), ", ", workflow_bytes!(), " AS bytes"),
        order: ("created_at", "workflow_id"),
        key: Key::Id,
        days: None,
        bytes_max: PAGE_WORKFLOWS_BYTES_MAX as i64,
    };

    fn conditions<'f>(&'f self, sql: &mut Sql<'f>) {
        if !self.statuses.is_empty() {
            let words: Vec<&str> = self.statuses.iter().map(|word| word.as_str()).collect();
            sql.push(" AND status = ANY(")
                .bind(Type::TEXT_ARRAY, words)
                .push(")");
        }
        for (label, values) in &self.labels {
            sql.push(match label {
                MandatoryLabel::SignalType => " AND labels->>'signal_type'",
                MandatoryLabel::Severity => " AND labels->>'severity'",
                MandatoryLabel::Component => " AND labels->>'component'",
                MandatoryLabel::Environment => " AND labels->>'environment'",
                MandatoryLabel::Priority => " AND labels->>'priority'",
            })
            .push_any(Type::TEXT, Type::TEXT_ARRAY, values);
        }
        for (key, values) in &self.custom_labels {
            sql.push(" AND custom_labels->")
                .bind(Type::TEXT, key.as_str())
                .push(" ?| ")
                .bind(Type::TEXT_ARRAY, values);
        }
    }

    fn read(row: &Row, first: usize) -> Result<StoredWorkflow, tokio_postgres::Error> {
        stored(row, first)
    }
}

impl Repository {
    /// Lists workflows, those that were stored last first. An exact total is of one snapshot with the
    /// page.
    ///
    /// A page of a walk ends early rather than to be too large: the next one begins behind its last
    /// workflow. Who asks by offset goes on by the limit, and would never see what was left out of such
    /// a page; so there is none.
    pub async fn list_workflows(
        &self,
        filter: &WorkflowFilter,
        page: Page,
    ) -> Result<WorkflowPage, NoPage> {
        let (listing, is_short) = self.list_fitting(filter, page).await?;
        match page.start {
            Start::Offset(_) if is_short => Err(NoPage::TooLarge {
                fitting: listing.items.len(),
            }),
            Start::Offset(_) | Start::Newest | Start::After(_) | Start::Before(_) => Ok(listing),
        }
    }
}
