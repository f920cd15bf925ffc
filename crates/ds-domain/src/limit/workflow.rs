//! The bounds of a workflow and of what is done to one.

use super::{TextField, optional, required};

/// Longest name of a workflow or of a person; of a report of runs, too.
pub const WORKFLOW_NAME_CHARS_MAX: usize = 255;

/// Longest version of a workflow.
pub const WORKFLOW_VERSION_CHARS_MAX: usize = 50;

/// Longest content of a workflow; the column is an unbounded `text`. A fifth of the largest body.
pub const WORKFLOW_CONTENT_CHARS_MAX: usize = 1_048_576;

/// Length of a content hash: SHA-256 in hexadecimal.
pub const WORKFLOW_HASH_CHARS: usize = 64;

/// Length of a digest: `sha256:` and a hash.
pub const WORKFLOW_DIGEST_CHARS: usize = 71;

/// Longest description, notice, note or reason; the columns are unbounded `text`.
pub const WORKFLOW_TEXT_CHARS_MAX: usize = 10_000;

/// Longest reference of an image; the column is an unbounded `text`.
pub const WORKFLOW_IMAGE_CHARS_MAX: usize = 1_000;

/// Longest time a workflow can be expected to take, in seconds: what the column holds.
pub const WORKFLOW_DURATION_SECONDS_MAX: i32 = i32::MAX;

/// Most runs in one report.
pub const EXECUTIONS_MAX: i32 = 1_000_000;

/// Most workflows in one batch.
pub const BATCH_WORKFLOWS_MAX: usize = 500;

/// Most workflows on one page of a list, and on a page when the client does not say; as many as
/// `PAGE_ITEMS_MAX` may be asked for, as ever.
pub const PAGE_WORKFLOWS_MAX: u16 = 100;

/// Most bytes of workflows on one page of a list. A page of a walk ends early, after one workflow at
/// least; one that is asked for by its offset is given whole or not at all.
pub const PAGE_WORKFLOWS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most versions of one name that are listed, the newest ones.
pub const VERSIONS_LISTED_MAX: u16 = 1_000;

/// The text fields of a new workflow, in the order in which the API document lists them.
pub const WORKFLOW_TEXT_FIELDS: &[TextField] = &[
    required("workflow_name", "workflow_name", WORKFLOW_NAME_CHARS_MAX),
    required("version", "version", WORKFLOW_VERSION_CHARS_MAX),
    required("name", "name", WORKFLOW_NAME_CHARS_MAX),
    required("description", "description", WORKFLOW_TEXT_CHARS_MAX),
    required("content", "content", WORKFLOW_CONTENT_CHARS_MAX),
    required("content_hash", "content_hash", WORKFLOW_HASH_CHARS),
    required(
        "execution_engine",
        "execution_engine",
        WORKFLOW_VERSION_CHARS_MAX,
    ),
    required("status", "status", 20),
    optional("owner", WORKFLOW_NAME_CHARS_MAX),
    optional("maintainer", WORKFLOW_NAME_CHARS_MAX),
    optional("container_image", WORKFLOW_IMAGE_CHARS_MAX),
    optional("container_digest", WORKFLOW_DIGEST_CHARS),
    optional("previous_version", WORKFLOW_VERSION_CHARS_MAX),
    optional("version_notes", WORKFLOW_TEXT_CHARS_MAX),
    optional("change_summary", WORKFLOW_TEXT_CHARS_MAX),
    optional("approved_by", WORKFLOW_NAME_CHARS_MAX),
    optional("created_by", WORKFLOW_NAME_CHARS_MAX),
];

/// The text fields of a change of a workflow, likewise.
pub const WORKFLOW_CHANGE_TEXT_FIELDS: &[TextField] = &[
    optional("status", 20),
    optional("status_reason", WORKFLOW_TEXT_CHARS_MAX),
    optional("disabled_by", WORKFLOW_NAME_CHARS_MAX),
    optional("disabled_reason", WORKFLOW_TEXT_CHARS_MAX),
    optional("deprecation_notice", WORKFLOW_TEXT_CHARS_MAX),
    optional("updated_by", WORKFLOW_NAME_CHARS_MAX),
];

/// The text fields of a report of runs, likewise.
pub const EXECUTION_TEXT_FIELDS: &[TextField] =
    &[optional("execution_id", WORKFLOW_NAME_CHARS_MAX)];
