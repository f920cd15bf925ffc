//! The only code that names the concrete adapters.

use std::sync::Arc;

use anyhow::Context;
use ds_http::{ConnectionLimits, Readiness, RequestLimits, Service};
use ds_ingest::{Ingest, port::Ports};
use ds_metrics::Exporter;
use ds_repository::Repository;

use crate::{
    clock::{SystemClock, SystemIds},
    config::{ServerSettings, Settings},
};

/// Version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the write path stands on in production.
pub(crate) struct Production;

impl Ports for Production {
    type Store = Repository;
    type Clock = SystemClock;
    type Ids = SystemIds;
}

/// Builds the service. Nothing is connected yet.
pub(crate) fn service(
    settings: &Settings,
    repository: &Repository,
    readiness: &Arc<Readiness>,
    exporter: &Exporter,
) -> Arc<Service<Production>> {
    let ingest = Ingest::new(repository.clone(), SystemClock, SystemIds, settings.limits);
    let exporter = exporter.clone();
    Arc::new(Service {
        ingest,
        repository: repository.clone(),
        readiness: Arc::clone(readiness),
        render_metrics: Arc::new(move || exporter.render()),
        version: VERSION,
        limits: request_limits(&settings.server),
    })
}

/// Builds the store's pools.
pub(crate) fn repository(settings: &Settings) -> anyhow::Result<Repository> {
    Repository::new(settings.database.store.clone()).context("cannot set up the store")
}

/// Bounds of one request.
fn request_limits(server: &ServerSettings) -> RequestLimits {
    RequestLimits {
        body_bytes_max: server.body_bytes_max,
        body_read_timeout: server.read_timeout,
        ping_timeout: server.ping_timeout,
        ..RequestLimits::default()
    }
}

/// Bounds of one connection.
pub(crate) fn connection_limits(server: &ServerSettings) -> ConnectionLimits {
    ConnectionLimits {
        connections_max: server.connections_max,
        header_read_timeout: server.header_timeout,
        idle_timeout: server.idle_timeout,
        write_stall_timeout: server.write_timeout,
    }
}
