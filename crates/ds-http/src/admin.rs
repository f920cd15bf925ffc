//! What operators may see and do about the backlogs, and the trace that it leaves.

mod audit;
mod change;
mod letter;
mod token;

pub(crate) use audit::{Inquiry, note};
pub(crate) use change::{Change, change};
pub(crate) use letter::{LetterId, Letters, list, warn};

use std::time::Duration;

use ds_dlq::{BacklogError, SharedError};

/// Longest wait for a backlog to tell something. Those that change something have bounds of their
/// own: to cut them off would leave open what they did.
const ASKING_MAX: Duration = Duration::from_secs(5);

/// What `asking` a backlog gives, if it does so in time.
pub(crate) async fn in_time<T>(
    asking: impl Future<Output = Result<T, BacklogError>>,
) -> Result<T, BacklogError> {
    let late = |elapsed| -> SharedError { std::sync::Arc::new(elapsed) };
    let told = tokio::time::timeout(ASKING_MAX, asking).await;
    told.unwrap_or_else(|elapsed: tokio::time::error::Elapsed| Err(BacklogError(late(elapsed))))
}
