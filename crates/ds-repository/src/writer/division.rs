//! Whose failure a failure is, and what is tried instead.

use std::{collections::BTreeMap, sync::Arc};

use ds_domain::month::Month;
use jiff::civil::Date;

use super::{
    attempt::{self, Failure, Manner, Stage},
    flush::Flush,
    statements::FIND_LOCKED,
};
use crate::{
    error::{AppendError, Cause},
    transaction::Connection,
};

/// How often a transaction is tried that loses against others.
const ATTEMPTS_MAX: u32 = 3;

/// Groups that are stored, or fail, together.
#[derive(Debug)]
struct Set {
    groups: Vec<usize>,
    manner: Manner,
}

/// Answers every group, or fails with what fails all that have no answer yet.
pub(super) async fn store(connection: &mut Connection, flush: &mut Flush<'_>) -> Result<(), Cause> {
    let mut sets = vec![Set {
        groups: flush.open(),
        manner: Manner::Quick,
    }];
    // A failure divides a set into smaller ones, or into ones with a more careful manner, or answers
    // it: this ends.
    while let Some(set) = sets.pop() {
        if let Err(failure) = attempts(connection, flush, &set).await {
            let parts = divide(connection, flush, set, failure).await?;
            // The last is next.
            sets.extend(parts.into_iter().rev());
        }
    }
    Ok(())
}

async fn attempts(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    set: &Set,
) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        let outcome = attempt::run(connection, flush, &set.groups, set.manner).await;
        match &outcome {
            Err(Failure { cause, .. }) if attempt < ATTEMPTS_MAX && cause.is_lost_race() => {
                tracing::debug!(attempt, "Append lost against another transaction");
                attempt += 1;
            }
            Ok(()) | Err(_) => return outcome,
        }
    }
}

/// What to try instead, or nothing when all of the set was answered.
async fn divide(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    set: Set,
    failure: Failure,
) -> Result<Vec<Set>, Cause> {
    let Failure { cause, stage } = failure;
    if cause.is_lost_race() {
        flush.fail(&set.groups, &cause.into());
        return Ok(Vec::new());
    }
    match stage {
        Stage::Ids if cause.may_be_partition() => by_ids(connection, flush, set, cause).await,
        Stage::Rows(month) if cause.may_be_partition() => Ok(by_month(flush, set, month, cause)),
        Stage::Rows(_) if cause.may_be_row() => Ok(halves(flush, set, cause)),
        Stage::Session | Stage::Ids | Stage::Rows(_) => Err(cause),
    }
}

/// Groups whose ids need not be looked for are stored without those whose ids have to be. These wait
/// for the month that cannot be read.
async fn by_ids(
    connection: &mut Connection,
    flush: &mut Flush<'_>,
    set: Set,
    cause: Cause,
) -> Result<Vec<Set>, Cause> {
    let open = set.groups.into_iter().filter(|group| flush.is_open(*group));
    let (chosen, assigned): (Vec<_>, Vec<_>) = open.partition(|group| flush.has_chosen_ids(*group));
    if chosen.is_empty() || assigned.is_empty() {
        let error = match find_locked(connection).await? {
            Some(month) => AppendError::Partition {
                month,
                cause: Arc::new(cause),
            },
            None => cause.into(),
        };
        flush.fail(&chosen, &error);
        flush.fail(&assigned, &error);
        return Ok(Vec::new());
    }
    let manner = set.manner;
    Ok([assigned, chosen]
        .map(|groups| Set { groups, manner })
        .into())
}

/// If it was one month it is the one that failed, else each is tried for itself.
fn by_month(flush: &mut Flush<'_>, set: Set, failed: Option<Month>, cause: Cause) -> Vec<Set> {
    let open: Vec<usize> = set
        .groups
        .into_iter()
        .filter(|group| flush.is_open(*group))
        .collect();
    let is_failed = |group: &usize| flush.month_of(*group) == failed;
    if let Some(month) = failed
        && (open.len() == 1 || open.iter().all(is_failed))
    {
        let cause = Arc::new(cause);
        flush.fail(&open, &AppendError::Partition { month, cause });
        return Vec::new();
    }
    let mut months: BTreeMap<Month, Vec<usize>> = BTreeMap::new();
    let mut sets = Vec::new();
    for group in open {
        match flush.month_of(group) {
            Some(month) => months.entry(month).or_default().push(group),
            None => sets.push(vec![group]),
        }
    }
    sets.extend(months.into_values());
    let manner = Manner::Careful;
    sets.into_iter()
        .map(|groups| Set { groups, manner })
        .collect()
}

/// A group alone is the one that is refused.
fn halves(flush: &mut Flush<'_>, set: Set, cause: Cause) -> Vec<Set> {
    let open: Vec<usize> = set
        .groups
        .into_iter()
        .filter(|group| flush.is_open(*group))
        .collect();
    if open.len() < 2 {
        flush.fail(&open, &cause.into());
        return Vec::new();
    }
    let (first, second) = open.split_at(open.len() / 2);
    let manner = set.manner;
    [first, second]
        .map(|groups| Set {
            groups: groups.to_vec(),
            manner,
        })
        .into()
}

/// A month whose partition is locked by somebody.
async fn find_locked(connection: &mut Connection) -> Result<Option<Month>, Cause> {
    let find = connection.prepare(FIND_LOCKED).await?;
    let rows = connection.query(&find, &[]).await?;
    let day: Option<Date> = rows
        .first()
        .map(|row| row.try_get(0))
        .transpose()
        .map_err(Cause::driver(FIND_LOCKED.name()))?;
    Ok(day.map(Month::of))
}
