//! Dead letters, as they stand in their stream.

use fred::types::Value;
use jiff::Timestamp;

use crate::{DeadLetter, EntryId, Setback, entry};

use super::{
    CHUNK, LONG_COMMAND, RedisQueue,
    connection::COMMAND,
    delivery::{micros, sequence},
    error::RedisError,
    reply,
    script::Script,
};

impl RedisQueue {
    /// Up to `max` dead letters after the one named `after`.
    pub(super) async fn letters(
        &self,
        after: Option<&EntryId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, RedisError> {
        let start = match after {
            None => "-".to_owned(),
            Some(id) if sequence(id).is_some() => format!("({id}"),
            Some(_) => return Ok(Vec::new()),
        };
        let words = vec![
            self.keys.dead_letters().into(),
            start.into(),
            "+".into(),
            "COUNT".into(),
            max.min(CHUNK).to_string().into(),
        ];
        let found = self.link.working.command("XRANGE", words, LONG_COMMAND);
        let found = reply::list(found.await?)?;
        found.into_iter().map(read).collect()
    }

    /// Lets a dead letter wait again; whether there is one of that name.
    pub(super) async fn revive_letter(&self, id: &EntryId) -> Result<bool, RedisError> {
        if sequence(id).is_none() {
            return Ok(false);
        }
        let words = vec![id.0.as_str().into()];
        let answer = self.run(Script::Revive, words, COMMAND).await?;
        Ok(reply::number(&answer)? > 0)
    }

    /// Removes a dead letter; whether there is one of that name.
    pub(super) async fn purge_letter(&self, id: &EntryId) -> Result<bool, RedisError> {
        if sequence(id).is_none() {
            return Ok(false);
        }
        let words = vec![self.keys.dead_letters().into(), id.0.as_str().into()];
        let answer = self.link.working.command("XDEL", words, COMMAND).await?;
        Ok(reply::number(&answer)? > 0)
    }
}

/// Reads a dead letter; those that the first service wrote have no reason and no history.
fn read(found: Value) -> Result<DeadLetter, RedisError> {
    let [id, fields] = reply::parts(found)?;
    let id = EntryId(reply::text(id)?);
    let (millis, _) = sequence(&id).ok_or(RedisError::Answer)?;
    let mut letter = DeadLetter {
        id,
        event_id: None,
        notification_id: None,
        reason: String::new(),
        buried_at: micros(millis.saturating_mul(1_000))?,
        accepted_at: None,
        history: Vec::new(),
        content: String::new(),
    };
    let mut fields = reply::list(fields)?.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let value = reply::text(value)?;
        match reply::text(name)?.as_str() {
            "entry" | "message" | "unknown" => letter.content = value,
            "reason" => letter.reason = value,
            "history" => letter.history = history(&value),
            _ => {}
        }
    }
    let outline = entry::outline(&letter.content);
    letter.event_id = outline.event_id;
    letter.notification_id = outline.notification_id;
    letter.accepted_at = outline.accepted_at;
    Ok(letter)
}

/// The attempts in the notes of an entry: their number, then microseconds and error of each, with
/// tabs between.
fn history(notes: &str) -> Vec<Setback> {
    notes.split('\t').skip(1).filter_map(setback).collect()
}

fn setback(note: &str) -> Option<Setback> {
    let (at, error) = note.split_once(' ')?;
    Some(Setback {
        at: Timestamp::from_microsecond(at.parse().ok()?).ok()?,
        error: serde_json::from_str(error).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_back() {
        let read = history("2\t1795000000000000 \"away\\u0009\"\t1795000001000000 \"refused\"");
        let errors: Vec<_> = read.iter().map(|setback| setback.error.as_str()).collect();
        assert_eq!(errors, ["away\t", "refused"]);
        assert!(read[0].at < read[1].at);
        assert!(history("").is_empty());
    }
}
