//! One attempt to store a set of groups.
//!
//! The primary key has to contain the partition key, so it keeps an id from being stored twice under
//! one date, not under two. Ids we assign are new and belong to one event; for ids a sender chose,
//! writers of the same id queue on an advisory lock, and who comes later looks for the id under every
//! date. An id that is there already is no error when the event is the same: that is a sender, or a
//! replay, that did not hear our first answer.

use std::collections::{HashMap, HashSet};

use ds_domain::{event::StoredEvent, month::Month};
use tokio_postgres::{Row as Answered, types::ToSql};
use uuid::Uuid;

use super::{
    columns::Columns,
    flush::{Flush, Row},
    statements::{COMPARE, INSERT, LOCK_FEW, LOCK_MANY},
};
use crate::{
    Appended,
    error::{AppendError, Cause},
    read::{FIND_DATES, FIND_EVENTS},
    row,
    transaction::{Connection, Patience},
};

/// Rows of one INSERT. Beyond some hundred the throughput was flat, and only the latency grew.
const ROWS_MAX: usize = 500;

/// Most ids that are locked one by one. The server's lock table is shared by all sessions and has
/// room for some thousand locks.
const LOCKS_MAX: usize = 256;

/// Most stored events that are read at once to be compared here: each may be as large as a body.
const LOOKS_MAX: usize = 16;

/// First half of the keys of our advisory locks ("DSid"): the lock of one id.
const LOCK_ID: i32 = 0x4453_6964;
/// And of the lock over all ids, shared by those who lock single ones ("DSal").
const LOCK_ALL: i32 = 0x4453_616c;

/// How an attempt goes about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    /// In as few statements as possible.
    Quick,
    /// So that a partition that fails is known by its month: no statement stores into two. What had
    /// to be waited for before is not waited for as long again.
    Careful,
}

/// Where an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Wherever it concerns all.
    Session,
    /// Looking for ids, in all partitions.
    Ids,
    /// Storing rows; their month, if it was one.
    Rows(Option<Month>),
}

/// Why nothing was stored of groups that have no answer yet.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    pub(super) stage: Stage,
}

impl Stage {
    fn failed(self) -> impl Fn(Cause) -> Failure {
        move |cause| Failure { cause, stage: self }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        let stage = Stage::Session;
        Self { cause, stage }
    }
}

/// Answers all of `groups`, or fails with nothing stored of those that have no answer then.
pub(super) async fn run(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    groups: &[usize],
    manner: Manner,
) -> Result<(), Failure> {
    loop {
        let mut rows = flush.rows(groups);
        if rows.is_empty() {
            return Ok(());
        }
        let outcome = if manner == Manner::Quick && are_independent(flush, &rows) {
            rows.sort_unstable_by_key(|row| row.id());
            store_each(connection, flush, &rows).await
        } else {
            store_together(connection, flush, rows, manner).await
        };
        if let Err(mut failure) = outcome {
            if connection.rollback().await.is_err() {
                failure.stage = Stage::Session;
            }
            return Err(failure);
        }
    }
}

/// Whether each row may be stored whatever becomes of the others.
fn are_independent(flush: &Flush<'_>, rows: &[Row<'_>]) -> bool {
    let mut ids = HashSet::with_capacity(rows.len());
    rows.iter().all(|row| {
        let is_new = !row.new.sender_chose_id() && ids.insert(row.id());
        is_new && is_alone(flush, row)
    })
}

/// Stores with one statement that is its own transaction: one round trip.
async fn store_each(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    rows: &[Row<'_>],
) -> Result<(), Failure> {
    let insert = connection.prepare(INSERT).await?;
    let columns = columns(rows);
    let stored = connection.query(&insert, &columns.params()).await;
    let stored = stored.map_err(Stage::Rows(month_of(rows)).failed())?;
    let missing = missing(rows, &stored)?;
    // What was stored is answered first: whatever happens next is about the others.
    let waiting: HashSet<usize> = missing.iter().map(|row| row.group).collect();
    for row in rows.iter().filter(|row| !waiting.contains(&row.group)) {
        flush.answer(row.group, Ok(vec![Appended::Now]));
    }
    let conflicts = compare(connection, &missing).await?;
    refuse(flush, &conflicts);
    for row in &missing {
        flush.answer(row.group, Ok(vec![Appended::Before]));
    }
    Ok(())
}

/// Stores in one transaction: two round trips, if every event is new.
///
/// Leaves groups without an answer when it had to roll back because of one of them; that one has
/// its answer.
async fn store_together(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    mut rows: Vec<Row<'_>>,
    manner: Manner,
) -> Result<(), Failure> {
    let taken = find_taken(connection, &rows, manner).await?;
    let (mut known, rest): (Vec<Row<'_>>, _) =
        rows.iter().partition(|row| taken.contains(&row.id()));
    rows = rest;
    let conflicts = compare(connection, &known).await?;
    if !conflicts.is_empty() {
        refuse(flush, &conflicts);
        rows.retain(|row| flush.is_open(row.group));
        known.retain(|row| flush.is_open(row.group));
    }
    // An id that occurs twice is stored once and compared after that.
    let mut seen = HashSet::with_capacity(rows.len());
    let (fresh, again): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| seen.insert(row.id()));
    let chunks = chunks(fresh, manner);
    let is_last = chunks.len() == 1
        && again.is_empty()
        && chunks.iter().flatten().all(|row| is_alone(flush, row));
    let mut missing = Vec::new();
    for chunk in &chunks {
        missing.extend(insert(connection, chunk, manner, is_last).await?);
    }
    // Those that occur again last: only now it is certain that the first ones stay.
    for doubtful in [missing, again] {
        let conflicts = compare(connection, &doubtful).await?;
        refuse(flush, &conflicts);
        if conflicts.iter().any(|row| !is_alone(flush, row)) {
            return Ok(connection.rollback().await?);
        }
        known.extend(doubtful);
    }
    if connection.is_in_transaction() {
        connection.commit().await?;
    }
    let stored = chunks.iter().flatten().chain(&known);
    let groups: HashSet<usize> = stored.map(|row| row.group).collect();
    for group in groups {
        flush.stored(group, &known);
    }
    Ok(())
}

/// Whether nothing else has to be taken back if the row is refused.
fn is_alone(flush: &Flush<'_>, row: &Row<'_>) -> bool {
    flush.group(row.group).len() == 1
}

/// Which of the ids that senders chose are stored, under whatever date. Nobody else stores the
/// others before this transaction ends.
async fn find_taken(
    connection: &mut Connection,
    rows: &[Row<'_>],
    manner: Manner,
) -> Result<HashSet<Uuid>, Failure> {
    let chosen = rows.iter().filter(|row| row.new.sender_chose_id());
    let ids: Vec<Uuid> = chosen.map(|row| row.id()).collect();
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
    let lock = connection.prepare(lock).await?;
    let find = connection.prepare(FIND_DATES).await?;
    let find_params: [&(dyn ToSql + Sync); 1] = [&ids];
    // Two statements, sent together: the second sees what was committed while the first waited.
    let both = async {
        tokio::join!(
            biased;
            connection.query(&lock, lock_params),
            connection.query(&find, &find_params),
        )
    };
    let (locked, found) = connection.begin_with(patience(manner), both).await?;
    locked.map_err(Stage::Ids.failed())?;
    let found = found.map_err(Stage::Ids.failed())?;
    let ids = found.iter().map(|row| row.try_get(0));
    let ids = ids.collect::<Result<_, _>>();
    Ok(ids.map_err(Cause::driver(FIND_DATES.name()))?)
}

/// Stores what can be, and returns the rows whose key is taken.
async fn insert<'g>(
    connection: &mut Connection,
    rows: &[Row<'g>],
    manner: Manner,
    commits: bool,
) -> Result<Vec<Row<'g>>, Failure> {
    let insert = connection.prepare(INSERT).await?;
    let columns = columns(rows);
    let params = columns.params();
    let stored = if !connection.is_in_transaction() {
        let inserting = connection.query(&insert, &params);
        connection.begin_with(patience(manner), inserting).await?
    } else if commits {
        connection.query_and_commit(&insert, &params).await
    } else {
        connection.query(&insert, &params).await
    };
    let stored = stored.map_err(Stage::Rows(month_of(rows)).failed())?;
    Ok(missing(rows, &stored)?)
}

/// The rows under whose id something else is stored than they are.
async fn compare<'g>(
    connection: &mut Connection,
    rows: &[Row<'g>],
) -> Result<Vec<Row<'g>>, Failure> {
    let different = different(connection, rows).await?;
    let mut conflicts = Vec::new();
    for chunk in different.chunks(LOOKS_MAX) {
        let find = connection.prepare(FIND_EVENTS).await?;
        let ids: Vec<Uuid> = chunk.iter().map(|row| row.id()).collect();
        let params: [&(dyn ToSql + Sync); 1] = [&ids];
        let found = connection.query(&find, &params).await;
        let found = found.map_err(Stage::Ids.failed())?;
        let stored = found.iter().map(|found| row::event(found, 0));
        let stored: Vec<StoredEvent> = stored
            .collect::<Result<_, _>>()
            .map_err(Cause::driver(FIND_EVENTS.name()))?;
        conflicts.extend(chunk.iter().copied().filter(|row| {
            let mut same_id = stored.iter().filter(|old| old.event.event_id == row.id());
            !same_id.any(|old| row.new.repeats(&old.event))
        }));
    }
    Ok(conflicts)
}

/// The rows that the store does not take for what is stored under their ids. They may still be the
/// same events: what was done to one when it was stored may not be what is done today.
async fn different<'g>(
    connection: &mut Connection,
    rows: &[Row<'g>],
) -> Result<Vec<Row<'g>>, Failure> {
    let mut different = Vec::new();
    for chunk in rows.chunks(ROWS_MAX) {
        let compare = connection.prepare(COMPARE).await?;
        let columns = claims(chunk);
        let verdicts = connection.query(&compare, &columns.params()).await;
        let verdicts = verdicts.map_err(Stage::Ids.failed())?;
        for (row, verdict) in chunk.iter().zip(&verdicts) {
            let same = verdict.try_get(0);
            match same.map_err(Cause::driver(COMPARE.name()))? {
                Some(true) => {}
                Some(false) => different.push(*row),
                None => {
                    return Err(Failure::from(Cause::Impossible {
                        statement: COMPARE.name(),
                        what: "an id is taken, and not stored",
                    }));
                }
            }
        }
    }
    Ok(different)
}

/// Refuses the groups of `conflicts`.
fn refuse(flush: &mut Flush<'_>, conflicts: &[Row<'_>]) {
    let mut positions: HashMap<usize, Vec<usize>> = HashMap::new();
    for row in conflicts {
        positions.entry(row.group).or_default().push(row.position);
    }
    for (group, mut positions) in positions {
        positions.sort_unstable();
        flush.answer(group, Err(AppendError::Conflict { positions }));
    }
}

/// Those of `rows` whose ids an INSERT did not return.
fn missing<'g>(rows: &[Row<'g>], stored: &[Answered]) -> Result<Vec<Row<'g>>, Cause> {
    if stored.len() == rows.len() {
        return Ok(Vec::new());
    }
    let ids = stored.iter().map(|row| row.try_get(0));
    let ids = ids.collect::<Result<HashSet<Uuid>, _>>();
    let ids = ids.map_err(Cause::driver(INSERT.name()))?;
    let missing = rows.iter().filter(|row| !ids.contains(&row.id()));
    Ok(missing.copied().collect())
}

/// Rows that one INSERT stores. In the order of their ids: two writers of the same events wait for
/// one another, but not in a circle.
fn chunks(mut rows: Vec<Row<'_>>, manner: Manner) -> Vec<Vec<Row<'_>>> {
    let months: Vec<&[Row<'_>]> = match manner {
        Manner::Quick => {
            rows.sort_unstable_by_key(|row| row.id());
            vec![&rows]
        }
        Manner::Careful => {
            rows.sort_unstable_by_key(|row| (row.month(), row.id()));
            rows.chunk_by(|a, b| a.month() == b.month()).collect()
        }
    };
    let chunks = months.into_iter().flat_map(|rows| rows.chunks(ROWS_MAX));
    chunks.map(<[_]>::to_vec).collect()
}

fn columns<'g>(rows: &[Row<'g>]) -> Columns<'g> {
    rows.iter().map(|row| row.event()).collect()
}

/// What the senders of `rows` say of them. The trace of the request that brought one is none of it.
fn claims<'g>(rows: &[Row<'g>]) -> Columns<'g> {
    let mut columns = columns(rows);
    for (at, row) in rows.iter().enumerate() {
        if row.new.trace_is_propagated() {
            columns.forget_trace(at);
        }
    }
    columns
}

/// The month of all of `rows`, if it is one.
fn month_of(rows: &[Row<'_>]) -> Option<Month> {
    let month = rows.first()?.month();
    rows.iter().all(|row| row.month() == month).then_some(month)
}

fn patience(manner: Manner) -> Patience {
    match manner {
        Manner::Quick => Patience::Usual,
        Manner::Careful => Patience::Short,
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
