//! The promise, checked from outside: what was acknowledged is stored once and unchanged, and until
//! then it waits where it survives.
//!
//! The [`Journal`] is the client's memory of what it sent and what it was answered. Each event carries
//! a mark of its own as `correlation_id` (each notification as `remediation_id`), so that it is recognised in a table, in a queue and in the
//! bytes of a file, whatever their formats are, and without trust in the code that is being checked.

mod finding;
mod journal;
mod stored;
mod table;
mod waiting;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

pub use finding::{Finding, Harm};
pub use journal::{Answer, Journal, Tally, Ticket};

use stored::Store;
use waiting::Waiting;

/// How often a wait looks again.
const GLANCE: Duration = Duration::from_millis(100);

/// Looks at an event that is nowhere before it is called lost. Between places it may be seen in none:
/// they cannot all be read at one moment.
const LOOKS: usize = 3;

/// What was seen at one time.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Broken promises.
    pub findings: Vec<Finding>,
    /// Acknowledged events that waited in the queue.
    pub parked: usize,
    /// Acknowledged events that waited in the spool.
    pub spooled: usize,
}

impl Look {
    /// What was seen of other records at the same time.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.parked += other.parked;
        self.spooled += other.spooled;
    }
}

/// Where acknowledged events may be.
#[derive(Clone, Debug)]
pub struct Checker {
    /// The database, without anything between that could fail.
    pub postgres: String,
    /// The server with the dead letter queue, where there is one; nobody else's.
    pub redis: Option<String>,
    /// The spool's directory, where there is one.
    pub spool: Option<PathBuf>,
}

impl Checker {
    /// Acknowledged ⊆ stored ∪ parked ∪ spooled, now, with the service at work or not.
    /// What is stored by now is also compared with what was sent.
    pub async fn check_now(&self, journal: &Journal) -> Result<Look> {
        let store = Store::connect(&self.postgres).await?;
        let mut look = Look::default();
        let mut suspects: Option<HashSet<Ticket>> = None;
        for _ in 0..LOOKS {
            // Against the stream: what is acknowledged later, or moves on meanwhile, is found further down.
            let open = journal.unverified();
            let waiting = self.waiting(journal).await?;
            let missing = store.verify(journal, &open, &mut look.findings).await?;
            let count = |place: &HashSet<Ticket>| {
                missing
                    .iter()
                    .filter(|ticket| place.contains(ticket))
                    .count()
            };
            (look.parked, look.spooled) = (count(&waiting.parked), count(&waiting.spooled));
            let nowhere = missing.into_iter().filter(|ticket| !waiting.has(*ticket));
            let nowhere: HashSet<Ticket> = match &suspects {
                None => nowhere.collect(),
                Some(before) => nowhere.filter(|ticket| before.contains(ticket)).collect(),
            };
            let is_empty = nowhere.is_empty();
            suspects = Some(nowhere);
            if is_empty {
                break;
            }
        }
        let lost = suspects.into_iter().flatten();
        let lost = lost.map(|ticket| journal.lost(ticket, "neither stored, parked nor spooled"));
        look.findings.extend(lost);
        Ok(look)
    }

    /// Waits until everything that is acknowledged is stored and nothing waits in the queue. Says
    /// whether that came true in time. Errors while the stores come back are waited out, too.
    pub async fn drained(
        &self,
        journal: &Journal,
        patience: Duration,
    ) -> Result<(bool, Vec<Finding>)> {
        let deadline = Instant::now() + patience;
        let mut findings = Vec::new();
        loop {
            let looked = self.is_drained(journal, &mut findings).await;
            match looked {
                Ok(true) => return Ok((true, findings)),
                Ok(false) if Instant::now() > deadline => return Ok((false, findings)),
                Err(error) if Instant::now() > deadline => return Err(error),
                Ok(false) | Err(_) => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    /// Acknowledged = stored, once, unchanged. To be asked when everything has had its time.
    pub async fn check_stored(&self, journal: &Journal) -> Result<Vec<Finding>> {
        let store = Store::connect(&self.postgres).await?;
        let mut findings = Vec::new();
        let open = journal.unverified();
        let missing = store.verify(journal, &open, &mut findings).await?;
        if !missing.is_empty() {
            let waiting = self.waiting(journal).await.unwrap_or_default();
            let lost = missing
                .into_iter()
                .map(|ticket| journal.lost(ticket, waiting.place(ticket)));
            findings.extend(lost);
        }
        findings.extend(store.count(journal).await?);
        Ok(findings)
    }

    async fn is_drained(&self, journal: &Journal, findings: &mut Vec<Finding>) -> Result<bool> {
        let store = Store::connect(&self.postgres).await?;
        let missing = store
            .verify(journal, &journal.unverified(), findings)
            .await?;
        if !missing.is_empty() {
            return Ok(false);
        }
        match &self.redis {
            Some(url) => Ok(waiting::parked(url, journal).await?.is_empty()),
            None => Ok(true),
        }
    }

    /// The spool first: an entry goes from there to the store, never the other way.
    async fn waiting(&self, journal: &Journal) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        if let Some(directory) = &self.spool {
            waiting.spooled = waiting::spooled(directory, journal)?;
        }
        if let Some(url) = &self.redis {
            (waiting.parked, waiting.dead) = waiting::queue(url, journal).await?;
        }
        Ok(waiting)
    }
}
