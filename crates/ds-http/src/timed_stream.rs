//! A socket on which nobody can keep us waiting.
//!
//! hyper bounds the time for a request's head with one timer that also runs while a kept-alive
//! connection is idle, and does not watch writes at all. Here each way of waiting has its own bound:
//! for a head, for the next request, and for a client that does not read its answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::ConnectionLimits;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// The first head, from the moment the connection was opened.
    Open,
    /// The rest of a head.
    Head,
    /// A handler, which has bounds of its own for the body.
    Busy,
    /// The next request.
    Idle,
}

/// The phase, shared by the socket and the service on it.
#[derive(Debug)]
pub(crate) struct SharedPhase(AtomicU8);

impl SharedPhase {
    /// The phase of a new connection.
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self(AtomicU8::new(Phase::Open as u8)))
    }

    /// Enters `phase`.
    pub(crate) fn set(&self, phase: Phase) {
        // Both sides run on the connection's task: there is nothing to synchronise with.
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    fn get(&self) -> Phase {
        let value = self.0.load(Ordering::Relaxed);
        let phases = [Phase::Open, Phase::Head, Phase::Busy];
        phases
            .into_iter()
            .find(|phase| *phase as u8 == value)
            .unwrap_or(Phase::Idle)
    }
}

/// A socket with bounds on every wait.
pub(crate) struct TimedStream {
    socket: TcpStream,
    phase: Arc<SharedPhase>,
    limits: ConnectionLimits,
    /// The phase the read timer runs for; `None` to start it anew.
    timed: Option<Phase>,
    read_timer: Timer,
    write_timer: Timer,
}

impl TimedStream {
    /// Watches over `socket`.
    pub(crate) fn new(
        socket: TcpStream,
        phase: Arc<SharedPhase>,
        limits: ConnectionLimits,
    ) -> Self {
        let (read_timer, write_timer) = (Timer::default(), Timer::default());
        Self {
            socket,
            phase,
            limits,
            timed: None,
            read_timer,
            write_timer,
        }
    }

    /// Starts the timer of `phase`.
    fn time_reads(&mut self, phase: Phase) {
        self.timed = Some(phase);
        match phase {
            Phase::Open | Phase::Head => self.read_timer.start(self.limits.header_read_timeout),
            Phase::Idle => self.read_timer.start(self.limits.idle_timeout),
            Phase::Busy => self.read_timer.stop(),
        }
    }

    fn waited_to_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phase.get();
        if self.timed != Some(phase) {
            self.time_reads(phase);
        }
        ready!(self.read_timer.poll(cx));
        Poll::Ready(Err(timed_out()))
    }

    /// Bounds a write that made the progress `poll`.
    fn watched<T>(
        &mut self,
        poll: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write_timer.stop();
            if self.phase.get() == Phase::Idle {
                // The wait for the next request begins with the last byte of an answer. It must be
                // timed from here: hyper may have found nothing to read while the handler was at
                // work, and then does not ask again before the socket wakes it.
                self.time_reads(Phase::Idle);
                let _ = self.read_timer.poll(cx);
            }
            return poll;
        }
        if !self.write_timer.is_running {
            self.write_timer.start(self.limits.write_stall_timeout);
        }
        ready!(self.write_timer.poll(cx));
        Poll::Ready(Err(timed_out()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.socket).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before && self.phase.get() == Phase::Idle {
                    self.phase.set(Phase::Head);
                    self.timed = None;
                }
                Poll::Ready(result)
            }
            Poll::Pending => self.waited_to_read(cx),
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.watched(poll, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.watched(poll, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A timer that is allocated on first use and then wound up again.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Timer {
    fn start(&mut self, after: Duration) {
        let deadline = Instant::now() + after;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
        self.is_running = true;
    }

    fn stop(&mut self) {
        self.is_running = false;
    }

    /// Pending until the time is up, and for ever when it is stopped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.is_running => sleep.as_mut().poll(cx),
            Some(_) | None => Poll::Pending,
        }
    }
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}
