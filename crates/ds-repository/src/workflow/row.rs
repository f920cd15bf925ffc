//! Rows of the catalogue as they are read.

use ds_domain::workflow::{Lifecycle, Rate, StoredWorkflow, WorkflowStatus};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    jsonb::Read,
    row::{Columns, Word},
};

/// All columns that are given back; [`stored`] reads them in this order. Rates come in thousandths.
macro_rules! workflow_columns {
    () => {
        "workflow_id, workflow_name, version, name, description, owner, maintainer, content, \
         content_hash, parameters, execution_engine, container_image, container_digest, labels, \
         custom_labels, detected_labels, status, status_reason, disabled_by, disabled_reason, \
         deprecation_notice, updated_by, disabled_at, is_latest_version, previous_version, \
         version_notes, change_summary, approved_by, approved_at, \
         (expected_success_rate * 1000)::int4, expected_duration_seconds, \
         (actual_success_rate * 1000)::int4, total_executions, successful_executions, created_at, \
         updated_at, created_by"
    };
}
pub(crate) use workflow_columns;

/// How large a version is; what is small is not counted. Nothing is read for it but parameters.
macro_rules! workflow_bytes {
    () => {
        "octet_length(content) + octet_length(description) \
         + coalesce(octet_length(parameters::text), 0) \
         + coalesce(octet_length(version_notes), 0) + coalesce(octet_length(change_summary), 0) \
         + coalesce(octet_length(status_reason), 0) + coalesce(octet_length(disabled_reason), 0) \
         + coalesce(octet_length(deprecation_notice), 0)"
    };
}
pub(crate) use workflow_bytes;

/// Reads a version whose columns start at `first`.
pub(crate) fn stored(row: &Row, first: usize) -> Result<StoredWorkflow, tokio_postgres::Error> {
    let mut columns = Columns::from(row, first);
    Ok(StoredWorkflow {
        workflow_id: columns.next()?,
        workflow_name: columns.next()?,
        version: columns.next()?,
        name: columns.next()?,
        description: columns.next()?,
        owner: columns.next()?,
        maintainer: columns.next()?,
        content: columns.next()?,
        content_hash: columns.next()?,
        parameters: columns.next::<Option<Read>>()?.map(|object| object.0),
        execution_engine: columns.next()?,
        container_image: columns.next()?,
        container_digest: columns.next()?,
        labels: columns.next::<Read>()?.0,
        custom_labels: columns.next::<Read>()?.0,
        detected_labels: columns.next::<Read>()?.0,
        lifecycle: Lifecycle {
            status: columns.next::<Word<WorkflowStatus>>()?.0,
            status_reason: columns.next()?,
            disabled_by: columns.next()?,
            disabled_reason: columns.next()?,
            deprecation_notice: columns.next()?,
            updated_by: columns.next()?,
        },
        disabled_at: columns.next()?,
        is_latest_version: columns.next()?,
        previous_version: columns.next()?,
        version_notes: columns.next()?,
        change_summary: columns.next()?,
        approved_by: columns.next()?,
        approved_at: columns.next()?,
        expected_success_rate: rate(columns.next()?),
        expected_duration_seconds: columns.next()?,
        actual_success_rate: rate(columns.next()?),
        total_executions: columns.next()?,
        successful_executions: columns.next()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
        created_by: columns.next()?,
    })
}

fn rate(thousandths: Option<i32>) -> Option<Rate> {
    // A CHECK keeps it within bounds.
    Rate::from_thousandths(thousandths?)
}

/// What is known about a version while the lock of its name is held.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) workflow_id: Uuid,
    pub(super) workflow_name: String,
    pub(super) version: String,
    pub(super) status: WorkflowStatus,
    pub(super) is_latest: bool,
    pub(super) is_search: bool,
}

/// Reads the rows of [`VERSIONS`](super::statements::VERSIONS).
pub(super) fn entries(rows: &[Row]) -> Result<Vec<Entry>, tokio_postgres::Error> {
    let entry = |row: &Row| {
        let mut columns = Columns::from(row, 0);
        Ok(Entry {
            workflow_id: columns.next()?,
            workflow_name: columns.next()?,
            version: columns.next()?,
            status: columns.next::<Word<WorkflowStatus>>()?.0,
            is_latest: columns.next()?,
            is_search: columns.next()?,
        })
    };
    rows.iter().map(entry).collect()
}
