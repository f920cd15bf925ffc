//! Closes connections that are too old or idle for too long, and samples the pools.

use ds_repository::{Repository, error::StoreError};

/// Tends the pools. Cannot fail: nothing is asked of the database.
pub(super) async fn pass(repository: &Repository) -> Result<(), StoreError> {
    repository.tend_pools();
    Ok(())
}
