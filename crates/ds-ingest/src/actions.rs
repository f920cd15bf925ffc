//! Action traces: recorded once under the names their senders chose, and changed later.
//!
//! They are never parked. A change can only be made to an action that is stored, so that one that
//! waits in a backlog would have to be refused the change, or the change wait behind it, across
//! replicas; and unlike an event an action has a sender that lives until the action has ended, and asks
//! again. So while the store is away they are refused with the wish to come again.

mod commit;

use std::sync::Arc;

use ds_dlq::SharedError;
use ds_domain::{action::StoredAction, time::Clock};
use ds_metrics::{Outcome, Table, catalog};
use ds_repository::{
    Appended, UpdateError,
    error::{InsertError, StoreError},
};
use ds_validation::{Actions, Rejection, ValidAction, parse_action_update, parse_actions};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    Ingest,
    admission::Overloaded,
    outcome::NotAppended,
    port::{ActionStore, Ports},
    screened::{Redacted, Screened},
};

pub(crate) use commit::ActionCommit;

/// Actions that are stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActionsRecorded {
    /// Whether they came as an array.
    pub is_batch: bool,
    /// Each of them, in the order of the request.
    pub actions: Vec<ActionRecorded>,
    /// What was taken out of them.
    pub redacted: Redacted,
}

/// An action that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionUpdated {
    /// What is known now.
    pub stored: StoredAction,
    /// What was taken out of the change.
    pub redacted: Redacted,
}

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActionRecorded {
    /// Number of the record.
    pub id: i64,
    /// The name its sender chose.
    pub action_id: String,
    /// When it was decided on.
    pub action_timestamp: Timestamp,
    /// When the store wrote it.
    pub created_at: Timestamp,
}

/// Why actions were not recorded, or one was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The body is not valid.
    #[error("request is refused")]
    Rejected(#[from] Rejection),
    /// Actions of other content are stored under these ids; positions in the request.
    #[error("action ids are taken by other actions")]
    Taken {
        /// Each position, and the id there.
        taken: Vec<(usize, String)>,
        /// Whether they came as an array.
        is_batch: bool,
    },
    /// There is no such action.
    #[error("action does not exist")]
    Unknown,
    /// The action has come further than the change would have it.
    #[error("action cannot take this step any more")]
    Backward,
    /// The table refuses a row although it passed validation.
    #[error("store refuses the action")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the store said.
        #[source]
        cause: SharedError,
    },
    /// More waits than can be taken.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// It cannot be stored at present; later it may.
    #[error("action was not stored: the store is away")]
    Unavailable(#[source] SharedError),
    /// The store failed in a way that waiting does not mend.
    #[error("action was not stored: the store failed")]
    Internal(#[source] SharedError),
}

impl<P: Ports> Ingest<P> {
    /// Records the action in `body`, or the array of them: all or none. One that is sent again gets
    /// the first answer again. Once polled it must be driven to its end.
    pub async fn record_actions(&self, body: &[u8]) -> Result<ActionsRecorded, ActionError> {
        let now = self.clock().now();
        let (actions, is_batch) = match parse_actions(body, now, &self.limits)? {
            Actions::One(action) => (vec![*action], false),
            Actions::Batch(actions) => (actions, true),
        };
        let actions = Arc::new(actions);
        let started = Instant::now();
        let inserted = self.actions.insert(Arc::clone(&actions)).await;
        let table = match is_batch {
            true => Table::ActionTracesBatch,
            false => Table::ActionTraces,
        };
        catalog::write_duration(table).record(started.elapsed().as_secs_f64());
        let kept = match inserted {
            Ok(kept) => kept,
            Err(ActionError::Taken { taken, .. }) => {
                return Err(ActionError::Taken {
                    taken: named(taken, &actions),
                    is_batch,
                });
            }
            Err(error) => {
                if matches!(
                    error,
                    ActionError::Unavailable(_) | ActionError::Internal(_)
                ) {
                    count(actions.len(), Outcome::Failure);
                }
                return Err(error);
            }
        };
        let pairs = || actions.iter().zip(&kept);
        let fresh = || pairs().filter(|(_, kept)| kept.appended == Appended::Now);
        count(fresh().count(), Outcome::Success);
        Screened::of(fresh().map(|(valid, _)| valid.screening())).count();
        let recorded = pairs().map(|(valid, kept)| ActionRecorded {
            id: kept.id,
            action_id: valid.action().action_id.clone(),
            action_timestamp: valid.action().action_timestamp,
            created_at: kept.created_at,
        });
        Ok(ActionsRecorded {
            is_batch,
            actions: recorded.collect(),
            redacted: Redacted::of(actions.iter().map(ValidAction::screening)),
        })
    }

    /// Changes what became of the action `action_id` as `body` says, and says what is known now. A
    /// change that is made already changes nothing. Once polled it must be driven to its end.
    pub async fn update_action(
        &self,
        action_id: &str,
        body: &[u8],
    ) -> Result<ActionUpdated, ActionError> {
        let valid = parse_action_update(body, &self.limits)?;
        let started = Instant::now();
        let updating = self.store.update_action(action_id, valid.update());
        let updated = self.actions.ask(updating, is_away).await;
        let table = Table::ActionTraces;
        catalog::write_duration(table).record(started.elapsed().as_secs_f64());
        let stored = updated??;
        let screenings = || std::iter::once(valid.screening());
        Screened::of(screenings()).count();
        Ok(ActionUpdated {
            stored,
            redacted: Redacted::of(screenings()),
        })
    }
}

/// The ids at these positions.
fn named(taken: Vec<(usize, String)>, actions: &[ValidAction]) -> Vec<(usize, String)> {
    let name = |(at, _): (usize, String)| Some((at, actions.get(at)?.action().action_id.clone()));
    taken.into_iter().filter_map(name).collect()
}

fn count(actions: usize, outcome: Outcome) {
    let actions = u64::try_from(actions).unwrap_or(u64::MAX);
    catalog::actions(outcome).increment(actions);
}

fn is_away(error: &UpdateError) -> bool {
    matches!(
        error,
        UpdateError::Insert(InsertError::Store(StoreError::Unavailable(_)))
    )
}

impl From<NotAppended> for ActionError {
    fn from(error: NotAppended) -> Self {
        match error {
            NotAppended::Conflict { positions } => Self::Taken {
                taken: positions
                    .into_iter()
                    .map(|at| (at, String::new()))
                    .collect(),
                is_batch: true,
            },
            NotAppended::Refused { column, cause } => Self::Refused { column, cause },
            NotAppended::Partition { cause, .. } | NotAppended::Unavailable(cause) => {
                Self::Unavailable(cause)
            }
            NotAppended::Internal(cause) => Self::Internal(cause),
            NotAppended::Overloaded => Self::Unavailable(Arc::new(crate::outcome::Unasked::Waited)),
        }
    }
}

impl From<UpdateError> for ActionError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Unknown => Self::Unknown,
            UpdateError::Backward => Self::Backward,
            UpdateError::Insert(InsertError::Refused { ref column, .. }) => Self::Refused {
                column: column.clone(),
                cause: Arc::new(error),
            },
            UpdateError::Insert(InsertError::Store(StoreError::Unavailable(_))) => {
                Self::Unavailable(Arc::new(error))
            }
            UpdateError::Insert(InsertError::Store(StoreError::Internal(_))) => {
                Self::Internal(Arc::new(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
