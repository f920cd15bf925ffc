//! Problems with what operators ask for.

use ds_dlq::{BacklogError, SharedError};
use http::StatusCode;

use super::Problem;
use crate::admin::LetterId;

impl Problem {
    /// The name of a dead letter that no backlog would give.
    pub(crate) fn not_a_letter() -> Self {
        Self::path_parameter(
            "id",
            "string doesn't match \"queue:<id>\", \"spool:<id>\" or \"notifications:<id>\"",
        )
    }

    /// A dead letter that is not there, or not any more.
    pub(crate) fn no_letter(id: &LetterId) -> Self {
        let detail = format!("dead letter {id} does not exist");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// A client that may not change anything.
    pub(crate) fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// A backlog that does not do what an operator asks.
    pub(crate) fn of_backlog(error: BacklogError) -> Self {
        let detail = "the backlog is temporarily unavailable, try again later";
        Self::away(detail, error)
    }

    /// A change that would leave no trace.
    pub(crate) fn unaudited(cause: SharedError) -> Self {
        let detail = "nothing was changed, because it cannot be audited now; try again later";
        Self::away(detail, cause)
    }
}
