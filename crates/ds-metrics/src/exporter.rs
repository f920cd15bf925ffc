//! The Prometheus recorder.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::catalog::{self, Kind, METRICS};

/// The recorder could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A histogram has no buckets.
    #[error("histogram buckets of {metric} are unusable")]
    Buckets {
        /// Name of the metric.
        metric: &'static str,
        /// What the exporter says.
        source: BuildError,
    },
    /// Another recorder was there first.
    #[error("a metrics recorder is already installed in this process")]
    Installed(#[source] BuildError),
}

/// The recorder of this process, rendered on demand.
#[derive(Clone)]
pub struct Exporter {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

impl Exporter {
    /// Installs the recorder of this process. `services` are the values of the label `service`.
    pub fn install(services: impl Iterator<Item = &'static str>) -> Result<Self, InstallError> {
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS {
            if let Kind::Histogram(buckets) = metric.kind {
                builder = builder
                    .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                    .map_err(|source| InstallError::Buckets {
                        metric: metric.name,
                        source,
                    })?;
            }
        }
        let handle = builder
            .install_recorder()
            .map_err(InstallError::Installed)?;
        let process = metrics_process::Collector::default();
        process.describe();
        catalog::register(services);
        Ok(Self { handle, process })
    }

    /// The exposition in the Prometheus text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Moves recorded samples into their buckets. The recorder does not do this by itself: without
    /// scrapes its sample buffers would grow without bound.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}
