//! The hash that the author of a workflow gives with its content.

use sha2::{Digest, Sha256};

/// What is done about a hash that is not that of the content.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HashMode {
    /// Nothing: it is not compared.
    Off,
    /// The workflow is stored, and its author told.
    #[default]
    Warn,
    /// The workflow is refused.
    Enforce,
}

impl HashMode {
    /// Every mode, in documentation order.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Warn, Self::Enforce];

    /// The word that stands for it in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// Whether `given` is the SHA-256 of `content` in hexadecimal, in either case.
pub(super) fn is_of(given: &str, content: &str) -> bool {
    let hash = Sha256::digest(content.as_bytes());
    let pairs = given.as_bytes().chunks(2);
    let digits = |byte: u8| {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
        [digit(byte >> 4), digit(byte & 0xf)]
    };
    let is_pair = |(pair, byte): (&[u8], u8)| {
        let same = pair.iter().map(u8::to_ascii_lowercase).map(char::from);
        same.eq(digits(byte))
    };
    pairs.len() == hash.len() && pairs.zip(hash.iter().copied()).all(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes_in_either_case() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(is_of(abc, "abc") && is_of(&abc.to_uppercase(), "abc"));
        let other = abc.replace("15ad", "15ae");
        assert!(!is_of(abc, "abc\n") && !is_of(&other, "abc"));
        assert!(!is_of("", "abc") && !is_of(&abc[..62], "abc") && !is_of(&abc[..63], "abc"));
        assert!(!is_of(&"ü".repeat(32), "abc"));
    }
}
