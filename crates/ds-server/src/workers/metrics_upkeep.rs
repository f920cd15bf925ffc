//! Moves recorded samples into their buckets: without scrapes their buffers would only grow.

use ds_metrics::Exporter;
use ds_repository::error::StoreError;

/// Empties the buffers. Cannot fail.
pub(super) async fn pass(exporter: &Exporter) -> Result<(), StoreError> {
    exporter.upkeep();
    Ok(())
}
