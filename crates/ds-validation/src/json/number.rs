//! JSON numbers: scanned, never decoded.

/// What a scan learned about a number.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Scan {
    /// Its length in bytes.
    pub(super) length: usize,
    /// How many decimal digits it needs when it is written out without an exponent.
    pub(super) digits: usize,
}

/// Scans the number at the start of `bytes`, which may go on behind it.
///
/// Fails with the offset of the offending byte and the reason.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, (usize, &'static str)> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = match bytes.get(at) {
        // A leading zero stands alone.
        Some(b'0') => 1,
        _ => digits(bytes, at),
    };
    if whole == 0 {
        return Err((at, "number needs a digit"));
    }
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        fraction = digits(bytes, at);
        if fraction == 0 {
            return Err((at, "number needs a digit after the point"));
        }
        at += fraction;
    }
    let mut exponent = 0;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        let is_negative = bytes.get(at) == Some(&b'-');
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let length = digits(bytes, at);
        if length == 0 {
            return Err((at, "number needs a digit in its exponent"));
        }
        let size = value(&bytes[at..at + length]);
        exponent = if is_negative { -size } else { size };
        at += length;
    }
    let digits = shifted(whole, exponent).saturating_add(shifted(fraction, -exponent));
    Ok(Scan { length: at, digits })
}

/// How many digits the number `text` has when it is written out, as the store does.
pub(crate) fn digits_written_out(text: &str) -> usize {
    scan(text.as_bytes()).map_or(0, |scan| scan.digits)
}

/// The number `text` in a form that all its spellings share; `None` when it is none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    scan(text.as_bytes()).ok()?;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let size = value(exponent.trim_start_matches(['+', '-']).as_bytes());
    let exponent = if exponent.starts_with('-') {
        -size
    } else {
        size
    };
    let all = format!("{whole}{fraction}");
    let digits = all.trim_end_matches('0');
    let dropped = i64::try_from(all.len() - digits.len()).unwrap_or(i64::MAX);
    let behind = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let digits = digits.trim_start_matches('0');
    Some(match (digits, exponent - behind + dropped) {
        ("", _) => "0".to_owned(),
        (digits, 0) => format!("{sign}{digits}"),
        (digits, exponent) => format!("{sign}{digits}e{exponent}"),
    })
}

/// How many digits stand in `bytes` from `at` on.
fn digits(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// The value of a run of digits, saturated far beyond any bound.
fn value(digits: &[u8]) -> i64 {
    const SATURATED: i64 = 1 << 40;
    digits.iter().fold(0, |value: i64, digit| {
        (value * 10 + i64::from(digit - b'0')).min(SATURATED)
    })
}

/// How many of `digits` digits are left on their side after the point moved by `by`.
fn shifted(digits: usize, by: i64) -> usize {
    let digits = i64::try_from(digits).unwrap_or(i64::MAX);
    usize::try_from(digits.saturating_add(by).max(0)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, length: usize, digits: usize) {
        assert_eq!(scan(text.as_bytes()), Ok(Scan { length, digits }), "{text}");
    }

    #[test]
    fn digits_are_counted_as_if_written_out() {
        check("0", 1, 1);
        check("-12.50,", 6, 4);
        check("1e3", 3, 4);
        check("1.5e3 ", 5, 4);
        check("1e-3", 4, 3);
        check("12e-1", 5, 2);
        check("1E+99999999999999999999", 23, (1 << 40) + 1);
        check("01", 1, 1);
    }

    #[test]
    fn spellings_of_a_number_share_a_form() {
        for (form, spellings) in [
            ("0", &["0", "-0", "0.00", "0e7", "-0.0E-3"][..]),
            ("15e2", &["1500", "1.50e+3", "15E2", "1500.0", "0.15e4"]),
            ("-125e-3", &["-0.125", "-125e-3", "-1.25E-1"]),
            ("7", &["7", "7.0", "70e-1"]),
        ] {
            for spelling in spellings {
                assert_eq!(canonical(spelling).as_deref(), Some(form), "{spelling}");
            }
        }
        for other in ["true", "null", "-"] {
            assert_eq!(canonical(other), None, "{other}");
        }
    }
}
