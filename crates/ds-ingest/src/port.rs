//! The effectful ports of the write path.

use ds_dlq::Backlog;
use ds_domain::{
    action::{ActionUpdate, StoredAction},
    event::Parent,
    id::IdSource,
    month::Month,
    notification::{StoredDelivery, StoredNotification},
    time::Clock,
    workflow::{Change, Executions},
};
use ds_repository::{
    ActionKept, Appended, Inserted, Repository, UpdateError, Writer,
    error::{AppendError, InsertError, StoreError},
    workflow::{Changed, Counted, Created, NewWorkflow, NotChanged},
};
use ds_validation::{NewEvent, ValidAction, ValidDelivery, ValidNotification};
use uuid::Uuid;

/// Where events become durable.
pub trait EventStore: Send + Sync + 'static {
    /// What appends to it.
    type Writer: EventWriter;

    /// One more writer. Writers work side by side.
    fn writer(&self) -> Self::Writer;

    /// Finds which of `ids` are stored, and under which date.
    fn find_parents(
        &self,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<Vec<Parent>, StoreError>> + Send;

    /// Makes room for the events of `month`, if none is there.
    fn ensure_partition(&self, month: Month)
    -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A way into the store that one task has for itself.
pub trait EventWriter: Send + 'static {
    /// Stores each group, all of its events or none, each event exactly once. The answers are in
    /// the order of the groups; a group that fails takes no other with it. Bounded in time.
    fn append(
        &mut self,
        groups: &[&[NewEvent]],
    ) -> impl Future<Output = Vec<Result<Vec<Appended>, AppendError>>> + Send;
}

/// Where notifications become durable. Every method is bounded in time.
pub trait NotificationStore: Send + Sync + 'static {
    /// Stores a notification, once.
    fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> impl Future<Output = Result<Inserted<StoredNotification>, InsertError>> + Send;

    /// Stores a delivery, once. `None` when there is no such notification.
    fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> impl Future<Output = Result<Option<Inserted<StoredDelivery>>, InsertError>> + Send;
}

/// Where actions become durable. Every method is bounded in time.
pub trait ActionStore: Send + Sync + 'static {
    /// Stores each group, all of its actions or none, each action exactly once. The answers are in the
    /// order of the groups; a group that fails takes no other with it.
    fn insert_actions(
        &self,
        groups: &[&[ValidAction]],
    ) -> impl Future<Output = Vec<Result<Vec<ActionKept>, AppendError>>> + Send;

    /// Makes room for the actions of `month`, if none is there; says whether there was none.
    fn ensure_action_partition(
        &self,
        month: Month,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Changes what became of an action, and says what is known now.
    fn update_action(
        &self,
        action_id: &str,
        update: &ActionUpdate,
    ) -> impl Future<Output = Result<StoredAction, UpdateError>> + Send;
}

impl EventStore for Repository {
    type Writer = Writer;

    fn writer(&self) -> Writer {
        Repository::writer(self)
    }

    async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        Repository::find_parents(self, ids).await
    }

    async fn ensure_partition(&self, month: Month) -> Result<(), StoreError> {
        Repository::ensure_partition(self, month).await.map(|_| ())
    }
}

impl EventWriter for Writer {
    async fn append(&mut self, groups: &[&[NewEvent]]) -> Vec<Result<Vec<Appended>, AppendError>> {
        Writer::append(self, groups).await
    }
}

impl NotificationStore for Repository {
    async fn insert_notification(
        &self,
        notification: &ValidNotification,
    ) -> Result<Inserted<StoredNotification>, InsertError> {
        Repository::insert_notification(self, notification).await
    }

    async fn insert_delivery(
        &self,
        notification_id: &str,
        delivery: &ValidDelivery,
    ) -> Result<Option<Inserted<StoredDelivery>>, InsertError> {
        Repository::insert_delivery(self, notification_id, delivery).await
    }
}

impl ActionStore for Repository {
    async fn insert_actions(
        &self,
        groups: &[&[ValidAction]],
    ) -> Vec<Result<Vec<ActionKept>, AppendError>> {
        Repository::insert_actions(self, groups).await
    }

    async fn ensure_action_partition(&self, month: Month) -> Result<bool, StoreError> {
        Repository::ensure_action_partition(self, month).await
    }

    async fn update_action(
        &self,
        action_id: &str,
        update: &ActionUpdate,
    ) -> Result<StoredAction, UpdateError> {
        Repository::update_action(self, action_id, update).await
    }
}

/// Where workflows become durable. Every method is bounded in time.
pub trait WorkflowStore: Send + Sync + 'static {
    /// Stores new versions, each unless its name has it already. The answers are in their order.
    fn create_workflows(
        &self,
        workflows: &[NewWorkflow],
    ) -> impl Future<Output = Result<Vec<Created>, InsertError>> + Send;

    /// Changes what becomes of a version.
    fn change_workflow(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> impl Future<Output = Result<Changed, NotChanged>> + Send;

    /// Adds runs to the counters of a version; those of a report that has a name, once.
    fn count_executions(
        &self,
        workflow_id: Uuid,
        executions: &Executions,
    ) -> impl Future<Output = Result<Counted, InsertError>> + Send;
}

impl WorkflowStore for Repository {
    async fn create_workflows(
        &self,
        workflows: &[NewWorkflow],
    ) -> Result<Vec<Created>, InsertError> {
        Repository::create_workflows(self, workflows).await
    }

    async fn change_workflow(
        &self,
        workflow_id: Uuid,
        change: &Change,
    ) -> Result<Changed, NotChanged> {
        Repository::change_workflow(self, workflow_id, change).await
    }

    async fn count_executions(
        &self,
        workflow_id: Uuid,
        executions: &Executions,
    ) -> Result<Counted, InsertError> {
        Repository::count_executions(self, workflow_id, executions).await
    }
}

/// What the write path stands on; one name to carry instead of five.
pub trait Ports: Send + Sync + 'static {
    /// The store.
    type Store: EventStore + NotificationStore + ActionStore + WorkflowStore;
    /// Where events wait first while the store is away.
    type Queue: Backlog;
    /// Where they wait when the queue is away, too.
    type Spool: Backlog;
    /// The clock.
    type Clock: Clock;
    /// The source of ids.
    type Ids: IdSource;
}
