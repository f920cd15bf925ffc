//! The client's memory: every event, or notification, it sent and every answer it got.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use uuid::Uuid;

use super::{
    Finding, Harm,
    table::{self, Table},
};

/// Names an event in the journal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket(usize);

/// How one attempt to send an event ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It was promised: 201, 202, or 409 when that says that the very record is there.
    Acknowledged {
        /// The status.
        status: u16,
        /// The id it has, if the answer names it.
        event_id: Option<Uuid>,
    },
    /// It was not promised, and may be stored all the same: a status from 500 on.
    Unpromised {
        /// The status.
        status: u16,
    },
    /// It was refused before anything was done with it: any other status.
    Refused {
        /// The status.
        status: u16,
    },
    /// No answer came, so nobody knows.
    None,
}

impl Answer {
    fn status(self) -> u16 {
        match self {
            Self::Acknowledged { status, .. }
            | Self::Unpromised { status }
            | Self::Refused { status } => status,
            Self::None => 0,
        }
    }
}

/// Events by how they ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Acknowledged as stored: the first such answer was 201 or 409.
    pub stored: u64,
    /// Acknowledged as accepted: the first such answer was 202.
    pub accepted: u64,
    /// Never acknowledged, and answered each time.
    pub refused: u64,
    /// Never acknowledged, and not answered at least once.
    pub unanswered: u64,
    /// Not answered yet.
    pub under_way: u64,
}

/// An event, and what became of it.
#[derive(Debug, Default)]
struct Entry {
    /// As it was sent; given up once it was found to be stored as it should.
    body: Option<String>,
    chosen_id: Option<Uuid>,
    given_id: Option<Uuid>,
    sent: u32,
    answers: Vec<(Duration, Answer)>,
    verified: bool,
}

impl Entry {
    fn acknowledged(&self) -> Option<u16> {
        let mut promises = self.answers.iter().filter_map(|(_, answer)| match answer {
            Answer::Acknowledged { status, .. } => Some(*status),
            Answer::Unpromised { .. } | Answer::Refused { .. } | Answer::None => None,
        });
        promises.next()
    }

    /// How many rows may come of it: one for an id, and one for each attempt without.
    fn rows_max(&self) -> u32 {
        let refused = |(_, answer): &&(Duration, Answer)| matches!(answer, Answer::Refused { .. });
        let refused = self.answers.iter().filter(refused).count();
        let open = self.sent - u32::try_from(refused).unwrap_or(u32::MAX).min(self.sent);
        match self.chosen_id {
            Some(_) => open.min(1),
            None => open,
        }
    }

    /// `201 at 12.345 s, no answer at …`.
    fn history(&self) -> String {
        let mut text = format!("sent {} times, answered", self.sent);
        for (at, answer) in &self.answers {
            let seconds = at.as_secs_f64();
            // Writing to a text does not fail.
            let _ = match answer.status() {
                0 => write!(text, " not until {seconds:.3} s"),
                status => write!(text, " {status} at {seconds:.3} s"),
            };
        }
        text
    }
}

/// What was sent, and what was answered. Shared by all who write.
#[derive(Debug)]
pub struct Journal {
    prefix: String,
    table: Table,
    begun: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Journal {
    /// An empty one. The name begins every mark; it is of letters, digits and `-`.
    pub fn new(name: &str) -> Self {
        Self::of(table::EVENTS, name)
    }

    /// Likewise, of notifications: the mark of each is its `remediation_id`, and its
    /// `notification_id` a UUID that the sender chose.
    pub fn of_notifications(name: &str) -> Self {
        Self::of(table::NOTIFICATIONS, name)
    }

    fn of(table: Table, name: &str) -> Self {
        Self {
            prefix: format!("{name}-{}-", &Uuid::new_v4().simple().to_string()[..8]),
            table,
            begun: Instant::now(),
            entries: Mutex::default(),
        }
    }

    /// A place for one more event.
    pub fn ticket(&self) -> Ticket {
        let mut entries = self.entries();
        entries.push(Entry::default());
        Ticket(entries.len() - 1)
    }

    /// What the event must carry as its `correlation_id`.
    pub fn mark(&self, ticket: Ticket) -> String {
        format!("{}{}", self.prefix, ticket.0)
    }

    /// Where its records are stored.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// What all marks begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The event with the mark that ends in this number.
    pub(super) fn numbered(&self, number: usize) -> Ticket {
        Ticket(number)
    }

    /// It is about to be sent, once more if it was before: `body` is one event, with its
    /// `event_id` if the sender chose one.
    pub fn sends(&self, ticket: Ticket, body: &str, chosen_id: Option<Uuid>) {
        let mut entries = self.entries();
        let entry = &mut entries[ticket.0];
        entry.sent += 1;
        entry.chosen_id = chosen_id;
        if entry.body.is_none() && !entry.verified {
            entry.body = Some(body.to_owned());
        }
    }

    /// How that ended.
    pub fn answered(&self, ticket: Ticket, answer: Answer) {
        let at = self.begun.elapsed();
        let mut entries = self.entries();
        let entry = &mut entries[ticket.0];
        entry.answers.push((at, answer));
        if let Answer::Acknowledged { event_id, .. } = answer {
            entry.given_id = entry.given_id.or(event_id);
        }
    }

    /// Events by how they ended.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entry in self.entries().iter().filter(|entry| entry.sent > 0) {
            let unanswered = |(_, answer): &(Duration, Answer)| *answer == Answer::None;
            let count = match entry.acknowledged() {
                Some(201 | 409) => &mut tally.stored,
                Some(_) => &mut tally.accepted,
                None if entry.answers.is_empty() => &mut tally.under_way,
                None if entry.answers.iter().any(unanswered) => &mut tally.unanswered,
                None => &mut tally.refused,
            };
            *count += 1;
        }
        tally
    }

    /// How often each status was answered to one event, the lowest first; 0 is no answer.
    pub fn statuses(&self) -> Vec<(u16, u64)> {
        let mut counts = std::collections::BTreeMap::new();
        for entry in self.entries().iter() {
            for (_, answer) in &entry.answers {
                *counts.entry(answer.status()).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    }

    /// Acknowledged events that were not seen in the store yet.
    pub(super) fn unverified(&self) -> Vec<Ticket> {
        self.those(|entry| !entry.verified && entry.acknowledged().is_some())
    }

    /// Events that were seen in the store.
    pub(super) fn all_verified(&self) -> Vec<Ticket> {
        self.those(|entry| entry.verified)
    }

    fn those(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Ticket> {
        let entries = self.entries();
        let found = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| wanted(entry));
        found.map(|(number, _)| Ticket(number)).collect()
    }

    /// Its text.
    pub(super) fn body(&self, ticket: Ticket) -> String {
        let entries = self.entries();
        let entry = entries.get(ticket.0);
        entry
            .and_then(|entry| entry.body.clone())
            .unwrap_or_default()
    }

    /// It is stored, under this id; the members that are not as sent, if any.
    pub(super) fn verified(&self, ticket: Ticket, id: Uuid, altered: &[String]) -> Option<Finding> {
        let mut detail = None;
        {
            let mut entries = self.entries();
            let entry = entries.get_mut(ticket.0)?;
            entry.verified = true;
            let promised = entry.chosen_id.or(entry.given_id);
            if !altered.is_empty() {
                detail = Some(format!("{} differ", altered.join(", ")));
            } else if promised.is_some_and(|promised| promised != id) {
                detail = Some(format!("stored under the id {id}"));
            } else {
                entry.body = None;
            }
        }
        detail.map(|detail| self.finding(Harm::Altered, ticket, &detail))
    }

    /// It is not where it should be.
    pub(super) fn lost(&self, ticket: Ticket, detail: &str) -> Finding {
        self.finding(Harm::Lost, ticket, detail)
    }

    /// It is stored that often; a finding if that is too often.
    pub(super) fn counted(&self, ticket: Ticket, rows: i64) -> Option<Finding> {
        let rows_max = self.entries().get(ticket.0).map_or(0, Entry::rows_max);
        let detail = format!("{rows} rows, {rows_max} expected at most");
        (rows > rows_max.into()).then(|| self.finding(Harm::Duplicated, ticket, &detail))
    }

    fn finding(&self, harm: Harm, ticket: Ticket, detail: &str) -> Finding {
        let entries = self.entries();
        let history = entries
            .get(ticket.0)
            .map(Entry::history)
            .unwrap_or_default();
        Finding {
            harm,
            mark: self.mark(ticket),
            detail: format!("{detail}; {history}"),
        }
    }

    /// Writes everything down, a line for each event.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = std::fs::File::create(path);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        let mut file = BufWriter::new(file);
        for (number, entry) in self.entries().iter().enumerate() {
            let id = entry.chosen_id.or(entry.given_id);
            writeln!(
                file,
                "{}{number} id={} chosen={} verified={} {} {}",
                self.prefix,
                id.map(|id| id.to_string()).unwrap_or_default(),
                entry.chosen_id.is_some(),
                entry.verified,
                entry.history(),
                entry.body.as_deref().unwrap_or_default()
            )
            .context("cannot write the journal")?;
        }
        file.flush().context("cannot write the journal")
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: Answer = Answer::Acknowledged {
        status: 201,
        event_id: None,
    };

    fn sent(journal: &Journal, chosen: Option<Uuid>, answers: &[Answer]) -> Ticket {
        let ticket = journal.ticket();
        for answer in answers {
            journal.sends(ticket, "{}", chosen);
            journal.answered(ticket, *answer);
        }
        ticket
    }

    #[track_caller]
    fn check_rows(chosen: Option<Uuid>, answers: &[Answer], rows_max: i64) {
        let journal = Journal::new("test");
        let ticket = sent(&journal, chosen, answers);
        assert!(journal.counted(ticket, rows_max).is_none());
        assert!(journal.counted(ticket, rows_max + 1).is_some());
    }

    #[test]
    fn an_event_is_stored_as_often_as_it_may_have_been_taken() {
        let refused = Answer::Refused { status: 400 };
        check_rows(None, &[STORED], 1);
        check_rows(None, &[Answer::None, STORED], 2);
        check_rows(None, &[Answer::Unpromised { status: 503 }], 1);
        check_rows(None, &[refused], 0);
        let id = Some(Uuid::from_u128(1));
        check_rows(id, &[Answer::None, Answer::None, STORED], 1);
        check_rows(id, &[refused], 0);
    }

    #[test]
    fn events_are_counted_by_their_end() {
        let journal = Journal::new("test");
        let accepted = Answer::Acknowledged {
            status: 202,
            event_id: None,
        };
        sent(&journal, None, &[Answer::None, STORED]);
        sent(&journal, None, &[accepted, STORED]);
        // A notification that is there already.
        let there = Answer::Acknowledged {
            status: 409,
            event_id: None,
        };
        sent(&journal, Some(Uuid::from_u128(1)), &[Answer::None, there]);
        sent(&journal, None, &[Answer::Unpromised { status: 503 }]);
        sent(
            &journal,
            None,
            &[Answer::Unpromised { status: 503 }, Answer::None],
        );
        journal.sends(journal.ticket(), "{}", None);
        // Reserved and never sent.
        journal.ticket();
        let expected = Tally {
            stored: 2,
            accepted: 1,
            refused: 1,
            unanswered: 1,
            under_way: 1,
        };
        assert_eq!(journal.tally(), expected);
        assert_eq!(
            journal.statuses(),
            [(0, 3), (201, 2), (202, 1), (409, 1), (503, 2)]
        );
        assert_eq!(journal.unverified(), [Ticket(0), Ticket(1), Ticket(2)]);
    }

    #[test]
    fn an_id_other_than_the_promised_one_is_found() {
        let journal = Journal::new("test");
        let given = Some(Uuid::from_u128(7));
        let answer = Answer::Acknowledged {
            status: 202,
            event_id: given,
        };
        let ticket = sent(&journal, None, &[answer]);
        assert!(journal.verified(ticket, Uuid::from_u128(7), &[]).is_none());
        let finding = journal.verified(ticket, Uuid::from_u128(8), &[]).unwrap();
        assert_eq!(finding.harm, Harm::Altered);
        assert!(journal.unverified().is_empty());
    }
}
