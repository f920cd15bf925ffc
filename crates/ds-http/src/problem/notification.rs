//! Problems with notifications and their deliveries, which the first contract reports in a form of
//! their own.

use std::collections::BTreeMap;

use ds_ingest::NotificationError;
use ds_validation::{Rejection, Violations};
use http::StatusCode;

use super::{Fault, Problem, Resource, refusal};

/// What was to be recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Record {
    /// A notification.
    Notification,
    /// A delivery of one.
    Delivery,
}

impl Record {
    /// What the first contract calls it: its table.
    const fn resource(self) -> &'static str {
        match self {
            Self::Notification => "notification_audit",
            Self::Delivery => "notification_deliveries",
        }
    }

    /// The member that is its name.
    const fn name(self) -> &'static str {
        match self {
            Self::Notification => "notification_id",
            Self::Delivery => "attempt",
        }
    }
}

impl Problem {
    /// A notification or a delivery that was not recorded.
    pub(crate) fn of_notification(error: NotificationError, record: Record) -> Self {
        match error {
            NotificationError::Rejected(rejection) => of_rejection(rejection, record),
            NotificationError::Taken { name, is_identical } => taken(&name, is_identical, record),
            NotificationError::Unknown => Self::no_notification(),
            NotificationError::Refused { column, cause } => of_row(column, record).caused_by(cause),
            NotificationError::Unavailable(cause) => {
                let detail = match record {
                    Record::Notification => "database and DLQ both unavailable - please retry",
                    Record::Delivery => "database unavailable - please retry",
                };
                let resource = Resource {
                    retry: true,
                    ..of(record)
                };
                Self::away(detail, cause).about(resource)
            }
            NotificationError::Internal(cause) => {
                let detail = "Failed to write notification to database";
                Self::database("database-error", detail, cause)
            }
        }
    }

    /// A name that no stored notification has. It is not repeated: it may be any text.
    pub(crate) fn no_notification() -> Self {
        let detail = "notification does not exist";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    /// A name that no notification can have.
    pub(crate) fn not_a_notification() -> Self {
        Self::path_parameter("notification_id", "string is not percent-encoded UTF-8")
    }

    fn about(mut self, resource: Resource) -> Self {
        self.0.resource = Some(resource);
        self
    }
}

fn of(record: Record) -> Resource {
    Resource {
        name: record.resource(),
        ..Resource::default()
    }
}

/// A field of a record that is wrong, as the first contract says it.
fn wrong(record: Record, field: &str, message: &str) -> String {
    let resource = record.resource();
    format!("Validation failed for {resource}: {field} - {message}")
}

fn of_rejection(rejection: Rejection, record: Record) -> Problem {
    match rejection {
        Rejection::Malformed(error) => {
            let message = format!("invalid JSON: {error}");
            let problem = Problem::invalid(wrong(record, "body", &message));
            let field_errors = BTreeMap::from([("body", message.clone())]);
            let problem = problem.about(Resource {
                field_errors,
                ..of(record)
            });
            problem.blaming_body("invalid_json", message, None)
        }
        Rejection::Invalid(violations) => of_violations(&violations, record),
    }
}

fn of_violations(violations: &Violations, record: Record) -> Problem {
    let detail = match violations.iter().next() {
        Some(first) => wrong(record, first.field, &first.message),
        None => wrong(record, "body", "it is not valid"),
    };
    let mut field_errors = BTreeMap::new();
    for violation in violations {
        // Of several of one field the first one.
        let message = || violation.message.clone();
        field_errors.entry(violation.field).or_insert_with(message);
    }
    let problem = Problem::invalid(detail).about(Resource {
        field_errors,
        ..of(record)
    });
    refusal::listing(problem, violations)
}

fn taken(name: &str, is_identical: bool, record: Record) -> Problem {
    let (resource, field) = (record.resource(), record.name());
    let detail = format!("Resource {resource} with {field}='{name}' already exists");
    let title = "Resource Conflict";
    let problem = Problem::new(StatusCode::CONFLICT, "conflict", title, detail);
    let mut problem = problem.about(Resource {
        field: Some(field),
        value: Some(name.to_owned()),
        identical: Some(is_identical),
        ..of(record)
    });
    let message = match is_identical {
        true => "the same record is stored already",
        false => "another record is stored under this name",
    };
    problem.0.errors.push(Fault {
        pointer: Some(format!("/{field}")),
        rule: "conflict",
        message: message.to_owned(),
        ..Fault::default()
    });
    problem
}

/// A row that the table refuses although it passed every rule: the rules and the table differ.
fn of_row(column: Option<String>, record: Record) -> Problem {
    let message = "value is refused by the store";
    let field = column.as_deref().and_then(field_of_column);
    let resource = Resource {
        field_errors: BTreeMap::from([(field.unwrap_or("body"), message.to_owned())]),
        ..of(record)
    };
    let detail = wrong(record, field.unwrap_or("body"), message);
    let mut problem = Problem::invalid(detail).about(resource).counting(
        field.unwrap_or("body"),
        "refused_by_store",
        1,
    );
    problem.0.errors.push(Fault {
        pointer: field.map(|field| format!("/{field}")),
        rule: "refused_by_store",
        message: message.to_owned(),
        ..Fault::default()
    });
    problem
}

/// The member of the API that `column` holds: they have the same names.
fn field_of_column(column: &str) -> Option<&'static str> {
    let mut fields = ds_domain::limit::NOTIFICATION_TEXT_FIELDS.iter();
    fields
        .find(|field| field.column == column)
        .map(|field| field.name)
}

#[cfg(test)]
pub(super) mod tests;
