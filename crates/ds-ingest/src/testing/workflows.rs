//! The workflows of the store in memory: what the write path can see of a catalogue. Which version is
//! the highest is not.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use ds_domain::{
    json::JsonObject,
    workflow::{Change, Executions, Lifecycle, Rate, StoredWorkflow, Workflow, version},
};
use ds_repository::{
    error::InsertError,
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{MemoryStore, Mood, cause, check};
use crate::port::WorkflowStore;

/// Workflows, and the reports about them that have a name.
#[derive(Default)]
pub(super) struct Catalogue {
    workflows: HashMap<Uuid, (Workflow, StoredWorkflow)>,
    reports: HashMap<(Uuid, String), Executions>,
}

impl MemoryStore {
    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        let catalogue = self.0.catalogue.lock();
        catalogue.unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkflowStore for MemoryStore {
    async fn create_workflows(
        &self,
        workflows: &[NewWorkflow],
    ) -> Result<Vec<Created>, InsertError> {
        check_insert(self.mood().await)?;
        let mut catalogue = self.catalogue();
        let mut create = |new: &NewWorkflow| {
            let workflow = new.workflow();
            let mut all = catalogue.workflows.iter();
            let taken = all.find(|(_, (old, _))| {
                (&old.workflow_name, &old.version) == (&workflow.workflow_name, &workflow.version)
            });
            if let Some((id, (old, _))) = taken {
                return Created::Taken {
                    workflow_id: *id,
                    is_identical: old == workflow,
                };
            }
            let of_name = catalogue.workflows.values();
            let of_name = of_name.filter(|(old, _)| old.workflow_name == workflow.workflow_name);
            let mut versions: Vec<_> = of_name
                .map(|(old, _)| (&*old.version, old.status))
                .collect();
            versions.push((&*workflow.version, workflow.status));
            // In no order, which is of no matter as long as there is one to compare with.
            let is_guess = version::is_guess(&versions);
            let stored = stored(new.workflow_id, workflow);
            let row = (workflow.clone(), stored.clone());
            catalogue.workflows.insert(new.workflow_id, row);
            Created::Now {
                stored: Box::new(stored),
                is_guess,
            }
        };
        Ok(workflows.iter().map(&mut create).collect())
    }

    async fn change_workflow(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> Result<Changed, NotChanged> {
        check_insert(self.mood().await)?;
        let mut catalogue = self.catalogue();
        let (_, workflow) = catalogue
            .workflows
            .get_mut(&workflow_id)
            .ok_or(NotChanged::Unknown)?;
        let next = workflow.lifecycle.changed(change);
        let next = next.map_err(NotChanged::Forbidden)?;
        if next == workflow.lifecycle {
            return Ok(Changed::Before(Box::new(workflow.clone())));
        }
        workflow.lifecycle = next;
        Ok(Changed::Now(Box::new(workflow.clone())))
    }

    async fn count_executions(
        &self,
        workflow_id: Uuid,
        executions: &Executions,
    ) -> Result<Counted, InsertError> {
        check_insert(self.mood().await)?;
        let mut catalogue = self.catalogue();
        let Catalogue { workflows, reports } = &mut *catalogue;
        let Some((_, workflow)) = workflows.get_mut(&workflow_id) else {
            return Ok(Counted::Unknown);
        };
        if let Some(name) = executions.execution_id.clone() {
            let key = (workflow_id, name);
            if let Some(old) = reports.get(&key) {
                return Ok(match old == executions {
                    true => Counted::Before(Box::new(workflow.clone())),
                    false => Counted::Taken,
                });
            }
        }
        let Some(total) = workflow.total_executions.checked_add(executions.count) else {
            return Ok(Counted::Full);
        };
        if let Some(name) = executions.execution_id.clone() {
            reports.insert((workflow_id, name), executions.clone());
        }
        workflow.total_executions = total;
        workflow.successful_executions += executions.successful;
        let (all, good) = (i64::from(total), i64::from(workflow.successful_executions));
        let rate = i32::try_from(good * 1_000 / all).ok();
        workflow.actual_success_rate = rate.and_then(Rate::from_thousandths);
        Ok(Counted::Now(Box::new(workflow.clone())))
    }
}

fn stored(workflow_id: Uuid, new: &Workflow) -> StoredWorkflow {
    let nothing = || JsonObject::from_checked_text("{}");
    let new = new.clone();
    StoredWorkflow {
        workflow_id,
        workflow_name: new.workflow_name,
        version: new.version,
        name: new.name,
        description: new.description,
        owner: new.owner,
        maintainer: new.maintainer,
        content: new.content,
        content_hash: new.content_hash,
        parameters: new.parameters,
        execution_engine: new.execution_engine,
        container_image: new.container_image,
        container_digest: new.container_digest,
        labels: nothing(),
        custom_labels: nothing(),
        detected_labels: nothing(),
        lifecycle: Lifecycle {
            status: new.status,
            status_reason: None,
            disabled_by: None,
            disabled_reason: None,
            deprecation_notice: None,
            updated_by: None,
        },
        disabled_at: None,
        is_latest_version: true,
        previous_version: new.previous_version,
        version_notes: new.version_notes,
        change_summary: new.change_summary,
        approved_by: new.approved_by,
        approved_at: new.approved_at,
        expected_success_rate: new.expected_success_rate,
        expected_duration_seconds: new.expected_duration_seconds,
        actual_success_rate: None,
        total_executions: 0,
        successful_executions: 0,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        created_by: new.created_by,
    }
}

fn check_insert(mood: Mood) -> Result<(), InsertError> {
    match mood {
        Mood::Refusing => Err(InsertError::Refused {
            column: Some("description".to_owned()),
            cause: Arc::new(cause()),
        }),
        Mood::WithoutWorkflows => Ok(check(Mood::Away)?),
        Mood::Well
        | Mood::Away
        | Mood::Hanging
        | Mood::Broken
        | Mood::Without(_)
        | Mood::WithoutNotifications
        | Mood::Panicking => Ok(check(mood)?),
    }
}
