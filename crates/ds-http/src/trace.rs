//! The trace that a request belongs to.

use ds_validation::TraceContext;
use http::{HeaderMap, HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace that the headers name. A header that cannot be read, or occurs twice, names none.
pub(crate) fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    TraceContext::from_traceparent(line.to_str().ok()?)
}
