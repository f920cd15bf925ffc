//! Storing actions: what many senders sent with one statement, each group all or nothing, each action
//! exactly once.
//!
//! The statement is its own transaction. It compares actions whose ids are taken, stores the others of
//! groups without a conflict, and fails as a whole when somebody else takes an id meanwhile; asked
//! again at once, it finds that id taken.

use std::{collections::HashSet, sync::Arc};

use ds_domain::{month::Month, time::utc_date};
use ds_validation::ValidAction;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::{Row, error::SqlState, types::ToSql};

use super::columns::{Columns, fixed_columns, outcome_columns};
use crate::{
    Appended, Repository,
    error::{AppendError, Cause},
    statement::Statement,
};

/// How often a lost race for an id is run again. Who loses has waited for the winner, so that the
/// second time is a surprise already.
const RACES_MAX: u32 = 8;

/// Ids are named in their order before anything is stored: who races for some of them waits for the
/// other one at the first that they have in common, and nobody waits in a circle.
pub(crate) const INSERT: Statement = Statement::new(concat!(
    "-- insert_actions\nWITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::int4[], $2::text[], $3::timestamptz[], $4::int8[], $5::text[],
        $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::timestamptz[], $11::text[],
        $12::text[], $13::text[]::numeric[], $14::text[], $15::jsonb[], $16::text[], $17::jsonb[],
        $18::jsonb[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],
        $24::int4[], $25::text[], $26::bool[], $27::bool[], $28::bool[], $29::jsonb[],
        $30::text[], $31::text[], $32::text[], $33::text[], $34::timestamptz[],
        $35::timestamptz[], $36::int4[], $37::text[], $38::jsonb[], $39::jsonb[],
        $40::text[]::numeric[], $41::jsonb[], $42::timestamptz[], $43::text[], $44::text[],
        $45::timestamptz[], $46::jsonb[])
    WITH ORDINALITY AS given (team, ",
    fixed_columns!("", "", ""),
    ", ",
    outcome_columns!("", "", ""),
    ", position)
), known AS MATERIALIZED (
    SELECT given.position, given.team, t.id, t.created_at, (",
    fixed_columns!("t.", "", ""),
    ") IS NOT DISTINCT FROM (",
    fixed_columns!("given.", "", ""),
    ") AND CASE WHEN t.revision = 0
        THEN (",
    outcome_columns!("t.", "", ""),
    ") IS NOT DISTINCT FROM (",
    outcome_columns!("given.", "", ""),
    ")
        ELSE (",
    outcome_columns!("first.", "", ""),
    ") IS NOT DISTINCT FROM (",
    outcome_columns!("given.", "", ""),
    ") END AS same
    FROM given
    JOIN resource_action_ids n ON n.action_id = given.action_id
    JOIN resource_action_traces t
        ON t.action_id = n.action_id AND t.action_timestamp = n.action_timestamp
    LEFT JOIN resource_action_revisions first
        ON first.action_id = n.action_id AND first.revision = 0
), fresh AS MATERIALIZED (
    SELECT * FROM given
    WHERE position NOT IN (SELECT position FROM known)
        AND team NOT IN (SELECT team FROM known WHERE NOT same)
), named AS (
    INSERT INTO resource_action_ids (action_id, action_timestamp)
    SELECT action_id, action_timestamp FROM fresh ORDER BY action_id RETURNING action_id
), stored AS (
    INSERT INTO resource_action_traces (",
    fixed_columns!("", "", ""),
    ", ",
    outcome_columns!("", "", ""),
    ")\n    SELECT ",
    fixed_columns!("", "", ""),
    ", ",
    outcome_columns!("", "", ""),
    " FROM fresh WHERE action_id IN (SELECT action_id FROM named) ORDER BY position
    RETURNING action_id, id, created_at
)
SELECT known.same, coalesce(known.id, stored.id), coalesce(known.created_at, stored.created_at)
FROM given LEFT JOIN known USING (position) LEFT JOIN stored USING (action_id)
ORDER BY given.position",
));

/// An action that is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ActionKept {
    /// Number of its record.
    pub id: i64,
    /// When the store wrote it.
    pub created_at: Timestamp,
    /// Whether that was now.
    pub appended: Appended,
}

/// What became of a group.
type Answer = Result<Vec<ActionKept>, AppendError>;

/// The groups of one insert, and what became of each.
struct Groups<'g> {
    groups: &'g [&'g [ValidAction]],
    answers: Vec<Option<Answer>>,
}

impl Repository {
    /// Stores each group, all of its actions or none, durably, each action exactly once.
    ///
    /// The answers are in the order of `groups`. Where one is an error nothing of the group was stored,
    /// but after [`StoreError::Unavailable`](crate::error::StoreError::Unavailable) it may have been,
    /// unheard; inserting the same actions again is always safe. Bounded by `flush_timeout`.
    pub async fn insert_actions(&self, groups: &[&[ValidAction]]) -> Vec<Answer> {
        let mut groups = Groups {
            groups,
            answers: vec![None; groups.len()],
        };
        let deadline = Instant::now() + self.settings.flush_timeout;
        loop {
            let wave = groups.wave();
            if wave.is_empty() {
                break;
            }
            let mut sets = vec![wave];
            while let Some(set) = sets.pop() {
                let Err(cause) = self.insert_set(&mut groups, &set, deadline).await else {
                    continue;
                };
                // One of them is at fault, or its month is.
                let is_divided = cause.may_be_row() || cause.may_be_partition();
                match set.split_at(set.len() / 2) {
                    (first, second) if is_divided && !first.is_empty() => {
                        sets.push(second.to_vec());
                        sets.push(first.to_vec());
                    }
                    _ => {
                        let error = self.why_refused(groups.groups, &set, cause).await;
                        groups.fail(&set, &error);
                    }
                }
            }
        }
        let lost = || Err(AppendError::from(lost_answer()));
        let answers = groups.answers.into_iter();
        answers.map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    /// Why the groups of a set that is not divided any more were not stored: where a partition is
    /// missing, of which month.
    async fn why_refused(
        &self,
        groups: &[&[ValidAction]],
        set: &[usize],
        cause: Cause,
    ) -> AppendError {
        if !cause.is_missing_partition() {
            return cause.into();
        }
        let actions = set.iter().flat_map(|group| groups[*group]);
        let months = actions.map(|valid| Month::of(utc_date(valid.action().action_timestamp)));
        match self.uncovered_by_actions(months).await {
            Some(month) => AppendError::Partition {
                month,
                cause: Arc::new(cause),
            },
            // It is there by now.
            None => cause.into(),
        }
    }

    /// Stores the groups of one set, in which no id occurs twice.
    async fn insert_set(
        &self,
        groups: &mut Groups<'_>,
        set: &[usize],
        deadline: Instant,
    ) -> Result<(), Cause> {
        let mut columns = Columns::default();
        let mut teams: Vec<i32> = Vec::new();
        for (team, group) in set.iter().enumerate() {
            for valid in groups.groups[*group] {
                teams.push(i32::try_from(team).unwrap_or(i32::MAX));
                columns.push(valid.action());
            }
        }
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&teams];
        params.extend(columns.params());
        let mut races = 0;
        let rows = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.records.query(INSERT, &params, left).await {
                Err(cause) if is_race(&cause) && races < RACES_MAX => races += 1,
                outcome => break outcome?,
            }
        };
        groups.answer(set, &rows)
    }
}

impl Groups<'_> {
    /// The next groups that can be stored together: those without an answer, but for the ones that
    /// have an id in common with one in front of them.
    fn wave(&mut self) -> Vec<usize> {
        let mut ids = HashSet::new();
        let mut wave = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            if self.answers[index].is_some() {
                continue;
            }
            let own = || group.iter().map(|valid| valid.action().action_id.as_str());
            if own().all(|id| !ids.contains(id)) {
                ids.extend(own());
                wave.push(index);
            }
        }
        wave
    }

    fn answer(&mut self, set: &[usize], rows: &[Row]) -> Result<(), Cause> {
        let mut rows = rows.iter();
        for group in set {
            let length = self.groups[*group].len();
            let own = rows.by_ref().take(length).map(verdict);
            let own = own.collect::<Result<Vec<_>, _>>();
            let own = own.map_err(Cause::driver(INSERT.name()))?;
            let taken = own.iter().enumerate();
            let taken = taken.filter(|(_, verdict)| matches!(verdict, Verdict::Taken));
            let positions: Vec<usize> = taken.map(|(at, _)| at).collect();
            let kept = own.iter().filter_map(|verdict| match verdict {
                Verdict::Kept(kept) => Some(*kept),
                Verdict::Taken | Verdict::LeftOut => None,
            });
            let kept: Vec<ActionKept> = kept.collect();
            if positions.is_empty() && kept.len() != length {
                return Err(lost_answer());
            }
            self.answers[*group] = Some(match positions.is_empty() {
                true => Ok(kept),
                false => Err(AppendError::Conflict { positions }),
            });
        }
        Ok(())
    }

    fn fail(&mut self, set: &[usize], error: &AppendError) {
        for group in set {
            self.answers[*group] = Some(Err(error.clone()));
        }
    }
}

/// What became of one action.
enum Verdict {
    Kept(ActionKept),
    /// Another one has its id.
    Taken,
    /// It was not stored because of another one of its group.
    LeftOut,
}

fn verdict(row: &Row) -> Result<Verdict, tokio_postgres::Error> {
    let same: Option<bool> = row.try_get(0)?;
    let (id, created_at) = (row.try_get(1)?, row.try_get(2)?);
    let appended = match same {
        Some(false) => return Ok(Verdict::Taken),
        Some(true) => Appended::Before,
        None => Appended::Now,
    };
    Ok(match (id, created_at) {
        (Some(id), Some(created_at)) => Verdict::Kept(ActionKept {
            id,
            created_at,
            appended,
        }),
        _ => Verdict::LeftOut,
    })
}

/// Whether somebody else took an id between the look and the insert.
fn is_race(cause: &Cause) -> bool {
    cause.code() == Some(&SqlState::UNIQUE_VIOLATION) || cause.is_lost_race()
}

fn lost_answer() -> Cause {
    Cause::Impossible {
        statement: INSERT.name(),
        what: "an action is neither stored nor known",
    }
}
