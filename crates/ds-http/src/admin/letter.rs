//! Dead letters of all backlogs under one kind of name.

use std::fmt;

use ds_dlq::{Backlog, BacklogError, DeadLetter, EntryId};
use ds_ingest::{Ingest, port::Ports};
use ds_metrics::BacklogName;

use super::in_time;

/// Longest id within a backlog.
const CHARS_MAX: usize = 100;

/// Dead letters that are asked for at once: each may be as large as the largest body.
const STEP: usize = 16;

/// Contents of a page, beyond which it ends early.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Name of a dead letter: its backlog, a colon, and its id there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LetterId {
    /// The backlog.
    pub(crate) backlog: BacklogName,
    /// The id within it.
    pub(crate) id: EntryId,
}

impl LetterId {
    /// Reads a name, as it is or as it stands in a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut names = BacklogName::ALL.iter();
        let (backlog, rest) =
            names.find_map(|name| Some((*name, text.strip_prefix(name.as_str())?)))?;
        // Of all characters that ids have, only the colon is sometimes escaped in paths.
        let mut colons = [":", "%3A", "%3a"].into_iter();
        let id = colons.find_map(|colon| rest.strip_prefix(colon))?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_usable = (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(is_plain);
        is_usable.then(|| Self {
            backlog,
            id: EntryId(id.to_owned()),
        })
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.backlog.as_str(), self.id)
    }
}

/// A page of dead letters.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// The dead letters: those of the queue, of the spool, and of the queue of notifications.
    pub(crate) letters: Vec<(BacklogName, DeadLetter)>,
    /// Whether there may be more behind the last one.
    pub(crate) is_full: bool,
    /// Backlogs that could not be asked.
    pub(crate) unreachable: Vec<BacklogName>,
}

/// Up to `limit` dead letters behind `after`.
pub(crate) async fn list<P: Ports>(
    ingest: &Ingest<P>,
    after: Option<&LetterId>,
    limit: usize,
) -> Letters {
    let mut page = Letters::default();
    let place = |name: BacklogName| BacklogName::ALL.iter().position(|known| *known == name);
    // Those of a backlog before the cursor's were on earlier pages.
    let is_left = |name| after.is_none_or(|after| place(after.backlog) <= place(name));
    let cursor = |name| {
        let after = after.filter(|after| after.backlog == name);
        after.map(|after| after.id.clone())
    };
    for name in BacklogName::ALL
        .iter()
        .copied()
        .filter(|name| is_left(*name))
    {
        let after = cursor(name);
        match name {
            BacklogName::Queue => page.fill(name, ingest.queue(), after, limit).await,
            BacklogName::Spool => page.fill(name, ingest.spool(), after, limit).await,
            BacklogName::Notifications => {
                let queue = ingest.notification_queue();
                page.fill(name, queue, after, limit).await;
            }
        }
    }
    page
}

impl Letters {
    /// Adds dead letters of one backlog until that has no more or the page is full.
    async fn fill<B: Backlog>(
        &mut self,
        name: BacklogName,
        backlog: Option<&B>,
        mut after: Option<EntryId>,
        limit: usize,
    ) {
        let Some(backlog) = backlog else { return };
        loop {
            let step = STEP.min(limit.saturating_sub(self.letters.len()));
            if step == 0 || self.bytes() > PAGE_BYTES_MAX {
                self.is_full = true;
                return;
            }
            let asking = backlog.dead_letters(after.as_ref(), step);
            let letters = match in_time(asking).await {
                Ok(letters) => letters,
                Err(error) => {
                    warn(name, &error);
                    self.unreachable.push(name);
                    return;
                }
            };
            let Some(last) = letters.last() else {
                return;
            };
            after = Some(last.id.clone());
            let letters = letters.into_iter().map(|letter| (name, letter));
            self.letters.extend(letters);
        }
    }

    fn bytes(&self) -> usize {
        let contents = self.letters.iter().map(|(_, letter)| letter.content.len());
        contents.sum()
    }
}

/// The dead letter `id` of `backlog`.
pub(super) async fn find<B: Backlog>(
    backlog: &B,
    id: &EntryId,
) -> Result<Option<DeadLetter>, BacklogError> {
    in_time(async {
        let mut after = None;
        loop {
            let letters = backlog.dead_letters(after.as_ref(), STEP).await?;
            let Some(last) = letters.last() else {
                return Ok(None);
            };
            after = Some(last.id.clone());
            if let Some(found) = letters.into_iter().find(|letter| letter.id == *id) {
                return Ok(Some(found));
            }
        }
    })
    .await
}

/// Notes that a backlog does not tell what an operator wants to know.
pub(crate) fn warn(name: BacklogName, error: &BacklogError) {
    let name = name.as_str();
    tracing::warn!(
        backlog = name,
        error = error as &dyn std::error::Error,
        "Cannot ask backlog {name}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let read = LetterId::parse(text).map(|id| id.to_string());
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_name_says_which_backlog() {
        check("queue:1763712000000-0", Some("queue:1763712000000-0"));
        check("spool:17", Some("spool:17"));
        check("queue%3A1-0", Some("queue:1-0"));
        check("spool%3a17", Some("spool:17"));
        check("notifications:1-0", Some("notifications:1-0"));
    }

    #[test]
    fn anything_else_is_no_name() {
        for text in [
            "",
            "17",
            "queue",
            "queue:",
            "spool:a b",
            "disk:17",
            "Queue:1",
        ] {
            check(text, None);
        }
        check("queue:1%2F0", None);
        check("queue::1", None);
        check(&format!("queue:{}", "1".repeat(101)), None);
    }
}
