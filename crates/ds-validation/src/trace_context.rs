//! The trace a request belongs to, as the `traceparent` header of W3C Trace Context names it.

use std::num::{NonZeroU64, NonZeroU128};

/// A trace, and the span in it that made the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceContext {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
}

/// Length of the four fields that every version begins with.
const FIELDS_BYTES: usize = 55;

/// The version that the standard forbids.
const NO_VERSION: u128 = 0xff;

impl TraceContext {
    /// Reads the value of a `traceparent` header; `None` for one that the standard says to ignore.
    ///
    /// A version that is newer than we know may be longer; what it begins with means the same.
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let (fields, rest) = value.split_at_checked(FIELDS_BYTES)?;
        let (version, fields) = fields.split_once('-')?;
        let (trace_id, fields) = fields.split_once('-')?;
        let (span_id, flags) = fields.split_once('-')?;
        let version = hex(version, 2).filter(|version| *version != NO_VERSION)?;
        hex(flags, 2)?;
        let ends = rest.is_empty() || (version > 0 && rest.starts_with('-'));
        let span_id = u64::try_from(hex(span_id, 16)?).ok()?;
        let context = Self {
            trace_id: NonZeroU128::new(hex(trace_id, 32)?)?,
            span_id: NonZeroU64::new(span_id)?,
        };
        ends.then_some(context)
    }

    /// The trace's id, as 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span's id, as 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span_id)
    }
}

/// A number of so many hexadecimal digits; the standard knows lower case only.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_hex = text.len() == digits && text.bytes().all(is_digit);
    is_hex.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[track_caller]
    fn reads(value: &str) {
        let context = TraceContext::from_traceparent(value);
        let ids = context.map(|context| (context.trace_id(), context.span_id()));
        assert_eq!(ids, Some((TRACE.to_owned(), SPAN.to_owned())), "{value}");
    }

    #[track_caller]
    fn ignores(value: &str) {
        assert_eq!(TraceContext::from_traceparent(value), None, "{value}");
    }

    #[test]
    fn every_version_begins_in_the_same_way() {
        reads(&format!("00-{TRACE}-{SPAN}-01"));
        reads(&format!("00-{TRACE}-{SPAN}-ff"));
        reads(&format!("cc-{TRACE}-{SPAN}-01"));
        reads(&format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"));
    }

    #[test]
    fn what_the_standard_does_not_allow_is_ignored() {
        let nil = "0".repeat(32);
        for value in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-0{TRACE}-{SPAN}-01"),
            format!("00-{nil}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &nil[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-01").replace('-', "_"),
            format!("00-{}-{SPAN}-01", TRACE.replace('4', "+")),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
        ] {
            ignores(&value);
        }
    }
}
