//! Reviving and purging dead letters.

use std::fmt;

use ds_dlq::{Backlog, BacklogError, EntryId};
use serde::Serialize;

use super::PAGE;

/// What is done to dead letters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// They wait for the store again.
    Replay,
    /// They are removed for good.
    Purge,
}

impl Change {
    /// The change as it is said afterwards.
    pub(super) const fn participle(self) -> &'static str {
        match self {
            Self::Replay => "replayed",
            Self::Purge => "purged",
        }
    }

    /// Type of the audit event about it, the same as when it is asked for over HTTP.
    pub(super) const fn event_type(self) -> &'static str {
        match self {
            Self::Replay => "datastorage.dead_letter.replayed",
            Self::Purge => "datastorage.dead_letter.purged",
        }
    }

    async fn make(self, queue: &impl Backlog, id: &EntryId) -> Result<bool, BacklogError> {
        match self {
            Self::Replay => queue.revive(id).await,
            Self::Purge => queue.purge(id).await,
        }
    }
}

/// How far a change came. What was done before a failure is done.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Dead letters that were changed.
    pub(super) done: Vec<EntryId>,
    /// Names of no dead letter.
    pub(super) missing: Vec<EntryId>,
    /// What ended it early.
    pub(super) failure: Option<BacklogError>,
}

/// An outcome as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    stream: &'a str,
    change: &'static str,
    ids: Vec<&'a str>,
    missing: Vec<&'a str>,
    is_complete: bool,
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in &self.ids {
            writeln!(f, "{} {id}", self.change)?;
        }
        writeln!(f, "{} dead letters {}", self.ids.len(), self.change)
    }
}

impl Outcome {
    pub(super) fn document<'a>(&'a self, change: Change, stream: &'a str) -> Document<'a> {
        let texts = |ids: &'a [EntryId]| ids.iter().map(|id| id.0.as_str()).collect();
        Document {
            stream,
            change: change.participle(),
            ids: texts(&self.done),
            missing: texts(&self.missing),
            is_complete: self.failure.is_none() && self.missing.is_empty(),
        }
    }

    /// Notes how one change went, and whether to go on.
    fn note(&mut self, id: EntryId, changed: Result<bool, BacklogError>) -> bool {
        match changed {
            Ok(true) => self.done.push(id),
            Ok(false) => self.missing.push(id),
            Err(error) => self.failure = Some(error),
        }
        self.failure.is_none()
    }
}

/// Changes the dead letters of these names.
pub(super) async fn these(queue: &impl Backlog, change: Change, ids: Vec<EntryId>) -> Outcome {
    let mut outcome = Outcome::default();
    for id in ids {
        let changed = change.make(queue, &id).await;
        if !outcome.note(id, changed) {
            break;
        }
    }
    outcome
}

/// Changes every dead letter that is there now, the oldest first, up to `limit`.
///
/// The number is fixed at the beginning: what is replayed may fail again at once and come back as a
/// new dead letter, behind all others, for ever.
pub(super) async fn all(queue: &impl Backlog, change: Change, limit: Option<usize>) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = every(queue, change, limit, &mut outcome).await {
        outcome.failure = Some(error);
    }
    // Somebody else was faster, which is as good.
    outcome.missing.clear();
    outcome
}

async fn every(
    queue: &impl Backlog,
    change: Change,
    limit: Option<usize>,
    outcome: &mut Outcome,
) -> Result<(), BacklogError> {
    let dead = usize::try_from(queue.status().await?.dead).unwrap_or(usize::MAX);
    let mut left = limit.map_or(dead, |limit| limit.min(dead));
    let mut after = None;
    while left > 0 {
        let letters = queue.dead_letters(after.as_ref(), left.min(PAGE)).await?;
        let Some(last) = letters.last() else {
            break;
        };
        after = Some(last.id.clone());
        left -= letters.len().min(left);
        for letter in letters {
            let changed = change.make(queue, &letter.id).await;
            if !outcome.note(letter.id, changed) {
                return Ok(());
            }
        }
    }
    Ok(())
}
