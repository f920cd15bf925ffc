//! New versions turned into one array per column, for `unnest`.

use ds_domain::json::JsonObject;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{create::NewWorkflow, labels};
use crate::jsonb::Written;

/// A version on its way into the table.
pub(super) struct Candidate<'w> {
    pub(super) new: &'w NewWorkflow,
    pub(super) is_latest: bool,
    pub(super) is_search: bool,
    /// Whether it is marked only because it came last.
    pub(super) is_guess: bool,
    labels: JsonObject,
    custom_labels: JsonObject,
    detected_labels: JsonObject,
}

impl<'w> Candidate<'w> {
    /// One that is marked as nothing yet.
    pub(super) fn new(new: &'w NewWorkflow) -> Self {
        let workflow = new.workflow();
        Self {
            new,
            is_latest: false,
            is_search: false,
            is_guess: false,
            labels: labels::mandatory(&workflow.labels),
            custom_labels: labels::custom(&workflow.custom_labels),
            detected_labels: labels::detected(&workflow.detected_labels),
        }
    }
}

/// Declares the arrays, in the order of the parameters, and how each is filled from a candidate `one`
/// and its workflow `of`.
macro_rules! columns {
    ($one:ident, $of:ident; $($name:ident: $kind:ty = $value:expr,)+) => {
        /// One array per column.
        #[derive(Default)]
        pub(super) struct Columns<'w> {
            $($name: Vec<$kind>,)+
        }

        impl<'w> Columns<'w> {
            fn push(&mut self, $one: &'w Candidate<'w>) {
                let $of = $one.new.workflow();
                $(self.$name.push($value);)+
            }

            /// The parameters of a statement over these rows.
            pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 27] {
                [$(&self.$name),+]
            }
        }
    };
}

columns! { one, of;
    workflow_id: Uuid = one.new.workflow_id,
    workflow_name: &'w str = &of.workflow_name,
    version: &'w str = &of.version,
    name: &'w str = &of.name,
    description: &'w str = &of.description,
    owner: Option<&'w str> = of.owner.as_deref(),
    maintainer: Option<&'w str> = of.maintainer.as_deref(),
    content: &'w str = &of.content,
    content_hash: &'w str = &of.content_hash,
    parameters: Option<Written<'w>> = of.parameters.as_ref().map(Written),
    execution_engine: &'w str = &of.execution_engine,
    container_image: Option<&'w str> = of.container_image.as_deref(),
    container_digest: Option<&'w str> = of.container_digest.as_deref(),
    labels: Written<'w> = Written(&one.labels),
    custom_labels: Written<'w> = Written(&one.custom_labels),
    detected_labels: Written<'w> = Written(&one.detected_labels),
    status: &'static str = of.status.as_str(),
    is_latest_version: bool = one.is_latest,
    is_search_version: bool = one.is_search,
    previous_version: Option<&'w str> = of.previous_version.as_deref(),
    version_notes: Option<&'w str> = of.version_notes.as_deref(),
    change_summary: Option<&'w str> = of.change_summary.as_deref(),
    approved_by: Option<&'w str> = of.approved_by.as_deref(),
    approved_at: Option<Timestamp> = of.approved_at,
    expected_success_rate: Option<i32> = of.expected_success_rate.map(|rate| rate.thousandths()),
    expected_duration_seconds: Option<i32> = of.expected_duration_seconds,
    created_by: Option<&'w str> = of.created_by.as_deref(),
}

impl<'w> FromIterator<&'w Candidate<'w>> for Columns<'w> {
    fn from_iter<I: IntoIterator<Item = &'w Candidate<'w>>>(candidates: I) -> Self {
        let mut columns = Self::default();
        for candidate in candidates {
            columns.push(candidate);
        }
        columns
    }
}
