//! The effectful ports of the write path.

use ds_domain::{event::Parent, id::IdSource, time::Clock};
use ds_repository::{
    Appended, Repository,
    error::{AppendError, StoreError},
};
use ds_validation::NewEvent;
use uuid::Uuid;

/// Where events become durable.
pub trait EventStore: Send + Sync + 'static {
    /// Stores all of `events` or none, each exactly once.
    fn append(
        &self,
        events: &[NewEvent],
    ) -> impl Future<Output = Result<Vec<Appended>, AppendError>> + Send;

    /// Finds which of `ids` are stored, and under which date.
    fn find_parents(
        &self,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<Vec<Parent>, StoreError>> + Send;
}

impl EventStore for Repository {
    async fn append(&self, events: &[NewEvent]) -> Result<Vec<Appended>, AppendError> {
        Repository::append(self, events).await
    }

    async fn find_parents(&self, ids: &[Uuid]) -> Result<Vec<Parent>, StoreError> {
        Repository::find_parents(self, ids).await
    }
}

/// What the write path stands on; one name to carry instead of three.
pub trait Ports: Send + Sync + 'static {
    /// The store.
    type Store: EventStore;
    /// The clock.
    type Clock: Clock;
    /// The source of ids.
    type Ids: IdSource;
}
