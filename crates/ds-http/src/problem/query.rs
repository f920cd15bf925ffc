//! Problems with what is asked for.

use ds_validation::query::ParameterError;
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
        Self::of_parameters(vec![ParameterError::Schema {
            name,
            reason: "a stream begins at the newest event, or at `next` of a page".to_owned(),
        }])
    }

    /// A cursor that was not handed out, or not to this question.
    pub(crate) fn of_cursor() -> Self {
        Self::of_parameters(vec![ParameterError::Schema {
            name: "cursor",
            reason: "value is no cursor of a query with these filters".to_owned(),
        }])
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
