//! Problems with what is asked for.

use ds_validation::{ParameterError, Rule};
use http::StatusCode;
use uuid::Uuid;

use super::{Problem, RETRY_AFTER};

impl Problem {
    /// More streams than there is room for.
    pub(crate) fn too_many_exports() -> Self {
        let detail = "the service has as many streams under way as it can take, try again later";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "overloaded", "Service Overloaded", detail);
        problem.retrying_after(RETRY_AFTER)
    }

    /// A place to begin that a stream cannot begin at.
    pub(crate) fn no_stream_from(name: &'static str) -> Self {
        let message = "a stream begins at the newest event, or at `next` of a page";
        Self::of_parameters(ParameterError::in_query(name, Rule::Exclusive, message))
    }

    /// A cursor that was not handed out, or not to this question.
    pub(crate) fn of_cursor() -> Self {
        let message = "value is no cursor of a query with these filters";
        Self::of_parameters(ParameterError::in_query("cursor", Rule::Cursor, message))
    }

    /// An id that no stored event has.
    pub(crate) fn no_event(id: Uuid) -> Self {
        let detail = format!("audit event {id} does not exist");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// A remediation that no stored event belongs to.
    pub(crate) fn no_correlation() -> Self {
        let detail = "no audit event has this correlation_id";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// A parameter of the path that is no text.
    pub(crate) fn not_text(name: &'static str) -> Self {
        Self::path_parameter(name, "string is not percent-encoded UTF-8")
    }
}
