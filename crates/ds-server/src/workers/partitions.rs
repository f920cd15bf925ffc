//! Keeps monthly partitions ahead of time: an event without a partition cannot be stored.

use ds_domain::{
    month,
    time::{Clock, utc_date},
};
use ds_metrics::catalog;
use ds_repository::{Repository, error::StoreError};

use crate::config::PartitionSettings;

/// Makes the partitions that must exist now, and says how far they reach.
///
/// The previous month is among them: events may be late by a part of a month, which is what the
/// configuration allows at most.
pub(crate) async fn pass(
    repository: &Repository,
    settings: &PartitionSettings,
    clock: &impl Clock,
) -> Result<(), StoreError> {
    let today = utc_date(clock.now());
    let months = month::covering(today, settings.months_ahead);
    let report = repository.ensure_partitions(today, &months).await?;
    for partition in &report.created {
        tracing::info!(partition, "Created partition {partition}");
    }
    let days = (report.covered_until - today).get_days();
    catalog::partition_horizon().set(f64::from(days));
    Ok(())
}
