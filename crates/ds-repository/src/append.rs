//! Appending: all or nothing, each event exactly once.
//!
//! The primary key has to contain the partition key, so it keeps an id from being stored twice
//! under one date, not under two. Ids we assign are new and belong to one event; for ids a sender
//! chose, writers of the same id queue on an advisory lock, and who comes later looks for the id
//! under every date. An id that is there already is no error when the event is the same: that is a
//! sender, or a replay, that did not hear our first answer.

mod columns;

use std::collections::HashSet;

use ds_validation::NewEvent;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use self::columns::Columns;
use crate::{
    Appended, Repository,
    error::{AppendError, Cause},
    read::FIND_DATES,
    row::event_columns,
    statement::Statement,
    transaction::{self, Abort, Transaction, Work},
};

/// Rows of one INSERT. Beyond some hundred the throughput was flat, and only the latency grew.
const ROWS_MAX: usize = 500;

/// Most ids that are locked one by one. The server's lock table is shared by all sessions and has
/// room for some thousand locks.
const LOCKS_MAX: usize = 256;

/// First half of the keys of our advisory locks ("DSid"): the lock of one id.
const LOCK_ID: i32 = 0x4453_6964;
/// And of the lock over all ids, shared by those who lock single ones ("DSal").
const LOCK_ALL: i32 = 0x4453_616c;

/// Queues behind other writers of the same ids. The keys come sorted, and who holds the lock over
/// all ids asks for no other, so nobody waits in a circle.
pub(crate) const LOCK_FEW: Statement = Statement::new(
    "-- lock_event_ids
SELECT pg_advisory_xact_lock_shared($1::int4, 0)
UNION ALL
SELECT pg_advisory_xact_lock($2::int4, key) FROM unnest($3::int4[]) AS key",
);

/// Queues behind every other writer of chosen ids.
pub(crate) const LOCK_MANY: Statement = Statement::new(
    "-- lock_all_event_ids
SELECT pg_advisory_xact_lock($1::int4, 0)",
);

/// The arrays of [`Columns`] as rows.
macro_rules! rows_from_arrays {
    () => {
        "unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::date[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[], $11::inet[], $12::text[], $13::text[], \
         $14::text[], $15::text[], $16::uuid[], $17::date[], $18::text[], $19::text[], \
         $20::text[], $21::text[], $22::jsonb[], $23::jsonb[], $24::text[], $25::int4[], \
         $26::text[], $27::text[], $28::int4[], $29::bool[])"
    };
}

/// Stores rows, but not those whose key is taken.
pub(crate) const INSERT: Statement = Statement::new(concat!(
    "-- append_events\nINSERT INTO audit_events (",
    event_columns!(),
    ")\nSELECT * FROM ",
    rows_from_arrays!(),
    "\nON CONFLICT DO NOTHING RETURNING event_id",
));

/// Says of each row whether what is stored under its id is the same in everything its sender
/// determines. The date of the parent is not: it is what we looked up.
pub(crate) const COMPARE: Statement = Statement::new(concat!(
    "-- compare_events\nSELECT stored.same FROM ",
    rows_from_arrays!(),
    " WITH ORDINALITY AS given (",
    event_columns!(),
    ", position)
CROSS JOIN LATERAL (
    SELECT bool_or(
        (e.event_version, e.event_timestamp, e.event_type, e.event_category, e.event_action,
         e.event_outcome, e.actor_type, e.actor_id, e.actor_ip, e.resource_type, e.resource_id,
         e.resource_name, e.correlation_id, e.parent_event_id, e.trace_id, e.span_id, e.namespace,
         e.cluster_name, e.event_data, e.event_metadata, e.severity, e.duration_ms, e.error_code,
         e.error_message, e.retention_days, e.is_sensitive)
        IS NOT DISTINCT FROM
        (given.event_version, given.event_timestamp, given.event_type, given.event_category,
         given.event_action, given.event_outcome, given.actor_type, given.actor_id, given.actor_ip,
         given.resource_type, given.resource_id, given.resource_name, given.correlation_id,
         given.parent_event_id, given.trace_id, given.span_id, given.namespace,
         given.cluster_name, given.event_data, given.event_metadata, given.severity,
         given.duration_ms, given.error_code, given.error_message, given.retention_days,
         given.is_sensitive)
    ) AS same
    FROM audit_events e WHERE e.event_id = given.event_id
) AS stored
ORDER BY given.position",
));

impl Repository {
    /// Stores all of `events` or none, durably, each exactly once.
    ///
    /// The answer is in the order of `events`. When it is an error nothing was stored, with one
    /// exception: after [`StoreError::Unavailable`](crate::error::StoreError::Unavailable) the
    /// commit may have succeeded unheard. Appending the same events again is always safe.
    pub async fn append(&self, events: &[NewEvent]) -> Result<Vec<Appended>, AppendError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let work = Append { events };
        let outcome = transaction::run(&self.write, self.append_timeout, &work).await;
        outcome.map_err(|abort| match abort {
            Abort::Failed(cause) => cause.into(),
            Abort::Refused(Conflict { positions }) => AppendError::Conflict { positions },
        })
    }
}

struct Append<'e> {
    events: &'e [NewEvent],
}

/// Events whose ids are taken.
struct Conflict {
    positions: Vec<usize>,
}

impl Work for Append<'_> {
    type Output = Vec<Appended>;
    type Refusal = Conflict;
    const NAME: &'static str = "append";

    async fn attempt(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Appended>, Abort<Conflict>> {
        let mut taken = self.find_taken(transaction).await?;
        // An id that occurs twice in one append is stored once and compared after that.
        let (fresh, mut known): (Vec<_>, Vec<_>) =
            (0..self.events.len()).partition(|at| taken.insert(self.id(*at)));
        for chunk in fresh.chunks(ROWS_MAX) {
            let stored = self.insert(transaction, chunk).await?;
            if stored.len() < chunk.len() {
                known.extend(
                    chunk
                        .iter()
                        .copied()
                        .filter(|at| !stored.contains(&self.id(*at))),
                );
            }
        }
        known.sort_unstable();
        self.compare(transaction, &known).await?;
        let mut answer = vec![Appended::Now; self.events.len()];
        for at in known {
            if let Some(appended) = answer.get_mut(at) {
                *appended = Appended::Before;
            }
        }
        Ok(answer)
    }
}

impl Append<'_> {
    fn id(&self, at: usize) -> Uuid {
        self.events
            .get(at)
            .map_or(Uuid::nil(), |event| event.event().event_id)
    }

    fn columns(&self, positions: &[usize]) -> Columns<'_> {
        positions
            .iter()
            .filter_map(|at| self.events.get(*at))
            .map(NewEvent::event)
            .collect()
    }

    /// Which of the ids that senders chose are stored, under whatever date.
    async fn find_taken(&self, transaction: &Transaction<'_>) -> Result<HashSet<Uuid>, Cause> {
        let chosen = self.events.iter().filter(|event| event.sender_chose_id());
        let ids: Vec<Uuid> = chosen.map(|event| event.event().event_id).collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let mut keys: Vec<i32> = ids.iter().copied().map(lock_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let few: [&(dyn ToSql + Sync); 3] = [&LOCK_ALL, &LOCK_ID, &keys];
        let many: [&(dyn ToSql + Sync); 1] = [&LOCK_ALL];
        let (lock, lock_params) = if keys.len() <= LOCKS_MAX {
            (LOCK_FEW, &few[..])
        } else {
            (LOCK_MANY, &many[..])
        };
        let lock = transaction.prepare(lock).await?;
        let find = transaction.prepare(FIND_DATES).await?;
        let find_params: [&(dyn ToSql + Sync); 1] = [&ids];
        // Two statements, sent together: the second sees what was committed while the first waited.
        let (locked, found) = tokio::join!(
            biased;
            transaction.query(&lock, lock_params),
            transaction.query(&find, &find_params),
        );
        locked?;
        let ids = found?
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>();
        ids.map_err(Cause::driver(FIND_DATES.name()))
    }

    /// Which of the rows were stored.
    async fn insert(
        &self,
        transaction: &Transaction<'_>,
        positions: &[usize],
    ) -> Result<HashSet<Uuid>, Cause> {
        let insert = transaction.prepare(INSERT).await?;
        let columns = self.columns(positions);
        let rows = transaction.query(&insert, &columns.params()).await?;
        let ids = rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>();
        ids.map_err(Cause::driver(INSERT.name()))
    }

    /// Refuses unless what is stored under the ids of these events is the same as they are.
    async fn compare(
        &self,
        transaction: &Transaction<'_>,
        positions: &[usize],
    ) -> Result<(), Abort<Conflict>> {
        if positions.is_empty() {
            return Ok(());
        }
        let failed = Cause::driver(COMPARE.name());
        let compare = transaction.prepare(COMPARE).await?;
        let columns = self.columns(positions);
        let rows = transaction.query(&compare, &columns.params()).await?;
        let mut conflict = Conflict {
            positions: Vec::new(),
        };
        for (at, row) in positions.iter().zip(&rows) {
            match row.try_get(0).map_err(&failed)? {
                Some(true) => {}
                Some(false) => conflict.positions.push(*at),
                None => {
                    let what = "an id is taken, and not stored";
                    return Err(Cause::Impossible {
                        statement: COMPARE.name(),
                        what,
                    }
                    .into());
                }
            }
        }
        if conflict.positions.is_empty() {
            Ok(())
        } else {
            Err(Abort::Refused(conflict))
        }
    }
}

/// Folds an id into the second half of a lock's key. Two ids with one key merely queue.
fn lock_key(id: Uuid) -> i32 {
    let bits = id.as_u128().to_ne_bytes();
    let (words, _) = bits.as_chunks::<4>();
    words
        .iter()
        .fold(0, |key, word| key ^ i32::from_ne_bytes(*word))
}
