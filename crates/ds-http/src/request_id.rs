//! The name under which a request appears in its answer and in the log.

use ds_domain::id::IdSource;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a client.
const CHARS_MAX: usize = 128;

/// The id of one request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The client's choice if it is short and printable, which keeps it harmless in logs, else a new
    /// id.
    pub(crate) fn of(headers: &HeaderMap, ids: &impl IdSource) -> Self {
        match headers.get(X_REQUEST_ID) {
            Some(given) if is_usable(given.as_bytes()) => Self(given.clone()),
            Some(_) | None => Self(from_uuid(ids.next_id())),
        }
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        // Both ways to make one allow visible ASCII only.
        self.0.to_str().unwrap_or_default()
    }

    /// As a header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_usable(given: &[u8]) -> bool {
    (1..=CHARS_MAX).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic)
}

#[expect(
    clippy::expect_used,
    reason = "a UUID is hexadecimal digits and hyphens"
)]
fn from_uuid(id: Uuid) -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text))
        .expect("a UUID is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nil;

    impl IdSource for Nil {
        fn next_id(&self) -> Uuid {
            Uuid::nil()
        }
    }

    const NIL: &str = "00000000-0000-0000-0000-000000000000";

    #[track_caller]
    fn check(given: &[u8], expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
        assert_eq!(RequestId::of(&headers, &Nil).as_str(), expected);
    }

    #[test]
    fn a_printable_id_of_the_client_is_kept() {
        check(b"a", "a");
        check(b"trace-1/2:3", "trace-1/2:3");
        check("x".repeat(128).as_bytes(), &"x".repeat(128));
    }

    #[test]
    fn any_other_id_is_replaced() {
        check(b"", NIL);
        check(b"two words", NIL);
        check("\u{e9}".as_bytes(), NIL);
        check("x".repeat(129).as_bytes(), NIL);
        assert_eq!(RequestId::of(&HeaderMap::new(), &Nil).as_str(), NIL);
    }
}
