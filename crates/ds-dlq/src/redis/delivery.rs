//! What the scripts hand out, read.

use std::time::Duration;

use fred::types::Value;
use jiff::Timestamp;

use crate::{Consumer, Delivery, EntryId, Unreadable, entry};

use super::{error::RedisError, reply};

/// The two numbers of an entry's name, if it has the form of one.
pub(super) fn sequence(id: &EntryId) -> Option<(u64, u64)> {
    let (millis, number) = id.0.split_once('-')?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain(millis) && is_plain(number))
        .then(|| Some((millis.parse().ok()?, number.parse().ok()?)))
        .flatten()
}

pub(super) fn micros(number: u64) -> Result<Timestamp, RedisError> {
    let number = i64::try_from(number).map_err(|_overflow| RedisError::Answer)?;
    Timestamp::from_microsecond(number).map_err(|_range| RedisError::Answer)
}

pub(super) fn delivery(taken: Value) -> Result<Delivery, RedisError> {
    let [id, kind, attempts, content] = reply::parts(taken)?;
    let content = reply::text(content)?;
    Ok(Delivery {
        id: EntryId(reply::text(id)?),
        entry: match reply::text(kind)?.as_str() {
            "entry" => entry::decode(&content),
            "message" => entry::decode_legacy(&content),
            _ => Err(Unreadable("it has no field that is known".to_owned())),
        },
        attempts: u32::try_from(reply::number(&attempts)?).unwrap_or(u32::MAX),
    })
}

/// When an entry was put: the moment it was accepted, or else what its name says.
pub(super) fn put_at(found: Value) -> Result<Timestamp, RedisError> {
    let [id, content] = reply::parts(found)?;
    let outline = entry::outline(&reply::text(content)?);
    if let Some(at) = outline.accepted_at {
        return Ok(at);
    }
    let (millis, _) = sequence(&EntryId(reply::text(id)?)).ok_or(RedisError::Answer)?;
    micros(millis.saturating_mul(1_000))
}

pub(super) fn consumer(found: Value) -> Result<Consumer, RedisError> {
    let [name, pending, idle] = reply::parts(found)?;
    Ok(Consumer {
        name: reply::text(name)?,
        pending: reply::number(&pending)?,
        idle: Duration::from_millis(reply::number(&idle)?),
    })
}
