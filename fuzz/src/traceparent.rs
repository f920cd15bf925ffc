//! The header that names the trace of a request.

use ds_validation::TraceContext;

/// Checks what a header of `data` makes.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some(context) = TraceContext::from_traceparent(text) else {
        return;
    };
    // The two ids stand in the header as they are stored, and neither is all zeros.
    let (trace_id, span_id) = (context.trace_id(), context.span_id());
    assert_eq!(text.get(3..35), Some(trace_id.as_str()));
    assert_eq!(text.get(36..52), Some(span_id.as_str()));
    assert!(
        [trace_id, span_id]
            .iter()
            .all(|id| id.bytes().any(|digit| digit != b'0'))
    );
}
