//! The ordered end: each phase has a name, a budget and a log line, and none skips the next.

use std::time::Duration;

use tokio::time::Instant;

/// Why a phase did not do all of its work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfinished(pub String);

/// The phases that have run.
#[derive(Debug)]
pub(crate) struct Phases {
    began: Instant,
    is_complete: bool,
}

impl Phases {
    /// The first phase is about to begin.
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            is_complete: true,
        }
    }

    /// Runs one phase. A phase that fails or takes longer than `budget` is reported, and that is all.
    pub(crate) async fn run(
        &mut self,
        name: &'static str,
        budget: Duration,
        work: impl Future<Output = Result<(), Unfinished>>,
    ) {
        let began = Instant::now();
        let outcome = match tokio::time::timeout(budget, work).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(Unfinished(format!("took longer than {budget:?}"))),
        };
        let seconds = began.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                tracing::info!(
                    phase = name,
                    duration_seconds = seconds,
                    "Shutdown: {name}, done"
                );
            }
            Err(error) => {
                self.is_complete = false;
                tracing::error!(
                    phase = name,
                    duration_seconds = seconds,
                    error = %error,
                    "Shutdown: {name}, unfinished: {error}"
                );
            }
        }
    }

    /// Whether every phase did all of its work.
    pub(crate) fn end(self) -> bool {
        let seconds = self.began.elapsed().as_secs_f64();
        let is_complete = self.is_complete;
        tracing::info!(is_complete, duration_seconds = seconds, "Shut down");
        is_complete
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_phase_skips_the_next() {
        let reached = Cell::new(false);
        let mut phases = Phases::begin();
        phases
            .run("fails", Duration::from_secs(1), async {
                Err(Unfinished("no".into()))
            })
            .await;
        phases
            .run("hangs", Duration::from_secs(1), std::future::pending())
            .await;
        let last = async {
            reached.set(true);
            Ok(())
        };
        phases.run("works", Duration::from_secs(1), last).await;
        assert!(reached.get());
        assert!(!phases.end());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_complete_when_every_phase_is() {
        let mut phases = Phases::begin();
        phases
            .run("works", Duration::from_secs(1), async { Ok(()) })
            .await;
        assert!(phases.end());
    }
}
