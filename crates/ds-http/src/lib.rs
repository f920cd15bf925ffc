#![doc = include_str!("../README.md")]

mod accept;
mod admin;
mod body;
mod connection;
mod cors;
mod dispatch;
mod endpoint;
mod endpoints;
mod exchange;
mod export;
mod finishing;
mod links;
mod listener;
mod problem;
mod readiness;
mod reply_body;
mod request_id;
mod route;
mod timed_stream;
mod trace;
mod trail;
mod walk;
mod warning;
mod wire;

use std::{sync::Arc, time::Duration};

use ds_ingest::{Ingest, port::Ports};
use ds_repository::Repository;
use secrecy::SecretString;

pub use connection::ConnectionLimits;
pub use endpoints::Surface;
pub use export::Exports;
pub use listener::{Drained, serve};
pub use readiness::{Readiness, State};

/// Renders the metrics of the process in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Tells what a client must know in order to change something, as it is at the moment; `None` when
/// nobody may change anything.
pub type AdminToken = Arc<dyn Fn() -> Option<SecretString> + Send + Sync>;

/// Tells in a word how durable the queue is, if that is known.
pub type QueueDurability = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// What the endpoints stand on.
pub struct Service<P: Ports> {
    /// The write path, with the clock and the source of ids.
    pub ingest: Ingest<P>,
    /// The store, for reads and signs of life.
    pub repository: Repository,
    /// Whether traffic is welcome.
    pub readiness: Arc<Readiness>,
    /// The exposition of the metrics; a function, so that this crate needs no exporter.
    pub render_metrics: RenderMetrics,
    /// The token of operators.
    pub admin_token: AdminToken,
    /// How durable the queue is.
    pub queue_durability: QueueDurability,
    /// Version of the build that is running.
    pub version: &'static str,
    /// Room for answers that are streamed.
    pub exports: Exports,
    /// Bounds of a request.
    pub limits: RequestLimits,
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Largest body that is read.
    pub body_bytes_max: usize,
    /// Most bytes of a body that is refused anyway which are read and thrown away, so that a client
    /// that sends before it listens gets to read the refusal.
    pub discard_bytes_max: usize,
    /// Longest wait for a whole body.
    pub body_read_timeout: Duration,
    /// Longest wait for the store's sign of life.
    pub ping_timeout: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 5 * 1024 * 1024,
            discard_bytes_max: 32 * 1024 * 1024,
            body_read_timeout: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(1),
        }
    }
}
