//! Problems with a request's body as a whole.

use http::StatusCode;

use super::{Problem, echo};
use crate::body::BodyError;

impl Problem {
    /// A body that did not come.
    pub(crate) fn of_body(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => {
                let detail = format!("request body is larger than {bytes_max} bytes");
                let (slug, title) = ("payload-too-large", "Payload Too Large");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, slug, title, detail).counting(
                    "body",
                    "exceeds_max_length",
                    1,
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
                Self::invalid("request body has an error: failed to read request body")
                    .counting("body", "incomplete", 1)
                    .caused_by(error)
            }
        }
    }

    /// A write without a body.
    pub(crate) fn body_missing() -> Self {
        Self::invalid("request body has an error: value is required but missing")
            .counting("body", "required", 1)
    }

    /// A write whose body claims to be something else than JSON.
    pub(crate) fn not_json(media_type: &[u8]) -> Self {
        let given = String::from_utf8_lossy(media_type);
        let given = echo(&given);
        Self::invalid(format!(
            "request body has an error: header Content-Type has unexpected value \"{given}\""
        ))
        .counting("body", "invalid_content_type", 1)
    }

    /// A write whose body is compressed.
    pub(crate) fn encoded(coding: &[u8]) -> Self {
        let given = String::from_utf8_lossy(coding);
        let detail = format!(
            "request body has an unsupported Content-Encoding \"{}\"",
            echo(&given)
        );
        let (slug, title) = ("unsupported-media-type", "Unsupported Media Type");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, slug, title, detail).counting(
            "body",
            "invalid_content_encoding",
            1,
        )
    }
}
