//! Workflows for the catalogue: few, and never parked. Which version is the highest is known only to
//! the store, so without it there is nothing to promise.

use ds_dlq::SharedError;
use ds_domain::{
    id::IdSource,
    workflow::{Change, ForbiddenChange, StoredWorkflow},
};
use ds_metrics::{WorkflowOutcome, WorkflowWrite, catalog};
use ds_repository::{
    error::InsertError,
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use ds_validation::{
    Rejection, Rule, ValidWorkflow, Violation, parse_executions, parse_workflow,
    parse_workflow_batch, parse_workflow_change, parse_workflow_disabling, parse_workflow_enabling,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Ingest,
    guard::Unanswered,
    notifications::{NotInserted, is_away},
    port::{Ports, WorkflowStore},
    screened::Screened,
};

/// A workflow that was stored.
#[derive(Clone, Debug)]
pub struct WorkflowRecorded {
    /// The workflow as the store has it.
    pub stored: Box<StoredWorkflow>,
    /// What its author is warned of.
    pub warnings: Vec<Violation>,
}

/// A workflow that is as it was to be.
#[derive(Clone, Debug)]
pub struct WorkflowChanged {
    /// What was to be changed.
    pub change: Change,
    /// What there is now, and whether it was so before.
    pub changed: Changed,
}

/// A way to change what becomes of a workflow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edit {
    /// As the body says.
    Update,
    /// It is disabled.
    Disable,
    /// It is enabled.
    Enable,
}

impl Edit {
    const fn label(self) -> WorkflowWrite {
        match self {
            Self::Update => WorkflowWrite::Update,
            Self::Disable => WorkflowWrite::Disable,
            Self::Enable => WorkflowWrite::Enable,
        }
    }
}

/// Why a workflow was not recorded, changed or counted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The body is not valid.
    #[error("request is refused")]
    Rejected(#[from] Rejection),
    /// Its name has this version already.
    #[error("version is stored already")]
    Taken {
        /// The name.
        workflow_name: String,
        /// The version.
        version: String,
        /// The workflow that has it.
        workflow_id: Uuid,
        /// Whether it is the same.
        is_identical: bool,
    },
    /// There is no such workflow.
    #[error("workflow does not exist")]
    Unknown,
    /// Its status does not allow the change.
    #[error("change is not allowed")]
    Forbidden(#[source] ForbiddenChange),
    /// A report of this name says something else.
    #[error("report is stored already")]
    ReportTaken {
        /// The name.
        execution_id: String,
    },
    /// The counters of the workflow cannot hold so many more runs.
    #[error("counters are full")]
    CountersFull,
    /// The table refuses what passed validation.
    #[error("store refuses the record")]
    Refused {
        /// The column or constraint it names.
        column: Option<String>,
        /// What the store said.
        #[source]
        cause: SharedError,
    },
    /// The store cannot take it now; later it may.
    #[error("workflow was not stored: the store is away")]
    Unavailable(#[source] SharedError),
    /// The store failed in a way that waiting does not mend.
    #[error("workflow was not stored: the store failed")]
    Internal(#[source] SharedError),
}

impl<P: Ports> Ingest<P> {
    /// Stores the workflow in `body`. Once polled it must be driven to its end.
    pub async fn record_workflow(&self, body: &[u8]) -> Result<WorkflowRecorded, WorkflowError> {
        let operation = WorkflowWrite::Create;
        let recording = async {
            let valid = parse_workflow(body, &self.limits)?;
            let mut recorded = self.create(vec![valid]).await?;
            // One for each.
            recorded.pop().unwrap_or(Err(WorkflowError::Unknown))
        };
        let recorded = timed(operation, recording).await;
        count(operation, &recorded);
        recorded
    }

    /// Stores the workflows in the array `body`, each for itself. Once polled it must be driven to its
    /// end.
    pub async fn record_workflows(
        &self,
        body: &[u8],
    ) -> Result<Vec<Result<WorkflowRecorded, WorkflowError>>, WorkflowError> {
        let operation = WorkflowWrite::CreateInBatch;
        let recording = async {
            let parsed = parse_workflow_batch(body, &self.limits)?;
            let (mut valid, mut places) = (Vec::new(), Vec::with_capacity(parsed.len()));
            for item in parsed {
                places.push(match item {
                    Ok(workflow) => {
                        valid.push(workflow);
                        None
                    }
                    Err(violations) => Some(WorkflowError::Rejected(violations.into())),
                });
            }
            let mut recorded = self.create(valid).await?.into_iter();
            let places = places.into_iter();
            let filled = places.map(|refused| match refused {
                Some(error) => Err(error),
                None => recorded.next().unwrap_or(Err(WorkflowError::Unknown)),
            });
            Ok(filled.collect::<Vec<_>>())
        };
        let recorded = timed(operation, recording).await;
        match &recorded {
            Ok(each) => each.iter().for_each(|one| count(operation, one)),
            Err(_) => count(operation, &recorded),
        }
        recorded
    }

    /// Changes what becomes of a workflow, as `body` says. Once polled it must be driven to its end.
    pub async fn change_workflow(
        &self,
        workflow_id: Uuid,
        edit: Edit,
        body: &[u8],
    ) -> Result<WorkflowChanged, WorkflowError> {
        let changing = async {
            let change = match edit {
                Edit::Update => parse_workflow_change(body, &self.limits)?,
                Edit::Disable => parse_workflow_disabling(body, &self.limits)?,
                Edit::Enable => parse_workflow_enabling(body, &self.limits)?,
            };
            let asking = self.store.change_workflow(workflow_id, &change);
            let is_away =
                |error: &NotChanged| matches!(error, NotChanged::Insert(error) if is_away(error));
            let changed = self.workflows.ask(asking, is_away).await?;
            Ok(WorkflowChanged { change, changed })
        };
        let changed = timed(edit.label(), changing).await;
        count(edit.label(), &changed);
        changed
    }

    /// Adds the runs in `body` to the counters of a workflow. Once polled it must be driven to its end.
    pub async fn count_executions(
        &self,
        workflow_id: Uuid,
        body: &[u8],
    ) -> Result<Box<StoredWorkflow>, WorkflowError> {
        let operation = WorkflowWrite::CountExecutions;
        let counting = async {
            let executions = parse_executions(body, &self.limits)?;
            let asking = self.store.count_executions(workflow_id, &executions);
            match self.workflows.ask(asking, is_away).await? {
                Counted::Now(stored) | Counted::Before(stored) => Ok(stored),
                Counted::Taken => Err(WorkflowError::ReportTaken {
                    execution_id: executions.execution_id.unwrap_or_default(),
                }),
                Counted::Full => Err(WorkflowError::CountersFull),
                Counted::Unknown => Err(WorkflowError::Unknown),
            }
        };
        let counted = timed(operation, counting).await;
        count(operation, &counted);
        counted
    }

    /// Gives each workflow an id and stores them.
    async fn create(
        &self,
        valid: Vec<ValidWorkflow>,
    ) -> Result<Vec<Result<WorkflowRecorded, WorkflowError>>, WorkflowError> {
        let identify = |valid| NewWorkflow {
            workflow_id: self.ids().next_id(),
            valid,
        };
        let new: Vec<NewWorkflow> = valid.into_iter().map(identify).collect();
        let asking = self.store.create_workflows(&new);
        let created = self.workflows.ask(asking, is_away).await?;
        let each = created.into_iter().zip(new);
        Ok(each.map(|(created, new)| recorded(created, new)).collect())
    }
}

fn recorded(created: Created, new: NewWorkflow) -> Result<WorkflowRecorded, WorkflowError> {
    match created {
        Created::Now { stored, is_guess } => {
            let mut warnings = new.valid.warnings().to_vec();
            warnings.extend(is_guess.then(guessed));
            for warning in &warnings {
                catalog::workflow_warnings(warning.rule.as_str()).increment(1);
            }
            Screened::of(std::iter::once(new.valid.screening())).count();
            Ok(WorkflowRecorded { stored, warnings })
        }
        Created::Taken {
            workflow_id,
            is_identical,
        } => Err(WorkflowError::Taken {
            workflow_name: new.workflow().workflow_name.clone(),
            version: new.workflow().version.clone(),
            workflow_id,
            is_identical,
        }),
        Created::Refused(error) => Err(error.into()),
    }
}

/// What is said of a version that is on top only because it came last.
fn guessed() -> Violation {
    let message = "version does not say that it is higher than the one that was the highest before";
    Violation::of_field("version", Rule::VersionOrder, message)
}

/// Does something, and measures how long it takes.
async fn timed<T>(operation: WorkflowWrite, doing: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = doing.await;
    catalog::workflow_write_duration(operation).record(started.elapsed().as_secs_f64());
    done
}

fn count<T>(operation: WorkflowWrite, outcome: &Result<T, WorkflowError>) {
    let status = match outcome {
        Ok(_) => WorkflowOutcome::Success,
        Err(error) => error.outcome(),
    };
    catalog::workflow_writes(operation, status).increment(1);
}

impl WorkflowError {
    fn outcome(&self) -> WorkflowOutcome {
        match self {
            Self::Rejected(_) | Self::Unknown | Self::Refused { .. } => WorkflowOutcome::Refused,
            Self::Taken { .. }
            | Self::Forbidden(_)
            | Self::ReportTaken { .. }
            | Self::CountersFull => WorkflowOutcome::Conflict,
            Self::Unavailable(_) | Self::Internal(_) => WorkflowOutcome::Failure,
        }
    }
}

impl From<InsertError> for WorkflowError {
    fn from(error: InsertError) -> Self {
        match error.into() {
            NotInserted::Refused { column, cause } => Self::Refused { column, cause },
            NotInserted::Unavailable(cause) => Self::Unavailable(cause),
            NotInserted::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<NotChanged> for WorkflowError {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::Unknown => Self::Unknown,
            NotChanged::Forbidden(forbidden) => Self::Forbidden(forbidden),
            NotChanged::Insert(error) => error.into(),
        }
    }
}

impl<E: Into<Self>> From<Unanswered<E>> for WorkflowError {
    fn from(unanswered: Unanswered<E>) -> Self {
        match unanswered {
            Unanswered::Unasked(cause) => Self::Unavailable(cause),
            Unanswered::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
