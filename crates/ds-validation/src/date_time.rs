//! Times on the wire.

use ds_domain::time::truncate_to_micros;
use jiff::{Timestamp, civil, tz::Offset};

/// RFC 3339 as the first contract accepts it: upper-case `T` and `Z`, an offset, no leap second
/// (which could not come back unchanged).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (moment, rest) = text.split_at_checked(19)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", rest),
    };
    if !is_shaped(moment) || fraction.is_empty() {
        return None;
    }
    // Digits behind the ninth are behind what any clock measures; jiff refuses them.
    let fraction = &fraction[..fraction.len().min(9)];
    let moment: civil::DateTime = format!("{moment}.{fraction}").parse().ok()?;
    Some(truncate_to_micros(instant(moment, self::offset(offset)?)))
}

/// The instant, or the last one there is: `9999-12-31T23:59:59Z`, which people write for "no end",
/// is a day later than that.
pub(crate) fn instant(moment: civil::DateTime, offset: Offset) -> Timestamp {
    let outside = if moment.year() > 0 {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    };
    offset.to_timestamp(moment).unwrap_or(outside)
}

/// Whether the text has the form of `2026-11-21T10:00:00`, and no leap second.
fn is_shaped(moment: &str) -> bool {
    let mut bytes = moment.bytes().enumerate();
    bytes.all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        17 => matches!(byte, b'0'..=b'5'),
        _ => byte.is_ascii_digit(),
    })
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, hours, minutes) = match text.as_bytes() {
        b"Z" => return Some(Offset::UTC),
        [sign @ (b'+' | b'-'), hours @ .., b':', _, _] if hours.len() == 2 => {
            (*sign, text.get(1..3)?, text.get(4..6)?)
        }
        _ => return None,
    };
    let digits = hours
        .bytes()
        .chain(minutes.bytes())
        .all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    if !digits || hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    Offset::from_seconds(if sign == b'-' { -seconds } else { seconds }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn times_are_instants_in_whole_microseconds() {
        check("2026-11-21T10:00:00Z", Some("2026-11-21T10:00:00Z"));
        check(
            "2026-11-21T10:00:00.1234567891Z",
            Some("2026-11-21T10:00:00.123456Z"),
        );
        check("2026-11-21T00:30:00+05:30", Some("2026-11-20T19:00:00Z"));
        check("2026-11-20T23:30:00-23:59", Some("2026-11-21T23:29:00Z"));
        check("9999-12-31T23:59:59Z", Some("9999-12-30T22:00:00.999999Z"));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:60Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00+24:00",
            "2026-11-21T10:00:00+00:60",
            "2026-11-21T10:00:00+0100",
            "2026-11-21T10:00:00 01:00",
            "2026-02-29T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21t10:00:00z",
            "２０２６-11-21T10:00:00Z",
            "",
        ] {
            check(text, None);
        }
    }
}
