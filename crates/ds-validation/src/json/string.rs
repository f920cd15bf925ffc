//! JSON strings: scanning and decoding.

use std::borrow::Cow;

/// What a scan learned about a string.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Scan {
    /// Bytes from quote to quote, both included.
    pub(super) length: usize,
    /// Whether its text is what stands between the quotes.
    pub(super) is_plain: bool,
    /// Whether it holds U+0000, which PostgreSQL cannot store.
    pub(super) has_nul: bool,
    /// Whether it holds half of a surrogate pair, which is no character.
    pub(super) has_lone_surrogate: bool,
}

/// Scans the string that begins with the quote at the start of `bytes`.
///
/// Fails with the offset of the offending byte and the reason.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, (usize, &'static str)> {
    let mut scan = Scan {
        is_plain: true,
        ..Scan::default()
    };
    let mut at = 1;
    loop {
        match bytes.get(at) {
            None => return Err((at, "unexpected end of input in a string")),
            Some(b'"') => {
                scan.length = at + 1;
                return Ok(scan);
            }
            Some(b'\\') => {
                scan.is_plain = false;
                at += escape(&bytes[at..], &mut scan).map_err(|reason| (at, reason))?;
            }
            Some(0..=0x1f) => return Err((at, "control character in a string")),
            Some(_) => at += 1,
        }
    }
}

/// Scans one escape; returns its length.
fn escape(bytes: &[u8], scan: &mut Scan) -> Result<usize, &'static str> {
    match bytes.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let unit = hex(bytes.get(2..6)).ok_or("invalid \\u escape")?;
            match unit {
                0 => scan.has_nul = true,
                0xd800..=0xdbff if low_surrogate(&bytes[6..]).is_some() => return Ok(12),
                0xd800..=0xdfff => scan.has_lone_surrogate = true,
                _ => {}
            }
            Ok(6)
        }
        _ => Err("invalid escape"),
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

fn low_surrogate(bytes: &[u8]) -> Option<u32> {
    let unit = hex(bytes.strip_prefix(b"\\u")?.get(..4))?;
    (0xdc00..=0xdfff).contains(&unit).then_some(unit)
}

/// The text of a scanned string, quotes included in `raw`. Half surrogates become U+FFFD; the
/// scan has reported them.
pub(crate) fn decode(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (character, length) = unescape(&rest[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of the escape that `text` begins with, and the escape's length.
pub(crate) fn unescape(text: &str) -> (char, usize) {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let unit = hex(bytes.get(2..6)).unwrap_or(0xfffd);
            if let (0xd800..=0xdbff, Some(low)) = (unit, low_surrogate(&bytes[6..])) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return (char::from_u32(code).unwrap_or('\u{fffd}'), 12);
            }
            (char::from_u32(unit).unwrap_or('\u{fffd}'), 6)
        }
        Some(other) => (char::from(*other), 2),
        None => ('\u{fffd}', 1),
    }
}
