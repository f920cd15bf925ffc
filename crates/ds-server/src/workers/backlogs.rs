//! Measures the backlogs, so that their gauges fall again when they are drained.

use ds_dlq::BacklogError;
use ds_http::Service;

use crate::wiring::Production;

/// Measures what waits. A backlog that cannot be reached is a failed pass, and nothing else.
pub(super) async fn pass(service: &Service<Production>) -> Result<(), BacklogError> {
    service.ingest.survey().await
}
