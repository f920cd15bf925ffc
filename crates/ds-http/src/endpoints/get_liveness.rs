//! `GET /health/live`: whether the process answers at all.

use http::StatusCode;

use crate::{
    endpoint::{Reply, json},
    problem::Problem,
    wire::Alive,
};

/// Asks nothing and nobody: a restart mends no database.
pub(super) async fn handle() -> Result<Reply, Problem> {
    json(StatusCode::OK, &Alive::default())
}
