//! One connection, from its first byte to its end.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use ds_ingest::port::Ports;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::{
    dispatch::{App, dispatch},
    timed_stream::{Phase, SharedPhase, TimedStream},
};

/// Largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bounds of the connections of one listener.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Most open connections; one more is closed at once.
    pub connections_max: usize,
    /// Longest wait for the head of a request, from its first byte or, for the first request, from
    /// the opening of the connection.
    pub header_read_timeout: Duration,
    /// Longest wait for the next request.
    pub idle_timeout: Duration,
    /// Longest wait for a client to take any part of its answer.
    pub write_stall_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            write_stall_timeout: Duration::from_secs(30),
        }
    }
}

/// The two signals that end connections.
#[derive(Clone, Default)]
pub(crate) struct Endings {
    /// Finish what is in flight, and take nothing more.
    pub(crate) drain: CancellationToken,
    /// Stop at once.
    pub(crate) abort: CancellationToken,
}

/// Serves one connection until it ends.
pub(crate) async fn run<P: Ports>(
    socket: TcpStream,
    app: Arc<App<P>>,
    limits: ConnectionLimits,
    endings: Endings,
) {
    let phase = SharedPhase::open();
    let stream = TokioIo::new(TimedStream::new(socket, Arc::clone(&phase), limits));
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, phase) = (Arc::clone(&app), Arc::clone(&phase));
        phase.set(Phase::Busy);
        async move {
            let reply = dispatch(&app, request).await;
            phase.set(Phase::Idle);
            Ok::<_, Infallible>(reply)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The stream has this bound, and tells an idle connection from a slow one.
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES_MAX)
        // Head and body of most answers are a few hundred bytes: one copy is cheaper than two pieces.
        .writev(false)
        // A client may say that it has nothing more to send, and still wants its answer, above all
        // to a write. The price is that a client that is gone is noticed only when it is answered:
        // every handler has a deadline of its own.
        .half_close(true);
    // Not `pipeline_flush`: it writes nothing while more requests are buffered, so that a client that
    // sends on and on and never reads makes the answers pile up in memory without bound.
    let mut connection = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = endings.drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = endings.abort.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        // Clients that leave, stall or send garbage are their own problem, not the operator's.
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "Connection ended early"
        );
    }
}
