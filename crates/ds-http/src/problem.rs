//! Problem documents (RFC 9457): the one place where an error meets a status code.
//!
//! A problem has two audiences. The client gets a stable type, a safe text and every broken rule;
//! the log gets the cause. Nothing of a cause is ever rendered.

mod action;
mod admin;
mod body;
mod notification;
mod query;
mod refusal;
mod resource;
mod search;
mod workflow;

use std::{borrow::Cow, error::Error, time::Duration};

use ds_ingest::{Overloaded, RecordError};
use ds_metrics::catalog;
use ds_repository::error::StoreError;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{self, ALLOW},
};
use serde::Serialize;

use crate::endpoint::{Reply, reply};

use resource::Resource;

pub(crate) use notification::Record;
pub(crate) use workflow::Attempt;
use workflow::Existing;

/// What every `type` begins with.
const TYPE_PREFIX: &str = "https://kubernaut.ai/problems/";

/// When to come again while the store is away: longer than a failover of PostgreSQL takes to be
/// noticed, shorter than senders keep their buffers.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Longest text that is repeated from a request.
const ECHO_CHARS_MAX: usize = 256;

/// The kind of write that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Write {
    /// One event.
    Single,
    /// A batch.
    Batch,
}

/// A request that was not done, and why. Boxed: it is the rare side of every `Result`.
#[derive(Debug)]
pub(crate) struct Problem(Box<Document>);

/// The parts of a problem.
#[derive(Debug)]
struct Document {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    /// What else the client is told.
    errors: Vec<Fault>,
    resource: Option<Resource>,
    existing: Option<Existing>,
    allow: Option<HeaderValue>,
    /// When to come again.
    retry_after: Option<Duration>,
    /// Broken rules by envelope member and rule, for the metrics.
    failures: Vec<((&'static str, &'static str), u64)>,
    /// What the log is told.
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Default, Serialize)]
struct Fault {
    /// JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Name of a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    rule: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<i64>,
}

/// A panic, as a cause for the log.
#[derive(Debug)]
struct Panicked(String);

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "handler panicked: {}", self.0)
    }
}

impl Error for Panicked {}

// === errors → problems ===

impl Problem {
    /// A write that recorded nothing.
    pub(crate) fn of_record(error: RecordError, write: Write) -> Self {
        match error {
            RecordError::Rejected(rejection) => refusal::of_rejection(rejection, write),
            RecordError::ParentNotFound(missing) => refusal::of_parents(&missing, write),
            RecordError::Conflict(taken) => refusal::of_conflict(&taken, write),
            RecordError::Refused { column, cause } => {
                refusal::of_row(column, write).caused_by(cause)
            }
            RecordError::Overloaded(overloaded) => Self::overloaded(overloaded),
            RecordError::Unavailable(cause) => Self::unavailable(cause),
            RecordError::Internal(cause) => {
                let (slug, detail) = match write {
                    Write::Single => ("database_error", "Failed to write audit event to database"),
                    Write::Batch => (
                        "database-error",
                        "Failed to write audit events batch to database",
                    ),
                };
                Self::database(slug, detail, cause)
            }
        }
    }

    /// More writes than can be taken. Not an error for the log: there may be thousands a second, and
    /// they are counted.
    pub(crate) fn overloaded(overloaded: Overloaded) -> Self {
        let detail = "the service has more writes in hand than it can take, try again later";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "overloaded", "Service Overloaded", detail);
        problem.retrying_after(overloaded.retry_after)
    }

    /// A query that the store did not answer.
    pub(crate) fn of_query(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Internal(_) => {
                let detail = "Failed to query audit events from database";
                Self::database("database-error", detail, error)
            }
        }
    }

    /// A path that leads nowhere.
    pub(crate) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not Found",
            "no resource has this path",
        )
    }

    /// A path that is known with other methods.
    pub(crate) fn method_not_allowed(allow: HeaderValue) -> Self {
        let (slug, title) = ("method-not-allowed", "Method Not Allowed");
        let detail = "the resource does not have this method";
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, slug, title, detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// A handler that panicked.
    pub(crate) fn panicked(text: &str) -> Self {
        Self::internal().caused_by(Panicked(text.to_owned()))
    }

    /// An answer that could not be written as JSON.
    pub(crate) fn unwritable(error: serde_json::Error) -> Self {
        Self::internal().caused_by(error)
    }

    fn internal() -> Self {
        let (slug, title) = ("internal-error", "Internal Server Error");
        let detail = "the request failed for a reason that the service has logged";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, slug, title, detail)
    }

    /// The process has not checked and prepared the store yet.
    pub(crate) fn starting() -> Self {
        let (slug, title) = ("service-unavailable", "Service Unavailable");
        let detail = "the service is starting, try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail).retrying_after(RETRY_AFTER)
    }

    /// The store is away: coming again helps.
    fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        let detail = "the audit store is temporarily unavailable, try again later";
        Self::away(detail, cause)
    }

    fn away(detail: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        let (slug, title) = ("service-unavailable", "Service Unavailable");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail)
            .retrying_after(RETRY_AFTER)
            .caused_by(cause)
    }

    /// The store failed in a way that coming again does not mend.
    fn database(
        slug: &'static str,
        detail: &'static str,
        cause: impl Error + Send + Sync + 'static,
    ) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, slug, "Database Error", detail).caused_by(cause)
    }

    /// The client's fault, by the rules of the contract.
    fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "validation-error",
            "Validation Error",
            detail,
        )
    }

    fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Document {
            status,
            slug,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            resource: None,
            existing: None,
            allow: None,
            retry_after: None,
            failures: Vec::new(),
            cause: None,
        }))
    }

    fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    fn retrying_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    fn counting(mut self, field: &'static str, rule: &'static str, times: u64) -> Self {
        let failures = &mut self.0.failures;
        match failures.iter_mut().find(|(key, _)| *key == (field, rule)) {
            Some((_, count)) => *count += times,
            None => failures.push(((field, rule), times)),
        }
        self
    }
}

// === problems → answers ===

/// The document on the wire.
#[derive(Serialize)]
struct Wire<'p> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'p str,
    instance: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'p str,
    #[serde(flatten)]
    resource: Option<&'p Resource>,
    #[serde(flatten)]
    existing: Option<&'p Existing>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'p [Fault],
}

impl Problem {
    /// The stable name of the problem: the end of its `type`, and its name in the log.
    pub(crate) fn code(&self) -> &'static str {
        self.0.slug
    }

    /// What the log is told.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// Counts the broken rules.
    pub(crate) fn count(&self) {
        for ((field, rule), times) in &self.0.failures {
            catalog::validation_failures(*field, *rule).increment(*times);
        }
    }

    fn wire<'p>(&'p self, instance: &'p str, request_id: &'p str) -> Wire<'p> {
        let document = &*self.0;
        Wire {
            r#type: format!("{TYPE_PREFIX}{}", document.slug),
            title: document.title,
            status: document.status.as_u16(),
            detail: &document.detail,
            instance,
            request_id,
            resource: document.resource.as_ref(),
            existing: document.existing.as_ref(),
            errors: &document.errors,
        }
    }

    /// The answer to the request `request_id` for `path`.
    pub(crate) fn render(&self, path: &str, request_id: &str) -> Reply {
        let Document {
            status,
            resource,
            allow,
            retry_after,
            ..
        } = &*self.0;
        let instance = match resource {
            Some(resource) => Cow::Owned(format!("/audit/{}", resource.name)),
            None => echo(path),
        };
        // Strings and numbers always serialise; an empty document still has its status.
        let body = serde_json::to_vec(&self.wire(&instance, request_id)).unwrap_or_default();
        let media_type = HeaderValue::from_static("application/problem+json");
        let mut reply = reply(*status, media_type, body);
        let headers: &mut HeaderMap = reply.headers_mut();
        if let Some(delay) = retry_after {
            // Whole seconds, none of them too early.
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow.clone());
        }
        reply
    }
}

/// The beginning of a text of the client, short enough to be repeated.
fn echo(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
pub(crate) mod tests;
