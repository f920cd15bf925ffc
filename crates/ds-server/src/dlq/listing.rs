//! What `ds-server dlq list` prints.

use std::fmt;

use ds_dlq::{Backlog, BacklogError, DeadLetter, Status};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::PAGE;

/// A queue as it was found.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    stream: String,
    entries: u64,
    entries_max: u64,
    bytes: u64,
    bytes_max: u64,
    deferred: u64,
    oldest: Option<Timestamp>,
    consumers: Vec<Worker>,
    dead: u64,
    dead_letters: Vec<Letter>,
}

#[derive(Debug, Serialize)]
struct Worker {
    name: String,
    pending: u64,
    idle_ms: u128,
}

#[derive(Debug, Serialize)]
struct Letter {
    id: String,
    event_id: Option<Uuid>,
    notification_id: Option<String>,
    reason: String,
    buried_at: Timestamp,
    accepted_at: Option<Timestamp>,
    history: Vec<Attempt>,
    content: String,
}

#[derive(Debug, Serialize)]
struct Attempt {
    at: Timestamp,
    error: String,
}

impl Listing {
    /// Looks at `queue`, and at up to `limit` of its dead letters.
    pub(super) async fn of(
        queue: &impl Backlog,
        stream: &str,
        limit: usize,
    ) -> Result<Self, BacklogError> {
        let Status {
            entries,
            entries_max,
            bytes,
            bytes_max,
            deferred,
            dead,
            oldest,
            consumers,
        } = queue.status().await?;
        let consumers = consumers.into_iter().map(|consumer| Worker {
            name: consumer.name,
            pending: consumer.pending,
            idle_ms: consumer.idle.as_millis(),
        });
        let letters = dead_letters(queue, limit).await?;
        Ok(Self {
            stream: stream.to_owned(),
            entries,
            entries_max,
            bytes,
            bytes_max,
            deferred,
            oldest,
            consumers: consumers.collect(),
            dead,
            dead_letters: letters.into_iter().map(Letter::from).collect(),
        })
    }
}

async fn dead_letters(queue: &impl Backlog, limit: usize) -> Result<Vec<DeadLetter>, BacklogError> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    while letters.len() < limit {
        let after = letters.last().map(|letter| &letter.id);
        let page = queue
            .dead_letters(after, PAGE.min(limit - letters.len()))
            .await?;
        if page.is_empty() {
            break;
        }
        letters.extend(page);
    }
    Ok(letters)
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let history = letter.history.into_iter().map(|setback| Attempt {
            at: setback.at,
            error: setback.error,
        });
        Self {
            id: letter.id.0,
            event_id: letter.event_id,
            notification_id: letter.notification_id,
            reason: letter.reason,
            buried_at: letter.buried_at,
            accepted_at: letter.accepted_at,
            history: history.collect(),
            content: letter.content,
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, deferred) = (&self.stream, self.deferred);
        writeln!(f, "stream        {stream}")?;
        writeln!(f, "entries       {} of {}", self.entries, self.entries_max)?;
        writeln!(f, "bytes         {} of {}", self.bytes, self.bytes_max)?;
        writeln!(f, "deferred      {deferred}")?;
        match self.oldest {
            Some(oldest) => writeln!(f, "oldest        {oldest}")?,
            None => writeln!(f, "oldest        none")?,
        }
        writeln!(f, "consumers     {}", self.consumers.len())?;
        for Worker {
            name,
            pending,
            idle_ms,
        } in &self.consumers
        {
            let name = Line(name);
            writeln!(f, "  {name}  {pending} pending, silent for {idle_ms} ms")?;
        }
        writeln!(f, "dead letters  {}", self.dead)?;
        for letter in &self.dead_letters {
            writeln!(f, "  {letter}")?;
        }
        match self.dead.saturating_sub(self.dead_letters.len() as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more (--limit)"),
        }
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", Line(&self.id))?;
        match (self.event_id, &self.notification_id) {
            (Some(id), _) => write!(f, "event {id}")?,
            (None, Some(id)) => write!(f, "notification {}", Line(id))?,
            (None, None) => f.write_str("event unknown")?,
        }
        let (buried_at, attempts) = (self.buried_at, self.history.len());
        write!(f, "  buried {buried_at}  attempts {attempts}  ")?;
        write!(f, "{}", Line(&self.reason))
    }
}

/// A text on one line: what a sender or a server wrote may not forge another one.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|c| fmt::Write::write_char(f, if c.is_control() { ' ' } else { c }))
    }
}
