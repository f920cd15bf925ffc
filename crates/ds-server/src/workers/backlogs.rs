//! Measures the backlogs, so that their gauges fall again when they are drained.

use ds_dlq::{Backlog, BacklogError, RedisQueue};
use ds_http::Service;

use crate::wiring::Production;

/// Measures what waits. A backlog that cannot be reached is a failed pass, and nothing else.
///
/// Nobody replays notifications yet; the first service may have left some, which count.
pub(super) async fn pass(
    service: &Service<Production>,
    notifications: Option<&RedisQueue>,
) -> Result<(), BacklogError> {
    service.ingest.survey().await?;
    if let Some(notifications) = notifications {
        notifications.status().await?;
    }
    Ok(())
}
