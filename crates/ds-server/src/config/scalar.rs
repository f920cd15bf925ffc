//! Numbers and switches that may arrive as text.
//!
//! Environment variables are always text. Their type is decided by the setting they are for, never
//! guessed from how they look: a role called `1e3` stays a text, and `yes` is not a switch.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Reads an integer, or a text that is one.
pub(super) fn integer<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    value.deserialize_any(Integer)
}

/// The same where `null` and the empty text mean "not set".
pub(super) fn optional_integer<'de, D>(value: D) -> Result<Option<i64>, D::Error>
where
    D: Deserializer<'de>,
{
    value.deserialize_any(OptionalInteger)
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value)
            .ok()
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        text.parse()
            .ok()
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

struct OptionalInteger;

impl Visitor<'_> for OptionalInteger {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Integer.visit_u64(value).map(Some)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "" => Ok(None),
            text => Integer.visit_str(text).map(Some),
        }
    }
}

/// Reads `true` or `false`, or a text that is one of them.
pub(super) fn switch<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    struct Switch;

    impl Visitor<'_> for Switch {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
            match text {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
            }
        }
    }

    value.deserialize_any(Switch)
}
