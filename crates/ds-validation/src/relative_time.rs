//! Durations and times as existing clients write them: `24h`, `1h30m`, `7d`, or a time.

use ds_domain::time::truncate_to_micros;
use jiff::{SignedDuration, Timestamp, civil, tz::Offset};

use crate::date_time;

/// Nanoseconds of each unit, longest name first where one begins with another.
const UNITS: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a bound of a query: a duration before `now`, or a time. `9999-12-31`, which people write for
/// "no end", finds what the last moment that can be stored does: everything.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let time = match ago(text) {
        Some(ago) => now.checked_sub(ago).ok()?,
        None => date_time::parse_until_last(text).or_else(|| utc(text))?,
    };
    // Nothing finer is stored.
    Some(truncate_to_micros(time))
}

/// A date-time without offset, or a date, both in UTC.
fn utc(text: &str) -> Option<Timestamp> {
    // The parsers below also take shorter forms, and an offset, which they ignore.
    if !date_time::is_shaped(text) {
        return None;
    }
    let moment = match text.len() {
        10 => text
            .parse::<civil::Date>()
            .ok()?
            .to_datetime(civil::Time::midnight()),
        19 => text.parse().ok()?,
        _ => return None,
    };
    date_time::instant_until_last(moment, Offset::UTC)
}

/// A duration: `1h30m`, `.5h`, `-90s`, `0`, or decimal days as `7d`.
fn ago(text: &str) -> Option<SignedDuration> {
    let nanos = match text.strip_suffix('d') {
        Some(days) => parse_go(&format!("{days}h"))?.checked_mul(24)?,
        None => parse_go(text)?,
    };
    // 64 bits of nanoseconds, 292 years, is as far as the first contract goes.
    i64::try_from(nanos).ok().map(SignedDuration::from_nanos)
}

/// Reads a duration in Go's syntax, in nanoseconds.
fn parse_go(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(end);
        let (unit, nanos) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        // `m` also begins `ms`, which stands before it in the table.
        total = total.checked_add(scaled(number, *nanos)?)?;
        rest = tail.get(unit.len()..)?;
    }
    Some(sign * total)
}

/// A decimal number times `nanos`, cut to whole nanoseconds.
fn scaled(number: &str, nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction = &fraction[..fraction.len().min(18)];
    let tail = match fraction.is_empty() {
        true => 0,
        false => {
            let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
            fraction.parse::<i128>().ok()?.checked_mul(nanos)? / scale
        }
    };
    whole.checked_mul(nanos)?.checked_add(tail)
}

/// Writes a duration as Go does, as in `168h0m30.001287551s`: existing clients read it in `detail`.
pub(crate) fn go_duration(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let duration = duration.unsigned_abs();
    let (hours, minutes) = (duration.as_secs() / 3_600, duration.as_secs() / 60 % 60);
    let mut seconds = (duration.as_secs() % 60).to_string();
    if duration.subsec_nanos() > 0 {
        seconds.push_str(format!(".{:09}", duration.subsec_nanos()).trim_end_matches('0'));
    }
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        (_, _) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T10:00:00Z";

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let now = NOW.parse().unwrap();
        let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
        assert_eq!(parse(text, now), expected, "{text}");
    }

    #[test]
    fn durations_count_back_from_now() {
        check("24h", Some("2026-11-20T10:00:00Z"));
        check("1h30m", Some("2026-11-21T08:30:00Z"));
        check("90s", Some("2026-11-21T09:58:30Z"));
        check("300ms", Some("2026-11-21T09:59:59.7Z"));
        check(".5h", Some("2026-11-21T09:30:00Z"));
        check("+1h", Some("2026-11-21T09:00:00Z"));
        check("-1h", Some("2026-11-21T11:00:00Z"));
        check("0", Some(NOW));
        check("7d", Some("2026-11-14T10:00:00Z"));
        check("1.5d", Some("2026-11-19T22:00:00Z"));
        check("1us2ns", Some("2026-11-21T09:59:59.999998Z"));
    }

    #[test]
    fn times_are_taken_as_they_are() {
        check(
            "2026-11-20T10:00:00.25+02:00",
            Some("2026-11-20T08:00:00.25Z"),
        );
        check("2026-11-20T10:00:00", Some("2026-11-20T10:00:00Z"));
        check("2026-11-20", Some("2026-11-20T00:00:00Z"));
        for end in ["9999-12-31T23:59:59", "9999-12-31T23:59:59Z", "9999-12-31"] {
            check(end, Some("9999-12-30T22:00:00.999999Z"));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "x",
            "1",
            "1d2h",
            "2026-11-20T10:00-06",
            "20261120T100000",
            "20261120-6",
            "d",
            "h",
            "1.2.3h",
            "1x",
            "--1h",
            "2026-02-30",
            "2026-13-01",
            ".h",
        ] {
            check(text, None);
        }
        check("99999999999999d", None);
        check("2026-11-20 10:00:00", None);
        check("2026-11-20T10:00:00 02:00", None);
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let seconds = |seconds, nanos| go_duration(SignedDuration::new(seconds, nanos));
        assert_eq!(seconds(168 * 3600 + 30, 1_287_551), "168h0m30.001287551s");
        assert_eq!(seconds(61, 0), "1m1s");
        assert_eq!(seconds(0, 500_000_000), "0.5s");
    }
}
