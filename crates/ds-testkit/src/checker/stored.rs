//! What is stored, compared with what was sent by PostgreSQL itself.
//!
//! It reads what was sent as `jsonb`, whose numbers are of any precision. That the service writes the
//! same columns by other means is what makes the comparison worth something.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{Finding, Harm, Journal, Ticket};

/// Records that are compared with one statement.
const CHUNK: usize = 500;

/// Longest wait for a connection. A server that does not answer at all cannot be checked.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// A connection to the database.
pub(super) struct Store {
    client: Client,
}

impl Store {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let connecting = tokio_postgres::connect(url, NoTls);
        let (client, connection) = tokio::time::timeout(CONNECT_PATIENCE, connecting)
            .await
            .context("PostgreSQL does not answer to be checked")?
            .context("cannot connect to PostgreSQL to check what it has")?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Compares those events that are stored; the others are handed back.
    pub(super) async fn verify(
        &self,
        journal: &Journal,
        open: &[Ticket],
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<Ticket>> {
        let statement = self
            .client
            .prepare(&journal.table().comparison())
            .await
            .context("cannot prepare the comparison")?;
        let mut missing = Vec::new();
        for chunk in open.chunks(CHUNK) {
            let marks: Vec<String> = chunk.iter().map(|each| journal.mark(*each)).collect();
            let bodies: Vec<String> = chunk.iter().map(|each| journal.body(*each)).collect();
            let rows = self
                .client
                .query(&statement, &[&marks, &bodies])
                .await
                .context("cannot compare what is stored")?;
            let mut stored: HashMap<String, Vec<(Uuid, Vec<String>)>> = HashMap::new();
            for row in rows {
                let found = stored.entry(row.get(0)).or_default();
                found.push((row.get(1), row.get(2)));
            }
            for (ticket, mark) in chunk.iter().zip(&marks) {
                match stored.get(mark) {
                    None => missing.push(*ticket),
                    Some(rows) => findings.extend(judge(journal, *ticket, rows)),
                }
            }
        }
        Ok(missing)
    }

    /// Whatever is there more often than it should be, or was there and is no more.
    pub(super) async fn count(&self, journal: &Journal) -> Result<Vec<Finding>> {
        let table = journal.table();
        let ids = self.client.query(&table.repeated_ids(), &[]).await;
        let mut findings: Vec<Finding> = ids
            .context("cannot look for ids that are stored twice")?
            .iter()
            .map(|row| {
                let (id, rows): (Uuid, i64) = (row.get(0), row.get(1));
                Finding {
                    harm: Harm::Duplicated,
                    mark: row.get(2),
                    detail: format!("the id {id} is stored {rows} times"),
                }
            })
            .collect();
        let counts = self
            .client
            .query(&table.counts(), &[&journal.prefix()])
            .await;
        let counts = counts.context("cannot count what is stored")?;
        let mut stored = HashSet::new();
        for row in counts {
            let mark: String = row.get(0);
            let number = mark.strip_prefix(journal.prefix()).map(str::parse);
            if let Some(Ok(number)) = number {
                let ticket = journal.numbered(number);
                stored.insert(ticket);
                findings.extend(journal.counted(ticket, row.get(1)));
            }
        }
        let gone = journal.all_verified().into_iter();
        let gone = gone.filter(|ticket| !stored.contains(ticket));
        findings.extend(gone.map(|ticket| journal.lost(ticket, "was stored, and is gone")));
        Ok(findings)
    }
}

/// One of the rows must be the event that was promised. Others are counted elsewhere: an attempt that
/// was not answered may have been stored under an id that nobody was told.
fn judge(journal: &Journal, ticket: Ticket, rows: &[(Uuid, Vec<String>)]) -> Option<Finding> {
    let mut worst = None;
    for (id, altered) in rows {
        match journal.verified(ticket, *id, altered) {
            None => return None,
            Some(finding) => worst = Some(finding),
        }
    }
    worst
}
