//! Accepting connections, and ending them in an orderly way.

use std::{io, pin::pin, sync::Arc, time::Duration};

use ds_ingest::port::Ports;
use ds_metrics::catalog;
use metrics::Gauge;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::task::TaskTracker;

use crate::{
    ConnectionLimits, Service, Surface,
    connection::{self, Endings},
    dispatch::App,
};

/// Waits between attempts to accept while the process is out of file descriptors or memory.
const BACKOFF_MIN: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Bytes of answers that the kernel takes before they can be sent. It says that there is room again
/// when half of them are gone; without a bound that may be a third of several MiB, and a client that
/// reads slowly is taken for one that does not read.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// How a listener ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    /// Connections with a request in flight that were cut.
    pub connections_left: usize,
    /// Writes that were still at work; they run on for as long as the runtime lives.
    pub writes_left: usize,
}

impl Drained {
    /// Whether everything that was begun was finished.
    pub fn is_complete(self) -> bool {
        self.connections_left == 0 && self.writes_left == 0
    }
}

/// Serves `surface` of `service` on `listener` until `shutdown`, which yields how long draining may
/// take: no connection is accepted any more, idle ones are closed, requests in flight are finished,
/// and writes are awaited whose clients have left.
pub async fn serve<P: Ports>(
    listener: TcpListener,
    service: Arc<Service<P>>,
    surface: Surface,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = Duration>,
) -> Drained {
    let app = Arc::new(App::new(service, surface));
    let connections = TaskTracker::new();
    let endings = Endings::default();
    let door = Door {
        app: Arc::clone(&app),
        limits,
        endings: endings.clone(),
        connections: connections.clone(),
        free: Arc::new(Semaphore::new(
            limits.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        open: catalog::http_connections(),
    };
    let budget = tokio::select! {
        biased;
        budget = shutdown => budget,
        budget = accept(&listener, &door) => match budget {},
    };
    // From here on the kernel refuses new connections.
    drop(listener);
    drain(&app.writes, &connections, &endings, budget).await
}

/// Lets everything in flight finish within `budget`, then cuts what is left.
async fn drain(
    writes: &TaskTracker,
    connections: &TaskTracker,
    endings: &Endings,
    budget: Duration,
) -> Drained {
    endings.drain.cancel();
    connections.close();
    writes.close();
    let drained = async {
        // Connections first: only they start writes.
        connections.wait().await;
        writes.wait().await;
    };
    let is_complete = tokio::time::timeout(budget, pin!(drained)).await.is_ok();
    let left = match is_complete {
        true => Drained {
            connections_left: 0,
            writes_left: 0,
        },
        false => Drained {
            connections_left: connections.len(),
            writes_left: writes.len(),
        },
    };
    endings.abort.cancel();
    left
}

/// What a new connection needs.
struct Door<P: Ports> {
    app: Arc<App<P>>,
    limits: ConnectionLimits,
    endings: Endings,
    connections: TaskTracker,
    free: Arc<Semaphore>,
    open: Gauge,
}

/// Accepts connections for ever.
async fn accept<P: Ports>(listener: &TcpListener, door: &Door<P>) -> std::convert::Infallible {
    let mut backoff = BACKOFF_MIN;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                backoff = BACKOFF_MIN;
                door.admit(socket);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Existing connections go on, and free what is missing when they end.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    retry_ms = backoff.as_secs_f64() * 1e3,
                    "Cannot accept connections"
                );
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        }
    }
}

/// Whether an accept failed because of the connection that was to be accepted; the next one may be
/// well.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

impl<P: Ports> Door<P> {
    fn admit(&self, socket: TcpStream) {
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            catalog::http_connections_refused().increment(1);
            return;
        };
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "Cannot set TCP_NODELAY"
            );
        }
        if let Err(error) = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "Cannot set TCP_NOTSENT_LOWAT"
            );
        }
        let open = OpenConnection::new(self.open.clone());
        let (app, endings) = (Arc::clone(&self.app), self.endings.clone());
        let serving = connection::run(socket, app, self.limits, endings);
        self.connections.spawn(async move {
            serving.await;
            drop((open, place));
        });
    }
}

/// Counts a connection as open for as long as it lives.
struct OpenConnection(Gauge);

impl OpenConnection {
    fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
