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

/// Events that are compared with one statement.
const CHUNK: usize = 500;

/// Longest wait for a connection. A server that does not answer at all cannot be checked.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Every column, and what it is after `sent.body` was stored: the member, or its default.
const EXPECTED: [(&str, &str); 27] = [
    (
        "event_id",
        "coalesce((body->>'event_id')::uuid, stored.event_id)",
    ),
    ("event_version", "body->>'version'"),
    ("event_timestamp", "(body->>'event_timestamp')::timestamptz"),
    (
        "event_date",
        "((body->>'event_timestamp')::timestamptz AT TIME ZONE 'UTC')::date",
    ),
    ("event_type", "body->>'event_type'"),
    ("event_category", "body->>'event_category'"),
    ("event_action", "body->>'event_action'"),
    ("event_outcome", "body->>'event_outcome'"),
    ("correlation_id", "body->>'correlation_id'"),
    (
        "actor_type",
        "coalesce(nullif(body->>'actor_type', ''), 'service')",
    ),
    (
        "actor_id",
        "coalesce(nullif(body->>'actor_id', ''), (body->>'event_category') || '-service')",
    ),
    ("actor_ip", "(body->>'actor_ip')::inet"),
    (
        "resource_type",
        "coalesce(nullif(body->>'resource_type', ''), body->>'event_category')",
    ),
    (
        "resource_id",
        "coalesce(nullif(body->>'resource_id', ''), body->>'correlation_id')",
    ),
    ("resource_name", "nullif(body->>'resource_name', '')"),
    ("parent_event_id", "(body->>'parent_event_id')::uuid"),
    ("trace_id", "nullif(body->>'trace_id', '')"),
    ("span_id", "nullif(body->>'span_id', '')"),
    ("namespace", "nullif(body->>'namespace', '')"),
    ("cluster_name", "nullif(body->>'cluster_name', '')"),
    ("event_data", "body->'event_data'"),
    ("event_metadata", "nullif(body->'event_metadata', 'null')"),
    (
        "severity",
        "nullif(coalesce(body->>'severity', 'info'), '')",
    ),
    ("duration_ms", "(body->>'duration_ms')::integer"),
    ("error_code", "nullif(body->>'error_code', '')"),
    ("error_message", "nullif(body->>'error_message', '')"),
    (
        "retention_days",
        "coalesce((body->>'retention_days')::integer, 2555)",
    ),
];

/// Rows of one id under several dates, which the table's key cannot rule out.
const REPEATED_IDS: &str = "-- checker_repeated_ids
SELECT event_id, count(*), min(correlation_id) FROM audit_events GROUP BY event_id HAVING count(*) > 1";

/// Rows of each mark.
const COUNTS: &str = "-- checker_counts
SELECT correlation_id, count(*) FROM audit_events
WHERE starts_with(correlation_id, $1) GROUP BY correlation_id";

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
            .prepare(&comparison())
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
        let ids = self.client.query(REPEATED_IDS, &[]).await;
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
        let counts = self.client.query(COUNTS, &[&journal.prefix()]).await;
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

fn comparison() -> String {
    let differences: Vec<String> = EXPECTED
        .iter()
        .map(|(column, expected)| {
            format!("CASE WHEN stored.{column} IS DISTINCT FROM ({expected}) THEN '{column}' END")
        })
        .collect();
    format!(
        "-- checker_compare
WITH sent AS MATERIALIZED (
    SELECT mark, body::jsonb AS body FROM unnest($1::text[], $2::text[]) AS given (mark, body)
)
SELECT sent.mark, stored.event_id, array_remove(ARRAY[
    CASE WHEN stored.is_sensitive IS DISTINCT FROM coalesce((body->>'is_sensitive')::boolean, false)
        THEN 'is_sensitive' END,
    {}
], NULL)
FROM sent JOIN audit_events stored ON stored.correlation_id = sent.mark",
        differences.join(",\n    ")
    )
}
