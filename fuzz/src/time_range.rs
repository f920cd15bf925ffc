//! The bounds of a query in time: durations and times.

use ds_domain::time::truncate_to_micros;
use ds_validation::query::parse_event_query;
use jiff::{SignedDuration, Timestamp};

use super::now;

/// Longest text of an error: the value is cut.
const ERROR_BYTES_MAX: usize = 300;

/// Checks what `since` makes of `data`.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let pairs = [("since".into(), text.into())];
    match parse_event_query(pairs.into_iter(), now()) {
        Ok(query) => check_time(text, query.filter.since.expect("a bound was given")),
        Err(errors) => {
            assert_eq!(errors.len(), 1, "one parameter, one error");
            assert!(errors.to_string().len() <= ERROR_BYTES_MAX, "{errors:?}");
        }
    }
}

fn check_time(text: &str, since: Timestamp) {
    assert_eq!(
        since,
        truncate_to_micros(since),
        "{text} is finer than what is stored"
    );
    // What others read as a time, they read as the same time.
    if let Ok(other) = text.parse::<Timestamp>() {
        assert_eq!(since, truncate_to_micros(other), "{text}");
    }
    if let Some(hours) = whole_hours(text) {
        assert_eq!(
            now().duration_since(since),
            SignedDuration::from_hours(hours),
            "{text}"
        );
    }
}

/// The number in `24h` or `7d`, in hours.
fn whole_hours(text: &str) -> Option<i64> {
    let (digits, hours) = match text.strip_suffix('d') {
        Some(days) => (days, 24),
        None => (text.strip_suffix('h')?, 1),
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse::<i64>().ok()?.checked_mul(hours))?
}
