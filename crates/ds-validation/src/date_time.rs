//! Times on the wire.

use ds_domain::time::truncate_to_micros;
use jiff::{Timestamp, civil, tz::Offset};

/// The first moment that can be written in RFC 3339: the year before has five digits and a sign.
const FIRST: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// RFC 3339 as the first contract accepts it: upper-case `T` and `Z`, an offset, no leap second
/// (which could not come back unchanged). A moment that nothing here can hold is none.
#[cfg(any(test, feature = "actions", feature = "workflows"))]
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (moment, offset) = read(text)?;
    Some(truncate_to_micros(instant(moment, offset)?))
}

/// The same, with the last moment there is for those behind it: for times that are only compared, or
/// refused for being in the future.
pub(crate) fn parse_until_last(text: &str) -> Option<Timestamp> {
    let (moment, offset) = read(text)?;
    Some(truncate_to_micros(instant_until_last(moment, offset)?))
}

fn read(text: &str) -> Option<(civil::DateTime, Offset)> {
    let (moment, fraction, offset) = parts(text)?;
    if !is_shaped(moment) {
        return None;
    }
    // Digits behind the ninth are behind what any clock measures; jiff refuses them.
    let fraction = &fraction[..fraction.len().min(9)];
    let nanosecond =
        fraction.parse::<i32>().ok()? * 10_i32.pow(9 - u32::try_from(fraction.len()).ok()?);
    let moment: civil::DateTime = moment.parse().ok()?;
    let moment = moment.with().subsec_nanosecond(nanosecond).build().ok()?;
    Some((moment, self::offset(offset)?))
}

/// What is wrong with a text that [`parse`] refuses although it has the form that the first contract
/// asks for; `None` when it does not have that form either.
pub(crate) fn flaw(text: &str) -> Option<&'static str> {
    if let Some((moment, _)) = read(text) {
        return Some(match moment.year() {
            0 => "before the first moment that can be stored",
            _ => "behind the last moment that can be stored",
        });
    }
    let (moment, _, offset) = parts(text)?;
    let (minute, second) = moment.split_at_checked(17)?;
    let is_leap_second = second == "60";
    let number = |at: usize| minute.get(at..at + 2)?.parse::<u8>().ok();
    let in_range = is_shaped(minute)
        && (is_leap_second || is_shaped(moment))
        && matches!(number(5)?, 1..=12)
        && matches!(number(8)?, 1..=31)
        && matches!((number(11)?, number(14)?), (0..=23, 0..=59));
    if !in_range {
        return None;
    }
    match (self::offset(offset), offset.as_bytes()) {
        (Some(_), _) if is_leap_second => Some("second is out of range"),
        (Some(_), _) => Some("day is out of range"),
        (None, []) => Some("offset is missing"),
        (
            None,
            [
                b'+' | b'-',
                b'0'..=b'9',
                b'0'..=b'9',
                b':',
                b'0'..=b'9',
                b'0'..=b'9',
            ],
        ) => Some("offset is out of range"),
        (None, _) => None,
    }
}

/// A text cut into date and time, fraction of a second (`0` if it has none) and offset.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (moment, rest) = text.split_at_checked(19)?;
    let Some(rest) = rest.strip_prefix('.') else {
        return Some((moment, "0", rest));
    };
    let end = rest.find(|c: char| !c.is_ascii_digit());
    let (fraction, offset) = rest.split_at(end.unwrap_or(rest.len()));
    (!fraction.is_empty()).then_some((moment, fraction, offset))
}

/// The instant, if it can be kept and written again.
fn instant(moment: civil::DateTime, offset: Offset) -> Option<Timestamp> {
    let instant = offset.to_timestamp(moment).ok()?;
    (instant >= FIRST).then_some(instant)
}

/// The instant, or the last one there is: `9999-12-31T23:59:59Z`, which people write for "no end",
/// is a day later than that.
pub(crate) fn instant_until_last(moment: civil::DateTime, offset: Offset) -> Option<Timestamp> {
    match moment.year() {
        9999 => Some(offset.to_timestamp(moment).unwrap_or(Timestamp::MAX)),
        _ => instant(moment, offset),
    }
}

/// Whether the text has the form that `2026-11-21T10:00:00` begins with, and no leap second.
pub(crate) fn is_shaped(moment: &str) -> bool {
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
        check("9999-12-30T22:00:00Z", Some("9999-12-30T22:00:00Z"));
        check("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00Z"));
    }

    #[test]
    fn what_cannot_be_kept_is_not_made_something_else() {
        let late = "behind the last moment that can be stored";
        let early = "before the first moment that can be stored";
        flawed("9999-12-30T22:00:01Z", Some(late));
        flawed("9999-12-31T23:59:59.999999Z", Some(late));
        flawed("9999-12-30T22:00:00-00:01", Some(late));
        flawed("0000-01-01T00:00:00+00:01", Some(early));
        let compared = |text| parse_until_last(text).map(|time| time.to_string());
        let last = Some("9999-12-30T22:00:00.999999Z".to_owned());
        assert_eq!(compared("9999-12-31T23:59:59Z"), last);
        assert_eq!(compared("0000-01-01T00:00:00+00:01"), None);
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

    #[track_caller]
    fn flawed(text: &str, expected: Option<&str>) {
        check(text, None);
        assert_eq!(flaw(text), expected, "{text}");
    }

    #[test]
    fn a_text_of_the_right_form_is_told_why_it_is_no_time() {
        flawed("2026-11-21T10:00:00", Some("offset is missing"));
        flawed("2026-11-21T10:00:00.5", Some("offset is missing"));
        flawed("2026-12-31T23:59:60Z", Some("second is out of range"));
        flawed("2026-02-29T10:00:00Z", Some("day is out of range"));
        flawed("2026-11-21T10:00:00+24:00", Some("offset is out of range"));
        for text in [
            "2026-11-21",
            "2026-13-01T10:00:00Z",
            "2026-01-32T10:00:00Z",
            "2026-01-00T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:60:00Z",
            "2026-11-21T10:00:61Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00+0100",
            "2026-11-21T10:00:00+é:00",
            "2026-11-21t10:00:00z",
            "",
        ] {
            flawed(text, None);
        }
    }
}
