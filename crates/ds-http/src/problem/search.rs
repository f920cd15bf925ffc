//! Problems with searches for workflows.

use ds_repository::error::StoreError;
use ds_validation::Rejection;

use super::{Problem, refusal};

/// What the detail of a refused search begins with.
const SCHEMA: &str =
    "request body has an error: doesn't match schema #/components/schemas/WorkflowSearchRequest: ";

impl Problem {
    /// A search that cannot be made.
    pub(crate) fn of_search(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Malformed(error) => {
                let message = format!("failed to decode request body: {error}");
                Self::bad_body("invalid_json", message)
            }
            Rejection::Invalid(violations) => {
                let detail = refusal::mismatch(SCHEMA, &violations);
                refusal::listing(Self::invalid(detail), &violations)
            }
        }
    }

    /// A search that the store did not answer.
    pub(crate) fn of_search_failure(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                let detail = "the workflow catalogue is temporarily unavailable, try again later";
                Self::away(detail, error)
            }
            StoreError::Internal(_) => {
                let mut problem = Self::internal().caused_by(error);
                problem.0.detail = "Failed to search workflows".into();
                problem
            }
        }
    }
}
