//! Durations in the syntax existing configuration files use: `250ms`, `30s`, `1h30m`, `1.5h`.

use std::{fmt, time::Duration};

/// Why a text is not a duration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum DurationError {
    /// Not of the form at all, or without a unit.
    #[error("`{0}` is not a duration such as 250ms, 30s or 1m30s")]
    Malformed(String),
    /// Beyond what can be counted in nanoseconds.
    #[error("`{0}` is too long")]
    TooLong(String),
}

/// Units with their nanoseconds; a longer name comes before its prefix.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration. A plain `0` needs no unit; a sign is refused, nothing here can be negative.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let malformed = || DurationError::Malformed(text.to_owned());
    let too_long = || DurationError::TooLong(text.to_owned());
    let mut total: u64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return Err(malformed());
    }
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(malformed());
        }
        let (name, unit) = UNITS
            .iter()
            .find(|(name, _)| after.starts_with(name))
            .ok_or_else(malformed)?;
        let whole: u64 = match whole {
            "" => 0,
            digits => digits.parse().ok().ok_or_else(too_long)?,
        };
        total = whole
            .checked_mul(*unit)
            .and_then(|nanos| nanos.checked_add(part(fraction, *unit)))
            .and_then(|nanos| nanos.checked_add(total))
            .ok_or_else(too_long)?;
        rest = &after[name.len()..];
    }
    Ok(Duration::from_nanos(total))
}

/// Splits `text` after its leading digits.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The nanoseconds of the decimals `fraction` of a `unit`, cut to whole ones.
fn part(fraction: &str, unit: u64) -> u64 {
    // Nineteen digits fit; more are below a nanosecond of any unit.
    let mut numerator: u128 = 0;
    let mut denominator: u128 = 1;
    for digit in fraction.bytes().take(19) {
        numerator = numerator * 10 + u128::from(digit - b'0');
        denominator *= 10;
    }
    u64::try_from(numerator * u128::from(unit) / denominator).unwrap_or(unit)
}

/// A duration, written so that [`parse`] reads it.
pub(crate) struct Text(pub(crate) Duration);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (name, unit) = [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
        ]
        .into_iter()
        .chain([("ms", 1_000_000), ("us", 1_000)])
        .find(|(_, unit)| nanos.is_multiple_of(*unit))
        .unwrap_or(("ns", 1));
        match nanos {
            0 => f.write_str("0s"),
            nanos => write!(f, "{}{name}", nanos / unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        assert_eq!(parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn durations_are_read_as_existing_files_write_them() {
        check("30s", Some(Duration::from_secs(30)));
        check("5m", Some(Duration::from_secs(300)));
        check("1h30m", Some(Duration::from_secs(5_400)));
        check("250ms", Some(Duration::from_millis(250)));
        check("1.5h", Some(Duration::from_secs(5_400)));
        check("1.5h30m", Some(Duration::from_secs(7_200)));
        check(".5s", Some(Duration::from_millis(500)));
        check("1.s", Some(Duration::from_secs(1)));
        check("100us", Some(Duration::from_micros(100)));
        check("100µs", Some(Duration::from_micros(100)));
        check("100μs", Some(Duration::from_micros(100)));
        check("7ns", Some(Duration::from_nanos(7)));
        check("0", Some(Duration::ZERO));
        check("0s", Some(Duration::ZERO));
        check("0.3s", Some(Duration::from_millis(300)));
        check("0.0000000001s", Some(Duration::ZERO));
        check("9999999h", None);
        check("99999999999999999999s", None);
        check("30", None);
        check("", None);
        check("-5s", None);
        check("5 s", None);
        check("5sec", None);
        check("s", None);
        check(".s", None);
        check("1d", None);
        check("soon", None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0s", "1ns", "1500us", "250ms", "90s", "5m", "168h"] {
            assert_eq!(Text(parse(text).unwrap()).to_string(), text);
        }
    }
}
