//! The JSON of health and readiness.

use ds_ingest::IngestState;
use serde::Serialize;

/// `/health`.
#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    database: &'static str,
    version: &'static str,
}

impl Health {
    /// The service can do its work.
    pub(crate) fn healthy(version: &'static str) -> Self {
        Self {
            status: "healthy",
            database: database(true),
            version,
        }
    }

    /// It cannot.
    pub(crate) fn unhealthy(version: &'static str) -> Self {
        Self {
            status: "unhealthy",
            database: database(false),
            version,
        }
    }
}

/// `/health/ready`.
#[derive(Serialize)]
pub(crate) struct Ready {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Checks>,
}

/// What readiness was judged by.
#[derive(Serialize)]
pub(crate) struct Checks {
    database: &'static str,
    store: &'static str,
    queue: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_durability: Option<&'static str>,
    spool: Option<&'static str>,
    failing_partitions: Vec<String>,
}

impl Checks {
    /// What is known: whether the database answers, and how the write path fares.
    pub(crate) fn new(
        database_answers: bool,
        state: IngestState,
        queue_durability: Option<&'static str>,
    ) -> Self {
        Self {
            database: database(database_answers),
            store: state.store.as_str(),
            queue: state.queue.map(|queue| queue.breaker.as_str()),
            queue_durability: state.queue.and(queue_durability),
            spool: state.spool.map(|spool| spool.breaker.as_str()),
            failing_partitions: state.failing_partitions,
        }
    }
}

impl Ready {
    /// Traffic is welcome, although these things do not work.
    pub(crate) fn yes(degraded: Vec<&'static str>, checks: Checks) -> Self {
        Self {
            status: "ready",
            reason: None,
            degraded,
            checks: Some(checks),
        }
    }

    /// It is not, and what was found has a part in it.
    pub(crate) fn no(reason: &'static str, checks: Option<Checks>) -> Self {
        Self {
            status: "not_ready",
            reason: Some(reason),
            degraded: Vec::new(),
            checks,
        }
    }
}

/// `/health/live`.
#[derive(Serialize)]
pub(crate) struct Alive {
    status: &'static str,
}

impl Default for Alive {
    fn default() -> Self {
        Self { status: "alive" }
    }
}

fn database(answers: bool) -> &'static str {
    match answers {
        true => "connected",
        false => "unreachable",
    }
}
