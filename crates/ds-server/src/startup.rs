//! From "the process runs" to "the database is as this binary needs it".

use std::time::Duration;

use anyhow::Context;
use ds_domain::time::Clock;
use ds_metrics::Worker;
use ds_repository::{
    Repository,
    error::{SchemaError, StoreError},
    migrate::{self, MigrateError},
};
use tokio::time::Instant;

use crate::{
    backoff::Backoff,
    config::{DatabaseSettings, PartitionSettings},
    workers::{self, partitions},
};

/// Why one attempt to prepare the database failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// It cannot be brought to this binary's schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It does not have this binary's schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// It failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StartError {
    /// Whether waiting may help. A schema that does not fit will not fit in a minute either.
    fn is_passing(&self) -> bool {
        match self {
            Self::Store(error)
            | Self::Schema(SchemaError::Store(error))
            | Self::Migrate(MigrateError::Schema(SchemaError::Store(error))) => {
                matches!(error, StoreError::Unavailable(_))
            }
            Self::Schema(_) | Self::Migrate(_) => false,
        }
    }
}

/// Makes the database ready for traffic: schema, then partitions.
pub(crate) async fn prepare(
    repository: &Repository,
    database: &DatabaseSettings,
    partitions: &PartitionSettings,
    clock: &impl Clock,
) -> anyhow::Result<()> {
    persist(database, async || {
        repository.ping(database.store.connect_timeout).await?;
        if database.migrate_on_start {
            let report = migrate::run(&database.store).await?;
            for migration in &report.migrations {
                tracing::info!(migration, "Applied migration {migration}");
            }
        }
        repository.check_schema().await?;
        partitions::pass(repository, partitions, clock).await?;
        workers::count(Worker::Partitions, true, clock);
        Ok(())
    })
    .await
}

/// Repeats `attempt` while the store is unavailable, for as long as a start may take.
pub(crate) async fn persist<T>(
    database: &DatabaseSettings,
    mut attempt: impl AsyncFnMut() -> Result<T, StartError>,
) -> anyhow::Result<T> {
    let store = &database.store;
    let place = format!(
        "database {} on {} port {}",
        store.database, store.host, store.port
    );
    let deadline = Instant::now() + database.start_retry_max;
    let mut backoff = Backoff::new();
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let wait = backoff.next_wait(&mut rand::rng());
        if !error.is_passing() {
            return Err(error).with_context(|| format!("cannot use {place}"));
        }
        if deadline < Instant::now() + wait {
            let budget = database.start_retry_max;
            return Err(error).with_context(|| format!("gave up on {place} after {budget:?}"));
        }
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            retry_ms = millis(wait),
            "Waiting for {place}"
        );
        tokio::time::sleep(wait).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
