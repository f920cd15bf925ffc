//! New versions: each is stored, or its name is taken.

use std::collections::{BTreeMap, HashMap, HashSet};

use ds_domain::workflow::{StoredWorkflow, Workflow, version};
use ds_validation::ValidWorkflow;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Locked,
    columns::{Candidate, Columns},
    in_order,
    row::stored,
    statements::{COMPARE, INSERT, UNMARK},
};
use crate::{
    Repository,
    error::{Cause, Class, InsertError},
    pool::within,
};

/// A workflow that is to be stored, with the id it gets.
#[derive(Clone, Debug)]
pub struct NewWorkflow {
    /// The id.
    pub workflow_id: Uuid,
    /// The workflow.
    pub valid: ValidWorkflow,
}

impl NewWorkflow {
    /// The workflow.
    pub fn workflow(&self) -> &Workflow {
        self.valid.workflow()
    }
}

/// What became of a new workflow.
#[derive(Clone, Debug)]
pub enum Created {
    /// It was stored now.
    Now {
        /// As it is stored.
        stored: Box<StoredWorkflow>,
        /// Whether it is on top of its name only because it came last.
        is_guess: bool,
    },
    /// Its name has this version already.
    Taken {
        /// The workflow that has it.
        workflow_id: Uuid,
        /// Whether it is the same.
        is_identical: bool,
    },
    /// The table refuses it, but not the others that were to be stored with it.
    Refused(InsertError),
}

fn is_refusal(cause: &Cause) -> bool {
    matches!(cause.class(), Class::Refused(_))
}

impl Repository {
    /// Stores workflows durably, in one transaction, each unless its name has this version already.
    /// The answers are in their order. Bounded by `flush_timeout`, several by `append_timeout`.
    pub async fn create_workflows(
        &self,
        workflows: &[NewWorkflow],
    ) -> Result<Vec<Created>, InsertError> {
        if workflows.is_empty() {
            return Ok(Vec::new());
        }
        let budget = self.catalogue_budget(workflows.len());
        let creating = Box::pin(async {
            match Box::pin(self.create_together(workflows)).await {
                Err(cause) if workflows.len() > 1 && is_refusal(&cause) => {
                    Box::pin(self.create_each(workflows)).await
                }
                outcome => outcome,
            }
        });
        Ok(within(INSERT.name(), budget, creating).await??)
    }

    /// Stores workflows one by one: the table refuses one of them, and the others are none the worse.
    async fn create_each(&self, workflows: &[NewWorkflow]) -> Result<Vec<Created>, Cause> {
        let mut fates = Vec::with_capacity(workflows.len());
        for new in workflows {
            match Box::pin(self.create_together(std::slice::from_ref(new))).await {
                Ok(created) => fates.extend(created),
                Err(cause) if is_refusal(&cause) => fates.push(Created::Refused(cause.into())),
                Err(cause) => return Err(cause),
            }
        }
        Ok(fates)
    }

    async fn create_together(&self, workflows: &[NewWorkflow]) -> Result<Vec<Created>, Cause> {
        let names: Vec<&str> = workflows
            .iter()
            .map(|new| new.workflow().workflow_name.as_str())
            .collect();
        let locked = Box::pin(Locked::of(self, &names)).await?;
        let mut plan = Plan::of(workflows, &locked);
        let taken = match plan.taken.is_empty() {
            true => Vec::new(),
            false => Box::pin(compare(&locked, &plan.taken)).await?,
        };
        let mut stored = match plan.candidates.is_empty() {
            true => {
                locked.transaction.rollback().await?;
                HashMap::new()
            }
            false => Box::pin(insert(&locked, &plan)).await?,
        };
        plan.fates
            .drain(..)
            .map(|fate| match fate {
                Fate::Stored(at) => plan.candidates.get(at).and_then(|candidate| {
                    let stored = stored.remove(&candidate.new.workflow_id)?;
                    Some(Created::Now {
                        stored: Box::new(stored),
                        is_guess: candidate.is_guess,
                    })
                }),
                Fate::Taken(at) => taken.get(at).cloned(),
                Fate::Repeated {
                    first,
                    is_identical,
                } => Some(Created::Taken {
                    workflow_id: first,
                    is_identical,
                }),
            })
            .collect::<Option<_>>()
            .ok_or(Cause::Impossible {
                statement: INSERT.name(),
                what: "fewer workflows than were stored",
            })
    }
}

/// What is to become of each workflow.
enum Fate {
    /// It is stored; position in [`Plan::candidates`].
    Stored(usize),
    /// The table has its name and version; position in [`Plan::taken`].
    Taken(usize),
    /// Another one of the request has them.
    Repeated { first: Uuid, is_identical: bool },
}

/// What is to be done.
struct Plan<'w> {
    fates: Vec<Fate>,
    candidates: Vec<Candidate<'w>>,
    taken: Vec<Candidate<'w>>,
    /// Versions that are the latest, or the one that a search finds, no longer.
    not_latest: Vec<Uuid>,
    not_search: Vec<Uuid>,
}

impl<'w> Plan<'w> {
    fn of(workflows: &'w [NewWorkflow], locked: &Locked) -> Self {
        let mut plan = Self {
            fates: Vec::with_capacity(workflows.len()),
            candidates: Vec::new(),
            taken: Vec::new(),
            not_latest: Vec::new(),
            not_search: Vec::new(),
        };
        let entries = locked.entries.iter();
        let stored: HashSet<(&str, &str)> = entries
            .map(|entry| (&*entry.workflow_name, &*entry.version))
            .collect();
        let mut firsts: HashMap<(&str, &str), &NewWorkflow> = HashMap::new();
        for new in workflows {
            let workflow = new.workflow();
            let key = (&*workflow.workflow_name, &*workflow.version);
            let fate = if stored.contains(&key) {
                plan.taken.push(Candidate::new(new));
                Fate::Taken(plan.taken.len() - 1)
            } else if let Some(first) = firsts.get(&key) {
                Fate::Repeated {
                    first: first.workflow_id,
                    is_identical: first.workflow() == workflow,
                }
            } else {
                firsts.insert(key, new);
                plan.candidates.push(Candidate::new(new));
                Fate::Stored(plan.candidates.len() - 1)
            };
            plan.fates.push(fate);
        }
        plan.mark(locked);
        plan
    }

    /// Finds out which versions are on top, of each name that gets one.
    fn mark(&mut self, locked: &Locked) {
        let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, candidate) in self.candidates.iter().enumerate() {
            let name = candidate.new.workflow().workflow_name.as_str();
            names.entry(name).or_default().push(at);
        }
        for (name, added) in names {
            let entries = locked.entries.iter();
            let old: Vec<_> = entries.filter(|it| it.workflow_name == name).collect();
            let before = old.iter().map(|entry| (&*entry.version, entry.status));
            let after = added.iter().filter_map(|at| {
                let workflow = self.candidates.get(*at)?.new.workflow();
                Some((&*workflow.version, workflow.status))
            });
            let versions: Vec<_> = before.chain(after).collect();
            let top = version::top(versions.iter().copied());
            for (at, entry) in old.iter().enumerate() {
                if entry.is_latest && top.latest != Some(at) {
                    self.not_latest.push(entry.workflow_id);
                }
                if entry.is_search && top.search != Some(at) {
                    self.not_search.push(entry.workflow_id);
                }
            }
            for (behind, at) in added.into_iter().enumerate() {
                let at_all = old.len() + behind;
                let Some(candidate) = self.candidates.get_mut(at) else {
                    continue;
                };
                candidate.is_latest = top.latest == Some(at_all);
                candidate.is_search = top.search == Some(at_all);
                let is_on_top = candidate.is_latest || candidate.is_search;
                let arrived = versions.get(..=at_all).unwrap_or_default();
                candidate.is_guess = is_on_top && version::is_guess(arrived);
            }
        }
    }
}

/// Compares what is to be stored with what has its name and version.
async fn compare(locked: &Locked, taken: &[Candidate<'_>]) -> Result<Vec<Created>, Cause> {
    let statement = locked.prepare(COMPARE).await?;
    let columns: Columns<'_> = taken.iter().collect();
    let rows = locked
        .transaction
        .query(&statement, &columns.params())
        .await?;
    let read = |row: &Row| {
        Ok(Created::Taken {
            workflow_id: row.try_get(0)?,
            is_identical: row.try_get(1)?,
        })
    };
    // Each of them has exactly one row: that is why it is here.
    let compared = rows.iter().map(read).collect::<Result<_, _>>();
    compared.map_err(Cause::driver(COMPARE.name()))
}

/// Stores the candidates and commits, in one round trip.
async fn insert(locked: &Locked, plan: &Plan<'_>) -> Result<HashMap<Uuid, StoredWorkflow>, Cause> {
    let unmark = locked.prepare(UNMARK).await?;
    let statement = locked.prepare(INSERT).await?;
    let columns: Columns<'_> = plan.candidates.iter().collect();
    let params = columns.params();
    let marks: [&(dyn ToSql + Sync); 2] = [&plan.not_latest, &plan.not_search];
    let transaction = &locked.transaction;
    let inserting = in_order(
        transaction.query(&unmark, &marks),
        transaction.query(&statement, &params),
    );
    let (_, rows) = transaction.commit_with(inserting).await?;
    let stored = rows.iter().map(|row| {
        let stored = stored(row, 0)?;
        Ok((stored.workflow_id, stored))
    });
    let stored = stored.collect::<Result<_, tokio_postgres::Error>>();
    stored.map_err(Cause::driver(INSERT.name()))
}
