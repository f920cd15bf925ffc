//! Times on the wire.

use ds_domain::time::truncate_to_micros;
use jiff::Timestamp;

/// RFC 3339 as the first contract accepts it: upper-case `T` and `Z`, an offset, no leap second
/// (which could not come back unchanged).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let fixed = bytes.get(..19)?;
    let is_shaped = fixed.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let (fraction, offset) = match text.get(19..)?.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", text.get(19..)?),
    };
    let has_offset = match offset.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit())
        }
        _ => false,
    };
    let is_leap = &bytes[17..19] == b"60";
    if !is_shaped || fraction.is_empty() || !has_offset || is_leap {
        return None;
    }
    // Digits behind the ninth are behind what any clock measures; jiff refuses them.
    let digits = &fraction[..fraction.len().min(9)];
    let text = format!("{}.{digits}{offset}", text.get(..19)?);
    text.parse().ok().map(truncate_to_micros)
}
