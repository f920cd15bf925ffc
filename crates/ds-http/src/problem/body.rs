//! Problems with a request's body as a whole.

use http::StatusCode;

use super::{Fault, Problem, echo};
use crate::body::BodyError;

/// What the detail of a refused body begins with.
const PREFIX: &str = "request body has an error: ";

impl Problem {
    /// A body that did not come.
    pub(crate) fn of_body(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => {
                let detail = format!("request body is larger than {bytes_max} bytes");
                let (slug, title) = ("payload-too-large", "Payload Too Large");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, slug, title, detail.clone()).blaming_body(
                    "exceeds_max_length",
                    detail,
                    i64::try_from(bytes_max).ok(),
                )
            }
            BodyError::TooSlow { timeout } => {
                let detail = format!(
                    "request body did not arrive within {} s",
                    timeout.as_secs_f64()
                );
                let (slug, title) = ("request-timeout", "Request Timeout");
                Self::new(StatusCode::REQUEST_TIMEOUT, slug, title, detail)
            }
            BodyError::Broken(error) => {
                Self::bad_body("incomplete", "failed to read request body").caused_by(error)
            }
        }
    }

    /// A write without a body.
    pub(crate) fn body_missing() -> Self {
        Self::bad_body("required", "value is required but missing")
    }

    /// A write whose body claims to be something else than JSON.
    pub(crate) fn not_json(media_type: &[u8]) -> Self {
        let given = String::from_utf8_lossy(media_type);
        let given = echo(&given);
        let message = format!("header Content-Type has unexpected value \"{given}\"");
        Self::bad_body("invalid_content_type", message)
    }

    /// A write whose body is compressed.
    pub(crate) fn encoded(coding: &[u8]) -> Self {
        let given = String::from_utf8_lossy(coding);
        let detail = format!(
            "request body has an unsupported Content-Encoding \"{}\"",
            echo(&given)
        );
        let (slug, title) = ("unsupported-media-type", "Unsupported Media Type");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, slug, title, detail.clone()).blaming_body(
            "invalid_content_encoding",
            detail,
            None,
        )
    }

    /// A body that cannot be looked into.
    pub(super) fn bad_body(rule: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::invalid(format!("{PREFIX}{message}")).blaming_body(rule, message, None)
    }

    /// The same problem, with the body as a whole in `errors`.
    pub(super) fn blaming_body(
        mut self,
        rule: &'static str,
        message: String,
        bound: Option<i64>,
    ) -> Self {
        self.0.errors.push(Fault {
            pointer: Some(String::new()),
            rule,
            message,
            bound,
            ..Fault::default()
        });
        self.counting("body", rule, 1)
    }
}
