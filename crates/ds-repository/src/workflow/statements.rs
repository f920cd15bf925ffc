//! What is said to the server about the catalogue.

use super::{workflow_bytes, workflow_columns};
use crate::statement::Statement;

/// Queues behind other writers of these names. Keys come sorted, so nobody waits in a circle.
pub(crate) const LOCK_NAMES: Statement = Statement::new(
    "-- lock_workflow_names
SELECT pg_advisory_xact_lock($1::int4, key) FROM (
    SELECT DISTINCT hashtext(name) AS key FROM unnest($2::text[]) AS name ORDER BY key
) AS keys",
);

/// The same for the name of one version.
pub(crate) const LOCK_NAME_OF: Statement = Statement::new(
    "-- lock_name_of_workflow
SELECT pg_advisory_xact_lock($1::int4, hashtext(workflow_name))
FROM remediation_workflow_catalog WHERE workflow_id = $2::uuid",
);

macro_rules! entry_columns {
    () => {
        "workflow_id, workflow_name, version, status, is_latest_version, is_search_version"
    };
}

/// Every version of these names, in order of arrival.
pub(crate) const VERSIONS: Statement = Statement::new(concat!(
    "-- list_entries_of_workflows\nSELECT ",
    entry_columns!(),
    " FROM remediation_workflow_catalog WHERE workflow_name = ANY($1::text[]) ORDER BY arrival",
));

/// Every version that has the name of this one.
pub(crate) const VERSIONS_OF: Statement = Statement::new(concat!(
    "-- list_entries_beside_workflow\nSELECT ",
    entry_columns!(),
    " FROM remediation_workflow_catalog WHERE workflow_name = (
    SELECT workflow_name FROM remediation_workflow_catalog WHERE workflow_id = $1::uuid
) ORDER BY arrival",
));

/// Takes marks away: they are given only once, so this comes first.
pub(crate) const UNMARK: Statement = Statement::new(
    "-- unmark_workflows
UPDATE remediation_workflow_catalog SET
    is_latest_version = is_latest_version AND workflow_id <> ALL($1::uuid[]),
    is_search_version = is_search_version AND workflow_id <> ALL($2::uuid[])
WHERE workflow_id = ANY($1::uuid[]) OR workflow_id = ANY($2::uuid[])",
);

/// Marks versions as those that a search finds.
pub(crate) const MARK: Statement = Statement::new(
    "-- mark_workflows
UPDATE remediation_workflow_catalog SET is_search_version = true WHERE workflow_id = ANY($1::uuid[])",
);

/// The columns that are written.
macro_rules! written_columns {
    () => {
        "workflow_id, workflow_name, version, name, description, owner, maintainer, content, \
         content_hash, parameters, execution_engine, container_image, container_digest, labels, \
         custom_labels, detected_labels, status, is_latest_version, is_search_version, \
         previous_version, version_notes, change_summary, approved_by, approved_at, \
         expected_success_rate, expected_duration_seconds, created_by"
    };
}

/// The arrays of [`Columns`](super::columns::Columns) as rows; rates come in thousandths.
macro_rules! rows_from_arrays {
    () => {
        "unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::text[], $13::text[], \
         $14::jsonb[], $15::jsonb[], $16::jsonb[], $17::text[], $18::bool[], $19::bool[], \
         $20::text[], $21::text[], $22::text[], $23::text[], $24::timestamptz[], $25::int4[], \
         $26::int4[], $27::text[])"
    };
}

/// Stores versions.
pub(crate) const INSERT: Statement = Statement::new(concat!(
    "-- insert_workflows\nINSERT INTO remediation_workflow_catalog (",
    written_columns!(),
    ")
SELECT workflow_id, workflow_name, version, name, description, owner, maintainer, content,
    content_hash, parameters, execution_engine, container_image, container_digest, labels,
    custom_labels, detected_labels, status, is_latest_version, is_search_version,
    previous_version, version_notes, change_summary, approved_by, approved_at,
    expected_success_rate / 1000.0, expected_duration_seconds, created_by
FROM ",
    rows_from_arrays!(),
    " AS given (",
    written_columns!(),
    ")\nRETURNING ",
    workflow_columns!(),
));

/// Says of versions whose name is taken whether what is stored was the same when it was written. What
/// became of it since does not count.
pub(crate) const COMPARE: Statement = Statement::new(concat!(
    "-- compare_workflows
SELECT stored.workflow_id,
    (stored.name, stored.description, stored.owner, stored.maintainer, stored.content,
     stored.content_hash, stored.parameters, stored.execution_engine, stored.container_image,
     stored.container_digest, stored.labels, stored.custom_labels, stored.detected_labels,
     stored.previous_version, stored.version_notes, stored.change_summary,
     stored.expected_success_rate, stored.expected_duration_seconds, stored.created_by)
    IS NOT DISTINCT FROM
    (given.name, given.description, given.owner, given.maintainer, given.content,
     given.content_hash, given.parameters, given.execution_engine, given.container_image,
     given.container_digest, given.labels, given.custom_labels, given.detected_labels,
     given.previous_version, given.version_notes, given.change_summary,
     given.expected_success_rate / 1000.0, given.expected_duration_seconds, given.created_by)
FROM ",
    rows_from_arrays!(),
    " WITH ORDINALITY AS given (",
    written_columns!(),
    ", position)
JOIN remediation_workflow_catalog AS stored
    ON (stored.workflow_name, stored.version) = (given.workflow_name, given.version)
ORDER BY position",
));

/// One version.
pub(crate) const FIND: Statement = Statement::new(concat!(
    "-- find_workflow\nSELECT ",
    workflow_columns!(),
    " FROM remediation_workflow_catalog WHERE workflow_id = $1::uuid",
));

/// One version that is about to be changed.
pub(crate) const FIND_LOCKED: Statement = Statement::new(concat!(
    "-- find_workflow_to_change\nSELECT ",
    workflow_columns!(),
    " FROM remediation_workflow_catalog WHERE workflow_id = $1::uuid FOR NO KEY UPDATE",
));

/// The newest versions of a name, as many as fit, and how many there are.
pub(crate) const LIST_VERSIONS: Statement = Statement::new(concat!(
    "-- list_versions\nSELECT chosen.total, ",
    workflow_columns!(),
    "
FROM (
    SELECT workflow_id AS id, arrival AS place, row_number() OVER latest AS number,
        (SELECT count(*) FROM remediation_workflow_catalog WHERE workflow_name = $1::text) AS total,
        sum(",
    workflow_bytes!(),
    ") OVER latest AS bytes
    FROM (
        SELECT * FROM remediation_workflow_catalog WHERE workflow_name = $1::text
        ORDER BY arrival DESC LIMIT $3::int8
    ) AS newest
    WINDOW latest AS (ORDER BY arrival DESC)
) AS chosen JOIN remediation_workflow_catalog ON workflow_id = chosen.id
WHERE chosen.number = 1 OR chosen.bytes <= $2::int8
ORDER BY chosen.place DESC",
));

/// Changes what became of a version.
pub(crate) const CHANGE: Statement = Statement::new(concat!(
    "-- change_workflow\nUPDATE remediation_workflow_catalog SET status = $2::text,
    status_reason = $3::text, disabled_by = $4::text, disabled_reason = $5::text,
    deprecation_notice = $6::text, updated_by = $7::text, is_search_version = $8::bool,
    disabled_at = CASE
        WHEN $2::text <> 'disabled' THEN NULL
        WHEN status = 'disabled' THEN disabled_at
        ELSE clock_timestamp()
    END
WHERE workflow_id = $1::uuid\nRETURNING ",
    workflow_columns!(),
));

/// Adds runs to the counters, unless a report of this name has done so before.
pub(crate) const COUNT: Statement = Statement::new(concat!(
    "-- count_executions\nWITH report AS (
    INSERT INTO remediation_workflow_executions (workflow_id, execution_id, executions, successful)
    SELECT workflow_id, $2::text, $3::int4, $4::int4
    FROM remediation_workflow_catalog WHERE workflow_id = $1::uuid AND $2::text IS NOT NULL
    ON CONFLICT ON CONSTRAINT remediation_workflow_executions_pkey DO NOTHING
    RETURNING true
)
UPDATE remediation_workflow_catalog SET
    total_executions = total_executions + $3::int4,
    successful_executions = successful_executions + $4::int4,
    actual_success_rate = round(
        (successful_executions + $4::int4)::numeric / (total_executions + $3::int4), 3)
WHERE workflow_id = $1::uuid AND ($2::text IS NULL OR EXISTS (SELECT FROM report))
RETURNING ",
    workflow_columns!(),
));

/// A version, and whether the report of this name says the same about it.
pub(crate) const FIND_COUNTED: Statement = Statement::new(concat!(
    "-- find_counted_executions\nSELECT (
    SELECT (executions, successful) = ($3::int4, $4::int4) FROM remediation_workflow_executions AS report
    WHERE report.workflow_id = $1::uuid AND execution_id = $2::text
), ",
    workflow_columns!(),
    " FROM remediation_workflow_catalog WHERE workflow_id = $1::uuid",
));
