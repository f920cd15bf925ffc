//! Problems with actions, success rates and incidents.

use ds_domain::limit::ACTION_TEXT_FIELDS;
use ds_ingest::ActionError;
use ds_repository::error::StoreError;
use ds_validation::{ParameterErrors, Rejection, Rule, Violations, rate::RateSubject};
use http::StatusCode;

use super::{Fault, Problem, query, refusal};

/// What the list of violations begins with.
const SCHEMA: &str = "request body has an error: doesn't match schema: ";

/// Longest list of violations in a `detail`. The member `errors` is never cut.
const DETAIL_CHARS_MAX: usize = 4_096;

impl Problem {
    /// Actions that were not recorded, or one that was not changed.
    pub(crate) fn of_action(error: ActionError) -> Self {
        match error {
            ActionError::Rejected(Rejection::Malformed(error)) => {
                let message = format!("failed to decode request body: {error}");
                Self::bad_body("invalid_json", message)
            }
            ActionError::Rejected(Rejection::Invalid(violations)) => of_violations(&violations),
            ActionError::Taken { taken, is_batch } => of_conflict(&taken, is_batch),
            ActionError::Unknown => Self::no_action(),
            ActionError::Backward => {
                let detail = "the action has come further: it cannot take this step any more";
                conflict(detail).listing_conflict("/execution_status".to_owned(), detail)
            }
            ActionError::Refused { column, cause } => of_row(column).caused_by(cause),
            ActionError::Overloaded(overloaded) => Self::overloaded(overloaded),
            ActionError::Unavailable(cause) => Self::unavailable(cause),
            ActionError::Internal(cause) => {
                let detail = "Failed to write action traces to database";
                Self::database("database-error", detail, cause)
            }
        }
    }

    /// A name that no stored action has. It is not repeated: it may be any text.
    pub(crate) fn no_action() -> Self {
        let detail = "action does not exist";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// A name that no action can have.
    pub(crate) fn not_an_action() -> Self {
        Self::path_parameter("action_id", "string is not percent-encoded UTF-8")
    }

    /// A success rate that cannot be asked for.
    pub(crate) fn of_rate_parameters(errors: &ParameterErrors, subject: RateSubject) -> Self {
        let title = match subject {
            RateSubject::MultiDimensional => "Invalid Query Parameter",
            RateSubject::IncidentType | RateSubject::Workflow => "Validation Error",
        };
        let detail = query::first_message(errors);
        let problem = Self::new(StatusCode::BAD_REQUEST, "validation-error", title, detail);
        query::listing_parameters(problem, errors)
    }

    /// A success rate that the store did not tell.
    pub(crate) fn of_rate(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Internal(_) => {
                let (slug, title) = ("internal-error", "Internal Server Error");
                let detail = "Failed to retrieve success rate data";
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, slug, title, detail).caused_by(error)
            }
        }
    }

    /// Incidents that cannot be asked for. The first contract has a name for each way.
    pub(crate) fn of_incident_parameters(errors: &ParameterErrors) -> Self {
        let first = errors.iter().next();
        let (slug, title) = match first.map(|error| (error.name, error.rule)) {
            Some((_, Rule::Required)) => ("missing-parameter", "Missing Parameter"),
            Some(("limit", _)) => ("invalid-limit", "Invalid Limit"),
            Some(("offset", _)) => ("invalid-offset", "Invalid Offset"),
            Some(("severity", _)) => ("invalid-severity", "Invalid Severity"),
            Some(("id", _)) => ("invalid-id", "Invalid ID"),
            Some(_) | None => ("invalid-parameter", "Invalid Parameter"),
        };
        let detail = query::first_message(errors);
        let problem = Self::new(StatusCode::BAD_REQUEST, slug, title, detail);
        query::listing_parameters(problem, errors)
    }

    /// Incidents that the store did not tell.
    pub(crate) fn of_incidents(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Internal(_) => {
                let detail = "Failed to query incidents from database";
                Self::database("database-error", detail, error)
            }
        }
    }

    /// A number that no incident has.
    pub(crate) fn no_incident(id: i64) -> Self {
        let detail = format!("incident with ID {id} not found");
        let title = "Incident Not Found";
        Self::new(StatusCode::NOT_FOUND, "not-found", title, detail)
    }

    fn listing_conflict(mut self, pointer: String, message: &str) -> Self {
        self.0.errors.push(Fault {
            pointer: Some(pointer),
            rule: "conflict",
            message: message.to_owned(),
            ..Fault::default()
        });
        self
    }
}

fn of_violations(violations: &Violations) -> Problem {
    let text = violations.to_string();
    let detail = match text.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((end, _)) => format!("{SCHEMA}{}…", &text[..end]),
        None => format!("{SCHEMA}{text}"),
    };
    refusal::listing(Problem::invalid(detail), violations)
}

fn conflict(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    let title = "Resource Conflict";
    Problem::new(StatusCode::CONFLICT, "conflict", title, detail)
}

/// Ids that other actions have.
fn of_conflict(taken: &[(usize, String)], is_batch: bool) -> Problem {
    let message = |id: &str| format!("action {id} is already stored with other content");
    let detail = match taken.first() {
        Some((position, id)) if is_batch => format!("action at index {position}: {}", message(id)),
        Some((_, id)) => message(id),
        None => "action ids are taken by other actions".to_owned(),
    };
    let problem = conflict(detail);
    taken.iter().fold(problem, |problem, (position, id)| {
        let pointer = match is_batch {
            true => format!("/{position}/action_id"),
            false => "/action_id".to_owned(),
        };
        problem.listing_conflict(pointer, &message(id))
    })
}

/// A row that the table refuses although it passed every rule: the rules and the table differ.
fn of_row(column: Option<String>) -> Problem {
    let message = "value is refused by the store";
    let mut fields = ACTION_TEXT_FIELDS.iter();
    let field = fields.find(|field| Some(field.column) == column.as_deref());
    let field = field.map(|field| field.name);
    let mut problem = Problem::invalid(format!("{SCHEMA}{message}"));
    problem.0.errors.push(Fault {
        rule: "refused_by_store",
        message: match field {
            Some(field) => format!("{field}: {message}"),
            None => message.to_owned(),
        },
        ..Fault::default()
    });
    problem.counting(field.unwrap_or("body"), "refused_by_store", 1)
}

#[cfg(test)]
pub(super) mod tests;
