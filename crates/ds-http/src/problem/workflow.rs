//! Problems with workflows of the catalogue, in the words that clients of the first contract know.

use ds_domain::limit::PAGE_WORKFLOWS_BYTES_MAX;
use ds_ingest::WorkflowError;
use ds_repository::{error::StoreError, workflow::NoPage};
use ds_validation::{Rejection, Rule, Violation, Violations};
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::{Fault, Problem, refusal};

/// What was to be done to the catalogue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// A workflow was to be stored.
    Create,
    /// Several were.
    CreateBatch,
    /// One was to be changed.
    Update,
    /// One was to be disabled.
    Disable,
    /// One was to be enabled.
    Enable,
    /// Its runs were to be counted.
    Count,
    /// One was to be found.
    Get,
    /// Several were.
    List,
}

impl Attempt {
    /// What the list of violations begins with; the schema of a batch has no name.
    const fn schema(self) -> &'static str {
        match self {
            Self::Create => {
                "request body has an error: doesn't match schema #/components/schemas/WorkflowRequest: "
            }
            Self::Update => {
                "request body has an error: doesn't match schema #/components/schemas/WorkflowChange: "
            }
            Self::Disable | Self::Enable => {
                "request body has an error: doesn't match schema #/components/schemas/WorkflowSwitch: "
            }
            Self::Count => {
                "request body has an error: doesn't match schema #/components/schemas/WorkflowExecutions: "
            }
            Self::CreateBatch | Self::Get | Self::List => {
                "request body has an error: doesn't match schema: "
            }
        }
    }

    const fn is_creation(self) -> bool {
        matches!(self, Self::Create | Self::CreateBatch)
    }

    const fn failed(self) -> &'static str {
        match self {
            Self::Create => "Failed to create workflow",
            Self::CreateBatch => "Failed to create workflows",
            Self::Update => "Failed to update workflow",
            Self::Disable => "Failed to disable workflow",
            Self::Enable => "Failed to enable workflow",
            Self::Count => "Failed to count executions of workflow",
            Self::Get => "Failed to get workflow",
            Self::List => "Failed to list workflows",
        }
    }
}

/// The workflow that is in the way of another one.
#[derive(Debug, Serialize)]
pub(super) struct Existing {
    /// Whether it is the same.
    identical: bool,
    workflow_id: Uuid,
}

/// Fields of which the first contract says that they cannot be changed.
const IMMUTABLE: &str = "Cannot update immutable fields (description, content, labels). Create a new \
                         version instead. See DD-WORKFLOW-012.";

impl Problem {
    /// A workflow that was not stored, changed or counted; `workflow_id` is the one in the path.
    pub(crate) fn of_workflow(
        error: WorkflowError,
        attempt: Attempt,
        workflow_id: Option<Uuid>,
    ) -> Self {
        match error {
            WorkflowError::Rejected(Rejection::Invalid(found)) => of_violations(&found, attempt),
            WorkflowError::Rejected(Rejection::Malformed(error)) => {
                let message = format!("failed to decode request body: {error}");
                Self::bad_body("invalid_json", message)
            }
            WorkflowError::Taken {
                workflow_name,
                version,
                workflow_id,
                is_identical,
            } => {
                let detail =
                    format!("Workflow '{workflow_name}' version '{version}' already exists");
                let mut problem = conflict("Workflow Already Exists", detail, "/version");
                problem.0.existing = Some(Existing {
                    identical: is_identical,
                    workflow_id,
                });
                problem
            }
            WorkflowError::Unknown => Self::no_workflow(workflow_id.unwrap_or_default()),
            WorkflowError::Forbidden(forbidden) => {
                let (slug, title) = ("invalid-status-transition", "Invalid Status Transition");
                let detail = forbidden.to_string();
                let mut problem = Self::new(StatusCode::CONFLICT, slug, title, detail.clone());
                problem.0.errors.push(fault("/status", detail));
                problem
            }
            WorkflowError::ReportTaken { execution_id } => {
                let detail =
                    format!("another report with execution_id '{execution_id}' was counted before");
                conflict("Resource Conflict", detail, "/execution_id")
            }
            WorkflowError::CountersFull => {
                let detail = format!("the counters of a workflow hold at most {} runs", i32::MAX);
                conflict("Counters Full", detail, "/count")
            }
            WorkflowError::Refused { column, cause } => {
                of_row(column.as_deref(), attempt).caused_by(cause)
            }
            WorkflowError::Unavailable(cause) => Self::away(AWAY, cause),
            WorkflowError::Internal(cause) => failed(attempt).caused_by(cause),
        }
    }

    /// A question about the catalogue that the store did not answer.
    pub(crate) fn of_catalogue(error: StoreError, attempt: Attempt) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::away(AWAY, error),
            StoreError::Internal(_) => failed(attempt).caused_by(error),
        }
    }

    /// A page of the list that is not given.
    pub(crate) fn of_workflow_page(error: NoPage) -> Self {
        let fitting = match error {
            NoPage::Store(error) => return Self::of_catalogue(error, Attempt::List),
            NoPage::TooLarge { fitting } => fitting,
        };
        let message = format!(
            "a page of so many workflows is larger than {PAGE_WORKFLOWS_BYTES_MAX} bytes, from this \
             offset on {fitting} fit: use a smaller limit, or \"cursor\", whose pages are as long as fits"
        );
        let (name, rule) = ("limit", "page_too_large");
        let detail = format!("parameter \"{name}\" in query has an error: {message}");
        let mut problem = Self::invalid(detail).counting(name, rule, 1);
        problem.0.errors.push(Fault {
            parameter: Some(name),
            rule,
            message,
            ..Fault::default()
        });
        problem
    }

    /// An id that no workflow has.
    pub(crate) fn no_workflow(workflow_id: Uuid) -> Self {
        let detail = format!("Workflow not found: {workflow_id}");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// An id that is no id.
    pub(crate) fn not_a_workflow() -> Self {
        let message = "string doesn't match the format \"uuid\"";
        Self::path_parameter("workflow_id", message)
    }

    /// The document about the part `path` of a request `request_id`, to stand in an answer.
    pub(crate) fn value(&self, path: &str, request_id: &str) -> Result<serde_json::Value, Self> {
        serde_json::to_value(self.wire(path, request_id)).map_err(Self::unwritable)
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// What is said while the store is away.
const AWAY: &str = "the workflow catalogue is temporarily unavailable, try again later";

fn failed(attempt: Attempt) -> Problem {
    let (slug, title) = ("internal-error", "Internal Server Error");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, slug, title, attempt.failed())
}

fn conflict(title: &'static str, detail: String, pointer: &str) -> Problem {
    let mut problem = Problem::new(StatusCode::CONFLICT, "conflict", title, detail.clone());
    problem.0.errors.push(fault(pointer, detail));
    problem
}

fn fault(pointer: &str, message: String) -> Fault {
    Fault {
        pointer: Some(pointer.to_owned()),
        rule: "conflict",
        message,
        ..Fault::default()
    }
}

fn of_violations(violations: &Violations, attempt: Attempt) -> Problem {
    let is = |rule: Rule| move |violation: &Violation| violation.rule == rule;
    let bad = |slug: &'static str, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, slug, "Bad Request", detail)
    };
    let first = violations.iter().next();
    let problem = match first {
        Some(_) if violations.iter().any(is(Rule::Immutable)) => {
            bad("immutable-field-violation", IMMUTABLE.to_owned())
        }
        // What the schema of the first contract let pass, and its handler did not.
        Some(first) if attempt.is_creation() && violations.iter().all(is(Rule::Empty)) => bad(
            "bad-request",
            match first.field {
                "labels" => format!(
                    "labels are required (signal_type, severity, component, environment, \
                     priority): {}",
                    first.message
                ),
                _ => first.message.clone(),
            },
        ),
        Some(first) if first.rule == Rule::EmptyBatch => Problem::invalid(first.message.clone()),
        Some(_) | None => Problem::invalid(refusal::mismatch(attempt.schema(), violations)),
    };
    refusal::listing(problem, violations)
}

/// A row that the table refuses although it passed every rule: the rules and the table differ.
fn of_row(column: Option<&str>, attempt: Attempt) -> Problem {
    let message = "value is refused by the store";
    let mut fields = ds_domain::limit::WORKFLOW_TEXT_FIELDS.iter();
    let field = fields.find(|field| Some(field.column) == column);
    let field = field.map(|field| field.name);
    let detail = match field {
        Some(field) => format!("{}Error at \"/{field}\": {message}", attempt.schema()),
        None => format!("{}{message}", attempt.schema()),
    };
    let problem = Problem::invalid(detail);
    let mut problem = problem.counting(field.unwrap_or("body"), "refused_by_store", 1);
    problem.0.errors.push(Fault {
        pointer: field.map(|field| format!("/{field}")),
        rule: "refused_by_store",
        message: message.to_owned(),
        ..Fault::default()
    });
    problem
}

#[cfg(test)]
pub(super) mod tests;
