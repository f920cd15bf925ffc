//! Answers of Redis, taken apart.

use fred::types::Value;

use super::error::RedisError;

/// The parts of an array; nothing at all is an empty one.
pub(super) fn list(value: Value) -> Result<Vec<Value>, RedisError> {
    match value {
        Value::Array(values) => Ok(values),
        Value::Null => Ok(Vec::new()),
        Value::Boolean(_)
        | Value::Integer(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Queued
        | Value::Map(_) => Err(RedisError::Answer),
    }
}

/// An array of exactly so many parts.
pub(super) fn parts<const N: usize>(value: Value) -> Result<[Value; N], RedisError> {
    list(value)?
        .try_into()
        .map_err(|_other: Vec<Value>| RedisError::Answer)
}

/// A text; what is not UTF-8 in it is replaced.
pub(super) fn text(value: Value) -> Result<String, RedisError> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Bytes(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(_)
        | Value::Double(_)
        | Value::Null
        | Value::Queued
        | Value::Map(_)
        | Value::Array(_) => Err(RedisError::Answer),
    }
}

/// A number that is not negative.
pub(super) fn number(value: &Value) -> Result<u64, RedisError> {
    value.as_u64().ok_or(RedisError::Answer)
}
