//! SIGTERM and SIGINT: the first asks, the second insists.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals that end the process.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    asked: CancellationToken,
}

impl Signals {
    /// Listens from now on. A second signal ends the process at once, with 128 and its number.
    pub(crate) fn listen() -> io::Result<Self> {
        let asked = CancellationToken::new();
        let mut both = Both {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        let signals = Self {
            asked: asked.clone(),
        };
        tokio::spawn(async move {
            let first = both.next().await;
            tracing::info!(signal = name(first), "Shutting down: {}", name(first));
            asked.cancel();
            let second = both.next().await;
            tracing::warn!(
                signal = name(second),
                "Ended at once by a second {}",
                name(second)
            );
            std::process::exit(128 + second.as_raw_value());
        });
        Ok(signals)
    }

    /// Waits for the first signal; returns at once if it came already.
    pub(crate) async fn asked(&self) {
        self.asked.cancelled().await;
    }
}

struct Both {
    terminate: Signal,
    interrupt: Signal,
}

impl Both {
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

fn name(kind: SignalKind) -> &'static str {
    if kind == SignalKind::interrupt() {
        "SIGINT"
    } else {
        "SIGTERM"
    }
}
