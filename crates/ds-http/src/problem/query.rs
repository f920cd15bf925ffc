//! Problems with what is asked for.

use std::collections::BTreeMap;

use ds_validation::{ParameterError, ParameterErrors, Rule};
use http::StatusCode;
use uuid::Uuid;

use super::{Fault, Problem, RETRY_AFTER, Resource};

/// The detail when it is not known which parameter is meant.
const NO_PARAMETER: &str = "query parameters have an error";

impl Problem {
    /// A query that cannot be asked.
    pub(crate) fn of_parameters(errors: impl Into<ParameterErrors>) -> Self {
        of_parameters(&errors.into())
    }

    /// An id that is no id.
    pub(crate) fn not_a_uuid() -> Self {
        let message = "string doesn't match the format \"uuid\"";
        Self::path_parameter("event_id", message)
    }

    /// A parameter of the path that is not of its form.
    pub(super) fn path_parameter(name: &'static str, message: &'static str) -> Self {
        Self::of_parameters(ParameterError::in_path(name, Rule::Format, message))
    }

    /// A query that does not decode to text.
    pub(crate) fn query_not_text() -> Self {
        let message = "query string is not percent-encoded UTF-8";
        let rule = Rule::Format.as_str();
        let mut problem = Self::invalid(message).counting("query", rule, 1);
        problem.0.errors.push(Fault {
            rule,
            message: message.to_owned(),
            ..Fault::default()
        });
        problem
    }

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

fn of_parameters(errors: &ParameterErrors) -> Problem {
    // A parameter that breaks its schema is reported before the times are looked at.
    let mut of_schema = errors.iter().filter(|error| error.rule != Rule::Time);
    let problem = match (of_schema.next(), errors.iter().next()) {
        (Some(error), _) => match errors.len() - 1 {
            0 => Problem::invalid(error.to_string()),
            more => Problem::invalid(format!("{error} (and {more} more errors)")),
        },
        (None, Some(ParameterError { message, .. })) => {
            let detail = format!("Validation failed for query parameters: query - {message}");
            let mut problem = Problem::invalid(detail);
            problem.0.resource = Some(Resource {
                name: "query parameters",
                field_errors: BTreeMap::from([("query", message.clone())]),
                ..Resource::default()
            });
            problem
        }
        (None, None) => Problem::invalid(NO_PARAMETER),
    };
    listing_parameters(problem, errors)
}

/// The detail of a problem with parameters, of which the first contract tells the first one in words
/// that name it.
pub(super) fn first_message(errors: &ParameterErrors) -> String {
    let first = errors.iter().next();
    first.map_or_else(|| NO_PARAMETER.to_owned(), |error| error.message.clone())
}

/// Adds every broken rule to `errors` and to the metrics.
pub(super) fn listing_parameters(mut problem: Problem, errors: &ParameterErrors) -> Problem {
    for error in errors {
        problem = problem.counting(error.name, error.rule.as_str(), 1);
        problem.0.errors.push(Fault {
            pointer: None,
            parameter: Some(error.name),
            rule: error.rule.as_str(),
            message: error.message.clone(),
            bound: error.bound,
            actual: error.actual,
        });
    }
    problem
}

#[cfg(test)]
pub(super) mod tests;
