//! `GET /openapi.yaml`: the contract.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::{
    endpoint::{Reply, reply},
    problem::Problem,
};

/// The document, as it is in the repository.
pub(super) const DOCUMENT: &str = include_str!("../../../../api/openapi/data-storage-v1.yaml");

pub(super) async fn handle() -> Result<Reply, Problem> {
    let media_type = HeaderValue::from_static("application/yaml");
    Ok(reply(
        StatusCode::OK,
        media_type,
        Bytes::from_static(DOCUMENT.as_bytes()),
    ))
}
